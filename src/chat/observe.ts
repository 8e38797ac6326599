import type { Clock } from "../clock.ts";
import { faultOf, Refusal } from "../errors.ts";
import { createFaults } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Ack } from "./change.ts";
import type { Format } from "./delivery/encoder.ts";
import type { CommitFailure } from "./ports.ts";

/** Counts, times and logs what happens in this folder. */
export function createObserver(metrics: Metrics, log: Log, clock: Clock) {
  const ok = metrics.acked.of("ok");
  const duplicate = metrics.acked.of("duplicate");
  const published = { v1: metrics.published.of("v1"), plain: metrics.published.of("plain") };
  const faulted = createFaults(log, metrics);
  let away = false;

  return {
    submitted: () => void metrics.submitted.count++,
    answered(outcome: Ack | Refusal, ms: number) {
      metrics.ackSeconds.observe(ms / 1000);
      const tally =
        outcome instanceof Refusal ? metrics.acked.of(outcome.code) : outcome.duplicate ? duplicate : ok;
      tally.count++;
    },
    committed(changes: number, ms: number) {
      metrics.committed.count += changes;
      metrics.commitBatch.observe(changes);
      metrics.commitSeconds.observe(ms / 1000);
    },
    commitFailed(failure: CommitFailure, posts: number) {
      metrics.commitFailures.labels(failure.kind).inc();
      log.warn(
        { event: "commit_failed", kind: failure.kind, posts, fault: faultOf(failure.cause) },
        "a commit failed",
      );
    },
    /** Times the release of a range. */
    released(release: () => void) {
      const begun = clock.monotonic();
      release();
      metrics.publishSeconds.observe((clock.monotonic() - begun) / 1000);
    },
    delivered(format: Format, frames: number, subscribers: number) {
      published[format].count += frames;
      metrics.delivered.count += frames * subscribers;
    },
    live: (format: Format, change: 1 | -1) => metrics.feeds.labels(format).inc(change),
    lagging: (change: 1 | -1) => metrics.lagging.inc(change),
    repaired(room: string, found: number, failure?: unknown) {
      if (failure)
        return log.warn(
          { event: "repair_failed", room, fault: faultOf(failure) },
          "a room could not be read",
        );
      if (found === 0) return;
      metrics.repairs.inc();
      metrics.repairedMessages.inc(found);
      log.info({ event: "repair", room, found }, "messages were read from the database");
    },
    setBack: (room: string, from: number, to: number) =>
      log.warn(
        { event: "room_set_back", room, from, to },
        "another node reported changes that the database does not have; the room's readers start again",
      ),
    /** Logs one line when the database goes away and one when it is back, not one for each check. */
    databaseChecked(failure?: unknown) {
      if (failure && !away)
        log.warn({ event: "database_away", fault: faultOf(failure) }, "the database does not answer");
      if (!failure && away) log.info({ event: "database_back" }, "the database answers again");
      away = Boolean(failure);
    },
    epochChanged: (epoch: string) =>
      log.warn({ event: "epoch_changed", epoch }, "the database has a new epoch; all sockets begin anew"),
    faulted: (error: unknown) => faulted(error, "a command or a subscription"),
    watchQueue: metrics.watchQueue,
  };
}

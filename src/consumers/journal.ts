import { type Clock, within } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { CursorStore } from "../store/cursors.ts";
import { type Journal, JOURNAL } from "../store/journal.ts";
import type { Running } from "./consumer.ts";
import { createQueue } from "./queue.ts";

/** How often it looks for what nobody told it of, in milliseconds. */
const LOOK_MS = 1_000;
/** Rooms that it appends at once. */
const ROOMS = 1_000;
/** How long it rests after it has appended something, in milliseconds, and at least so many times as long as that took. */
const REST_MS = { least: 50, most: 500 } as const;
const REST = 4;
/**
 * How long it rests while nobody reads events on this node, and for how long somebody counts as reading, in milliseconds. On the
 * embedded database, commits wait for each append.
 */
const IDLE_MS = 5_000;
const READING_MS = 60_000;
/** How long the first reader after such a time waits for what had not been appended, in milliseconds. */
const FRESH_MS = 1_000;

interface JournalParts {
  readonly journal: Journal;
  readonly cursors: Pick<CursorStore, "behind">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Is called with the number of the last row, once it is committed. */
  appended(seq: number): void;
}

export interface RunningJournal extends Running {
  /** Somebody reads events on this node. Resolves once the journal has what this node knows of, after a second at the latest. */
  wanted(): Promise<void>;
}

/**
 * Keeps the journal for as long as this node runs. It is told of rooms that have changed and, like a consumer, finds the
 * others. A change that comes alone is appended at once; those that come during the rest are appended together.
 */
export function runJournal({
  journal,
  cursors,
  clock,
  log,
  metrics,
  appended,
}: JournalParts): RunningJournal {
  const queue = createQueue(clock);
  const measured = metrics.watchConsumer(JOURNAL, () => queue.stateOf());
  /** Where the walk through all rooms continues, and whether it goes on without a pause until it has been through. */
  let after = 0;
  let sweeping = true;
  let stopped = false;
  let isFailing = false;
  let wake = Promise.withResolvers<void>();
  /** Until when somebody counts as reading, and what ends a long rest before its time. */
  let wantedUntil = -Infinity;
  let hurry = Promise.withResolvers<void>();

  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));

  const sweepAll = () => {
    after = 0;
    sweeping = true;
  };

  async function look(): Promise<void> {
    const { behind, next } = await cursors.behind(JOURNAL, after);
    queue.found(behind);
    after = next ?? 0;
    if (next === null) sweeping = false;
  }

  async function append(): Promise<void> {
    const begun = clock.monotonic();
    const { seq, versions } = await journal.append(queue.take(ROOMS));
    if (seq !== null) appended(seq);
    measured.handled(versions);
    const rest = REST * (clock.monotonic() - begun);
    const isRead = clock.monotonic() < wantedUntil;
    if (isRead) await sleep(Math.min(REST_MS.most, Math.max(REST_MS.least, rest)));
    else await within(clock, IDLE_MS, hurry.promise);
  }

  async function run(): Promise<void> {
    let looked = -Infinity;
    while (!stopped) {
      try {
        if ((sweeping && !queue.isBusy) || clock.monotonic() - looked >= LOOK_MS) {
          await look();
          looked = clock.monotonic();
        }
        if (queue.isBusy && !stopped) await append();
        isFailing = false;
      } catch (error) {
        measured.failed();
        if (!isFailing)
          log.warn(
            { event: "consumer_away", consumer: JOURNAL, fault: faultOf(error) },
            "the database does not answer a consumer; it goes on when the database is back",
          );
        isFailing = true;
        // What was taken from the queue is found again.
        sweepAll();
        await sleep(LOOK_MS);
      }
      if (stopped || queue.isBusy || sweeping) continue;
      queue.settle(!sweeping);
      await within(clock, LOOK_MS, wake.promise);
      wake = Promise.withResolvers();
    }
  }
  const running = run();

  const settled = () => {
    wake.resolve();
    hurry.resolve();
    hurry = Promise.withResolvers();
    return queue.settled();
  };

  return {
    changed(room) {
      if (queue.changed(room)) wake.resolve();
    },
    sweep() {
      sweepAll();
      wake.resolve();
    },
    settled,
    async wanted() {
      const now = clock.monotonic();
      const wasRead = now < wantedUntil;
      wantedUntil = now + READING_MS;
      if (!wasRead) await within(clock, FRESH_MS, settled());
    },
    async stop() {
      stopped = true;
      wake.resolve();
      hurry.resolve();
      await running;
    },
  };
}

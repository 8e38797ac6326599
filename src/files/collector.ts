import { type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Blobs } from "./blobs.ts";
import type { FileStore, Limits } from "./ports.ts";

/** How often each node looks, in milliseconds. */
const INTERVAL_MS = 5_000;
/** How long a file may wait until it is sent, in milliseconds. */
export const UNSENT_MS = 24 * 3600_000;
/** Strays are kept for long, because a database that knows them may be restored again. */
const LIMITS: Limits = { silentMs: 15 * 60_000, unsentMs: UNSENT_MS, strayMs: 7 * 24 * 3600_000 };

export interface CollectorParts {
  readonly store: FileStore;
  readonly blobs: Blobs;
  readonly metrics: Pick<Metrics, "filesRemoved">;
}

/**
 * Removes what no message needs: files of deleted messages and rooms, uploads that broke off, and files that nobody sent.
 * The content goes first and the row last, so that a crash in between only makes another node do it again. Returns the
 * number of files that are gone. What cannot be removed now is tried again after everything else.
 */
export async function collect(
  { store, blobs, metrics }: CollectorParts,
  limits: Limits = LIMITS,
): Promise<number> {
  await store.expire(limits);
  const gone: string[] = [];
  const kept: string[] = [];
  let failure: unknown;
  for (const id of await store.doomed())
    try {
      await blobs.remove(id);
      gone.push(id);
    } catch (error) {
      failure = error;
      kept.push(id);
    }
  if (gone.length > 0) await store.forget(gone);
  metrics.filesRemoved.inc(gone.length);
  if (kept.length > 0) await store.postpone(kept);
  if (failure !== undefined) throw failure;
  return gone.length;
}

export interface Collecting {
  stop(): void;
  /** Removes nothing that is given up from now on, until the returned function is called. */
  pause(): () => void;
}

/** Collects for as long as this node runs. */
export function collectRegularly(parts: CollectorParts, clock: Clock, log: Log): Collecting {
  let pauses = 0;
  const work = async () => {
    while (pauses === 0 && (await collect(parts)) > 0);
  };
  const stop = tryEvery(clock, INTERVAL_MS, work, (error) =>
    log.warn(
      { event: "files_not_removed", fault: faultOf(error) },
      "files that no message needs could not be removed; the next attempt is in a few seconds",
    ),
  );
  return {
    stop,
    pause() {
      pauses++;
      return () => void pauses--;
    },
  };
}

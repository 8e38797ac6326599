import { type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Blobs } from "./blobs.ts";
import type { FileStore } from "./ports.ts";

/** How often each node looks, in milliseconds. The first time is this long after its start. */
const INTERVAL_MS = 6 * 3600_000;

export interface SweepParts {
  readonly store: Pick<FileStore, "adopt">;
  readonly blobs: Pick<Blobs, "stored">;
}

/**
 * Finds content without a row, for example after an older database was restored, and gives it one, so that the collector
 * removes it in time. Returns the number of ids that it found. Content of uploads under way always has a row, because the
 * row is there first.
 */
export async function sweep({ store, blobs }: SweepParts): Promise<number> {
  let found = 0;
  for await (const ids of blobs.stored()) if (ids.length > 0) found += await store.adopt(ids);
  return found;
}

/** Sweeps for as long as this node runs. Returns a function that stops it. */
export function sweepRegularly(parts: SweepParts, clock: Clock, log: Log): () => void {
  const work = async () => {
    const found = await sweep(parts);
    if (found > 0)
      log.warn(
        { event: "stray_files", found },
        "files are stored that this database does not know; they are removed in seven days, unless a database that knows them is restored",
      );
  };
  return tryEvery(clock, INTERVAL_MS, work, (error) =>
    log.warn(
      { event: "files_not_swept", fault: faultOf(error) },
      "stored files could not be compared with the database; the next attempt is in some hours",
    ),
  );
}

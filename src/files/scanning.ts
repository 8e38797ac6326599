import { before, type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import { createPlaces } from "../limits/places.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Blobs } from "./blobs.ts";
import type { HeldFile, HeldStore } from "./ports.ts";
import { type Scanner, scanMs } from "./scanner.ts";

/** How often each node looks for files that wait, in milliseconds. */
const INTERVAL_MS = 5_000;
/** When a file is scanned again for which there was no verdict, in milliseconds. */
const RETRY_MS = 15_000;
/** How long an upload waits for a verdict, in milliseconds. Then its response says that the file is held. */
const PATIENCE_MS = 10_000;
/** Scans at a time on this node, and how many more may wait. */
const PLACES = { each: 4, waiting: 1_000 } as const;

/** Keeps files back until the scanner has cleared them. */
export interface Scanning {
  /** How long a new file of this size is left to the node that stored it, in milliseconds. */
  firstMs(size: number): number;
  /** Scans a file that was just stored. Resolves to `held` if there is no verdict soon: then it goes on in the background. */
  soon(file: HeldFile): Promise<Outcome>;
  stop(): void;
}

type Outcome = "clean" | "rejected" | "held";

interface ScanningParts {
  readonly store: HeldStore;
  readonly blobs: Blobs;
  readonly scan: Scanner;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "scans">;
}

export function createScanning({ store, blobs, scan, clock, log, metrics }: ScanningParts): Scanning {
  const places = createPlaces(PLACES);

  /** Rejects if there is no verdict. Then the file waits. */
  async function settle({ id, size }: HeldFile): Promise<Outcome> {
    try {
      const verdict = await places.run(0, async () => {
        const content = await blobs.body(id, "original");
        return content && scan(content, size);
      });
      if (verdict === undefined) return "held"; // given up meanwhile
      metrics.scans.labels(verdict).inc();
      const outcome = verdict === "clean" ? "clean" : "rejected";
      const settled = await store.settle(id, outcome);
      // Nothing leads to it any more, so a failure does no harm: the collector removes it a day later.
      if (outcome === "rejected") await blobs.remove(id).catch(() => {});
      return settled ? outcome : "held";
    } catch (error) {
      metrics.scans.labels("failed").inc();
      await store.defer(id, RETRY_MS);
      throw error;
    }
  }

  const failed = (error: unknown) =>
    log.warn(
      { event: "scanner_failed", fault: faultOf(error) },
      "files could not be scanned, and are kept back: check FILE_SCAN_URL",
    );
  const stop = tryEvery(
    clock,
    INTERVAL_MS,
    async () => {
      for (;;) {
        const files = await store.take(scanMs(0));
        if (files.length === 0) return;
        const outcomes = await Promise.allSettled(files.map(settle));
        for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
      }
    },
    failed,
  );

  return {
    firstMs: (size) => scanMs(size) + PATIENCE_MS,
    soon: (file) => before(clock, PATIENCE_MS, settle(file), () => "late").catch((): Outcome => "held"),
    stop,
  };
}

import { type Clock, tryEvery } from "../clock.ts";
import type { Metrics } from "../metrics.ts";
import type { FileStore } from "./ports.ts";

/** How often the rows of files are counted, in milliseconds: it reads all of them. */
const INTERVAL_MS = 5 * 60_000;

type CountingMetrics = Pick<Metrics, "files" | "filesBytes">;

/** Sets the gauges of files to what the database says. */
export async function count(store: Pick<FileStore, "count">, metrics: CountingMetrics): Promise<void> {
  const counts = await store.count();
  metrics.files.reset();
  metrics.filesBytes.reset();
  for (const { state, files, bytes } of counts) {
    metrics.files.labels(state).set(files);
    metrics.filesBytes.labels(state).set(bytes);
  }
}

/** Counts for as long as this node runs. Returns a function that stops it. */
export const countRegularly = (store: FileStore, metrics: CountingMetrics, clock: Clock): (() => void) =>
  tryEvery(
    clock,
    INTERVAL_MS,
    () => count(store, metrics),
    () => {}, // the database is away, which others log
  );

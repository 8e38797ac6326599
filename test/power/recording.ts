import { join } from "node:path";
import { type Entry, readLog } from "./log.ts";

const RECORDER = join(import.meta.dir, "recorder.ts");
const WORKLOAD = join(import.meta.dir, "workload.ts");

interface RecordingOptions {
  /** The recorded data directory. */
  readonly folder: string;
  /** What a new database starts from. */
  readonly template: string;
  /** Where to keep the log. */
  readonly log: string;
  readonly seed: number;
  readonly batches: number;
  /** Whether to close the database at the end. */
  readonly close: boolean;
}

/** Runs the workload in a process of its own, and returns everything that it asked of the file system. */
export async function recordWorkload({
  folder,
  template,
  log,
  seed,
  batches,
  close,
}: RecordingOptions): Promise<Entry[]> {
  await Bun.write(log, "");
  const child = Bun.spawn(
    [
      process.execPath,
      "--preload",
      RECORDER,
      WORKLOAD,
      String(seed),
      String(batches),
      close ? "close" : "leave",
    ],
    {
      env: { PATH: process.env.PATH, POWER_ROOT: folder, POWER_LOG: log, POWER_TEMPLATE: template },
      stdout: "inherit",
      stderr: "inherit",
    },
  );
  if ((await child.exited) !== 0) throw new Error("the workload failed");
  return readLog(log);
}

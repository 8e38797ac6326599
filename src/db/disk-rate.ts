import fs from "node:fs";
import { join } from "node:path";

/** What a commit writes at least, in bytes. */
const PAGE = 8192;

/** Measures how many times a second this folder's disk completes an fsync, for about `ms`. */
export function fsyncsPerSecond(folder: string, ms = 1_000): number {
  const path = join(folder, `fsync-${process.pid}`);
  const fd = fs.openSync(path, "wx", 0o600);
  try {
    const page = Buffer.alloc(PAGE, 1);
    // In advance, as Postgres's log is: otherwise each fsync would also write where the file ends.
    fs.writeSync(fd, Buffer.alloc(64 * PAGE), 0, 64 * PAGE, 0);
    fs.fsyncSync(fd);
    const began = performance.now();
    let count = 0;
    for (; performance.now() - began < ms; count++) {
      fs.writeSync(fd, page, 0, PAGE, (count % 64) * PAGE);
      fs.fsyncSync(fd);
    }
    return count / ((performance.now() - began) / 1000);
  } finally {
    fs.closeSync(fd);
    fs.rmSync(path, { force: true });
  }
}

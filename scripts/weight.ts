import type { PageFile } from "../src/http/page/files.ts";

/** The limits of the page's scripts and styles, in bytes after gzip. Only an installation loads the pictures. */
const FIRST_MAX = 45 * 1024;
/** Half of it is for parts that few visits need: searching, files, emoji, the account. */
const WHOLE_MAX = 168 * 1024;

export interface Weight {
  /** What the browser loads before it shows anything, in bytes after gzip. */
  readonly first: number;
  readonly whole: number;
}

/**
 * Returns what the page weighs.
 * @throws if it is heavier than it may be.
 */
export function checkWeight(files: readonly PageFile[]): Weight {
  let [first, whole] = [0, 0];
  for (const file of files) {
    if (file.name.endsWith(".png")) continue;
    const size = Bun.gzipSync(file.content, { level: 9 }).length;
    whole += size;
    if (file.first) first += size;
  }
  if (first > FIRST_MAX)
    throw new Error(`the page loads ${first} bytes before it shows anything; the limit is ${FIRST_MAX}`);
  if (whole > WHOLE_MAX) throw new Error(`the page is ${whole} bytes; the limit is ${WHOLE_MAX}`);
  return { first, whole };
}

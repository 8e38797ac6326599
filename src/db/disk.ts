import { statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * The free space below which the embedded database accepts no writes, in bytes: a segment of its log has 16 MiB. If it
 * ran out of space while it extends its files, it could stop for good.
 */
export const LEAST_FREE = 20 * 1024 * 1024;

/** Returns whether a folder's disk has too little space for writes. False if the file system does not say. */
export function isFull(folder: string): boolean {
  const free = freeBytes(folder);
  return free !== undefined && free < LEAST_FREE;
}

function freeBytes(folder: string): number | undefined {
  for (let path = resolve(folder); ; path = dirname(path)) {
    try {
      const { blocks, bavail, bsize } = statfsSync(path);
      return blocks > 0 ? bavail * bsize : undefined;
    } catch {
      if (path === dirname(path)) return undefined;
    }
  }
}

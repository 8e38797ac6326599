import { statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";

const MIB = 1024 * 1024;
/**
 * The free space below which the embedded database accepts no writes, in bytes: a segment of its log has 16 MiB. If it
 * ran out of space while it extends its files, it could stop for good.
 */
const LEAST_FREE = 20 * MIB;
/** The free space that a new database needs, in bytes. Its creation would never end on a full disk. */
const LEAST_FREE_NEW = 60 * MIB;

/** Returns whether a folder's disk has too little space for writes. False if the file system does not say. */
export const isFull = (folder: string): boolean => freeBytes(folder) < LEAST_FREE;

/** Returns the space that has to be freed before a database in this folder can start, in MiB; 0 if there is enough. */
export function missingSpace(folder: string, isNew: boolean): number {
  const missing = (isNew ? LEAST_FREE_NEW : LEAST_FREE) - freeBytes(folder);
  return missing > 0 ? Math.ceil(missing / MIB) : 0;
}

function freeBytes(folder: string): number {
  for (let path = resolve(folder); ; path = dirname(path)) {
    try {
      const { blocks, bavail, bsize } = statfsSync(path);
      return blocks > 0 ? bavail * bsize : Number.POSITIVE_INFINITY;
    } catch {
      if (path === dirname(path)) return Number.POSITIVE_INFINITY;
    }
  }
}

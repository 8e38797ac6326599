import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

/**
 * What systems and file systems return that cannot open or sync folders: Windows, some network file systems. Postgres
 * ignores the same errors.
 */
const NO_FOLDERS = /^(EACCES|EBADF|EINVAL|EISDIR|EPERM)$/;
const lacksFolders = (error: unknown) => NO_FOLDERS.test((error as NodeJS.ErrnoException).code ?? "");

/** Windows syncs only what is open for writing. */
const FLAGS = process.platform === "win32" ? "r+" : "r";

/** Returns once a file's content is on the disk. @throws the file system's error. */
export function syncFile(path: string): void {
  const fd = fs.openSync(path, FLAGS);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Returns once the names in a folder are on the disk: of new, renamed and removed files. */
export function syncFolder(path: string): void {
  try {
    syncFile(path);
  } catch (error) {
    if (!lacksFolders(error)) throw error;
  }
}

/** Syncs the names of folders that were just created: `last`, and those above it up to `first`. */
export function syncNames(last: string, first: string): void {
  for (let path = last; path.length >= first.length; path = dirname(path)) syncFolder(dirname(path));
}

/** How many files are synced at a time: the file system writes its journal once for several. */
const CONCURRENT = 8;

/**
 * Syncs a folder with everything in it. Takes some 50 ms for a thousand files with nothing to write. Follows symbolic
 * links, because an administrator may keep a part of the data on another disk.
 * @throws the file system's error.
 */
export async function syncTree(folder: string): Promise<void> {
  const entries = contentsOf(folder);
  const next = async () => {
    for (let entry = entries.pop(); entry; entry = entries.pop()) await syncLater(entry);
  };
  await Promise.all(Array.from({ length: CONCURRENT }, next));
}

interface Entry {
  readonly path: string;
  readonly isFolder: boolean;
}

function contentsOf(folder: string, seen = new Set<string>()): Entry[] {
  const real = fs.realpathSync(folder);
  if (seen.has(real)) return [];
  seen.add(real);
  const found: Entry[] = [{ path: folder, isFolder: true }];
  for (const name of fs.readdirSync(folder)) {
    const path = join(folder, name);
    const entry = fs.statSync(path, { throwIfNoEntry: false });
    if (entry?.isDirectory()) found.push(...contentsOf(path, seen));
    else if (entry?.isFile()) found.push({ path, isFolder: false });
  }
  return found;
}

/** Like {@link syncFile} and {@link syncFolder}, on another thread. */
async function syncLater({ path, isFolder }: Entry): Promise<void> {
  try {
    const fd = fs.openSync(path, FLAGS);
    try {
      await promisify(fs.fsync)(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    if (!isFolder || !lacksFolders(error)) throw error;
  }
}

/** Gives a finished folder its name, which a power failure then cannot take away. */
export async function publishFolder(unfinished: string, path: string): Promise<void> {
  await syncTree(unfinished);
  fs.renameSync(unfinished, path);
  syncName(resolve(path));
}

/** Syncs the name of a folder, and that of its parent, which may be new as well. */
export function syncName(path: string): void {
  syncFolder(dirname(path));
  syncFolder(dirname(dirname(path)));
}

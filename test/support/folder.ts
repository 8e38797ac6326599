import { mkdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The parents of all temporary folders of this process: on the disk and, if there is room, in memory. */
const ON_DISK = join(tmpdir(), `parley-test-${process.pid}`);
const IN_MEMORY = join(memory(), `parley-test-${process.pid}`);

/** Removes all temporary folders, including those that failed tests left behind. */
export function removeTemporaryFolders() {
  for (const path of [ON_DISK, IN_MEMORY]) rmSync(path, { recursive: true, force: true });
}

/** Returns a folder of Linux's file system in memory, or else the usual one. Containers often have too little of it. */
export function memory(): string {
  if (process.env.TEST_MEMORY_DIR) return process.env.TEST_MEMORY_DIR;
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    return bavail * bsize > 4 * 1024 ** 3 ? "/dev/shm" : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** Returns the path of a private folder, which does not exist yet. `remove`, or the end of the process, deletes it. */
export const temporaryFolder = () => folderIn(ON_DISK);

/** The same for databases: each of their commits is synced, which costs nothing in memory. */
export const memoryFolder = () => folderIn(IN_MEMORY);

function folderIn(parent: string) {
  // Otherwise what is created in it first, such as a private data directory, decides on the parent's permissions.
  mkdirSync(parent, { recursive: true });
  const path = join(parent, crypto.randomUUID());
  // `bun test` does not emit "exit"; there, preload.ts removes the folders.
  process.once("exit", removeTemporaryFolders);
  const remove = () => rmSync(path, { recursive: true, force: true });
  return { path, remove };
}

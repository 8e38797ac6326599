import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The parent of all temporary folders of this process. */
const PARENT = join(tmpdir(), `parley-test-${process.pid}`);

/** Removes all temporary folders, including those that failed tests left behind. */
export const removeTemporaryFolders = () => rmSync(PARENT, { recursive: true, force: true });

/** Returns the path of a private folder, which does not exist yet. `remove`, or the end of the process, deletes it. */
export function temporaryFolder() {
  // Otherwise what is created in it first, such as a private data directory, decides on the parent's permissions.
  mkdirSync(PARENT, { recursive: true });
  const path = join(PARENT, crypto.randomUUID());
  // `bun test` does not emit "exit"; there, preload.ts removes the folders.
  process.once("exit", removeTemporaryFolders);
  const remove = () => rmSync(path, { recursive: true, force: true });
  return { path, remove };
}

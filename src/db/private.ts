import { chmodSync, lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";

/** The permissions of the group and of all others. */
const OTHERS = 0o077;
/** What a new ext4 file system contains. It belongs to root, and nobody else can open it. */
const NOT_OURS = "lost+found";

/** The data directory cannot be used safely. The message says in one line what to do. */
export class DataDirUnusable extends Error {
  override readonly name = "DataDirUnusable";
}

/**
 * Takes all permissions on a directory from the group and others; returns whether they had some. Follows a symbolic link.
 * @throws {DataDirUnusable} if it belongs to another user or keeps its permissions.
 */
export const closeFolder = (dir: string): boolean => close(dir, statSync) === "repaired";

/**
 * Does the same with everything in the directory, and returns how many entries had such permissions. Skips symbolic links.
 * A folder is closed before its entries are listed, so that nobody else can exchange them meanwhile.
 * @throws {DataDirUnusable} if an entry belongs to another user or keeps its permissions.
 */
export function closeContents(dir: string): number {
  let repaired = 0;
  const list = (folder: string) => {
    for (const name of readdirSync(folder)) {
      if (folder === dir && name === NOT_OURS) continue;
      const path = join(folder, name);
      const entry = lstatSync(path);
      if (entry.isSymbolicLink()) continue;
      if (close(path, () => entry) === "repaired") repaired++;
      if (entry.isDirectory()) list(path);
    }
  };
  list(dir);
  return repaired;
}

function close(path: string, stat: (path: string) => Stats): "closed" | "repaired" {
  const user = process.geteuid?.();
  if (user === undefined) return "closed"; // Windows has no such permissions
  const { uid, mode } = stat(path);
  if (uid !== user)
    throw new DataDirUnusable(
      `${path} belongs to user ${uid}, and this is user ${user}: run this as its owner, give it to this user with chown, or set DATA_DIR to another folder`,
    );
  if ((mode & OTHERS) === 0) return "closed";
  chmodSync(path, mode & 0o700);
  if ((statSync(path).mode & OTHERS) !== 0)
    throw new DataDirUnusable(
      `Other users can open ${path}, because its file system ignores permissions: set DATA_DIR to a folder on another one`,
    );
  return "repaired";
}

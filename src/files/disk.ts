// As one object, so that the tests of power failures can record what is asked of it.
import fs from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { ConfigError } from "../config/config.ts";
import { type Blobs, type Form, idIn } from "./blobs.ts";

/** What files leave free on their disk, in bytes, because the database may be on it too. */
const FREE_MIN = 512 * 1024 * 1024;

/**
 * Keeps files in a folder. Its paths are made of ids alone: nothing that a stranger wrote becomes part of one. Ids are
 * random, so their first two digits spread them over 256 folders.
 * @throws {ConfigError} if the folder cannot be used.
 */
export async function openDisk(folder: string): Promise<Blobs> {
  const root = resolve(folder);
  try {
    await fs.mkdir(root, { recursive: true, mode: 0o700 });
    await fs.access(root, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    await syncFolder(dirname(root));
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError(
      `FILES_URL names the folder ${root}, which cannot be used (${message}): let this user write to it, or name another folder`,
    );
  }

  const folderOf = (id: string) => join(root, id.slice(0, 2));
  const pathOf = (id: string, form: Form) => join(folderOf(id), `${id}.${form}`);
  const unlessMissing = (error: unknown): undefined => {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
  };

  return {
    async hasRoom(bytes) {
      const { bavail, bsize } = await fs.statfs(root);
      return bavail * bsize - bytes >= FREE_MIN;
    },

    async write(id, form, parts) {
      // A folder that another write has just made may not be synced yet, so its name is synced in any case.
      await fs.mkdir(folderOf(id), { recursive: true, mode: 0o700 });
      const file = await fs.open(pathOf(id, form), "wx", 0o600);
      try {
        for await (const part of parts) await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder(folderOf(id));
      await syncFolder(root);
    },

    read: (id, form) => Bun.file(pathOf(id, form)).bytes(),

    async body(id, form, range) {
      const file = Bun.file(pathOf(id, form));
      if (!(await file.exists())) return undefined;
      return range ? file.slice(range.first, range.last + 1) : file;
    },

    async remove(id) {
      const names = await fs.readdir(folderOf(id)).catch(unlessMissing);
      if (!names) return;
      for (const name of names)
        if (name.startsWith(`${id}.`)) await fs.unlink(join(folderOf(id), name)).catch(unlessMissing);
      await syncFolder(folderOf(id));
    },

    async discard(id, form) {
      await fs.unlink(pathOf(id, form)).catch(unlessMissing);
    },

    async *stored() {
      for (const folder of await fs.readdir(root)) {
        if (!/^[\da-f]{2}$/.test(folder)) continue;
        const names = await fs.readdir(join(root, folder));
        yield [...new Set(names.flatMap((name) => idIn(name) ?? []))];
      }
    },
  };
}

/** Makes the names in a folder survive a power failure. */
async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

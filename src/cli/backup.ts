import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../config/config.ts";
import { backUp, BackupRefused } from "../db/backup-file.ts";
import { type Command, CommandError } from "./command.ts";

export const backup: Command = {
  name: "backup",
  usage: "<file>",
  about: "Back up the embedded database and people's files to a new file, even while the server runs",
  async run({ args, env, out }) {
    const [file, ...rest] = args;
    if (!file || rest.length > 0) throw new CommandError(`Usage: parley backup ${this.usage}`);
    const { DATABASE_DRIVER, DATA_DIR, FILES_URL, FILES_OLD_URL } = loadConfig(env);
    if (DATABASE_DRIVER !== "pglite")
      throw new CommandError(
        "This backs up the embedded database. For Postgres, use pg_dump or your provider's backups",
      );
    if (!existsSync(join(DATA_DIR, "postgres")))
      throw new CommandError(`There is no database in ${DATA_DIR}`);
    try {
      const files = FILES_URL.startsWith("file:") ? fileURLToPath(FILES_URL) : undefined;
      const { bytes, pausedMs } = await backUp(DATA_DIR, file, files);
      const pause = pausedMs > 0 ? `; messages waited for ${Math.ceil(pausedMs)} ms` : "";
      out(`${file} is complete (${(bytes / 1e6).toFixed(1)} MB${pause}). Keep it secret: it contains keys.`);
      if (FILES_URL.startsWith("s3:"))
        out("The files that people uploaded are in a bucket, and not in this backup: see OPERATIONS.md");
      if (FILES_OLD_URL) out("Files that have not moved from FILES_OLD_URL are not in this backup");
      return 0;
    } catch (error) {
      if (error instanceof BackupRefused) throw new CommandError(`No backup was made: ${error.message}`);
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") throw new CommandError(`${file} exists already: name a new file`);
      if (code && /^E[A-Z]+$/.test(code)) throw new CommandError(`${file} cannot be written (${message})`);
      throw error;
    }
  },
};

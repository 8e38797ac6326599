import { type Config, loadConfig } from "../config/config.ts";
import type { Database } from "../db/database.ts";
import { openDatabase } from "../db/open.ts";
import { ownDataDir } from "../db/owner.ts";
import type { Context } from "./command.ts";

/**
 * Opens the database for one command. An embedded database has one owner, so the server must be stopped
 * first.
 * @throws {DataDirHeld} if another process owns it.
 */
export async function withDatabase<T>(
  { env, err }: Context,
  work: (database: Database, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig(env);
  const onRepaired = (entries: number) =>
    err(
      `Other users had permissions on the data directory or on files in it (${entries} entries): removed them`,
    );
  const release =
    config.DATABASE_DRIVER === "pglite" ? await ownDataDir(config.DATA_DIR, onRepaired) : () => {};
  try {
    const database = await openDatabase(config);
    try {
      return await Promise.race([work(database, config), database.failed]);
    } finally {
      await database.close();
    }
  } finally {
    release();
  }
}

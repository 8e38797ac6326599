import { sql } from "drizzle-orm";
import { type Database, type DatabaseConfig, type Pool, rows, sqlState } from "./database.ts";
import { SESSION } from "./settings.ts";
import { DatabaseUnusable, placeOf, reasonOf } from "./unusable.ts";

/** How long all connections together may take to open, in milliseconds. */
const OPEN_MS = 5_000;

/**
 * Whether connections keep the settings that they begin with. Poolers such as PgBouncer refuse or drop them, because they
 * may give each transaction another connection.
 */
export async function keepsSettings(pool: Pool): Promise<boolean> {
  try {
    const [found] = await pool.run((orm) =>
      rows<{ plans: string }>(orm, sql`select current_setting('plan_cache_mode') as plans`),
    );
    return found?.plans === SESSION.plan_cache_mode;
  } catch (error) {
    if (sqlState(error) === "08P01" && /startup parameter/.test(reasonOf(error))) return false;
    throw error;
  }
}

/** Requires what the schema and its texts need of a server. @throws {DatabaseUnusable} */
export async function requireServer(pool: Pool, config: DatabaseConfig): Promise<void> {
  const [found] = await pool.run((orm) =>
    rows<{ encoding: string; schema: string | null; replica: boolean; readonly: boolean }>(
      orm,
      sql`select current_setting('server_encoding') as encoding, current_schema()::text as schema,
                 pg_is_in_recovery() as replica, current_setting('transaction_read_only') = 'on' as readonly`,
    ),
  );
  if (!found) return;
  const { database, host } = placeOf(config);
  const problem = found.replica
    ? `The database at ${host} is a replica: connect to its primary`
    : found.readonly
      ? `The database ${database} at ${host} is read-only: turn off default_transaction_read_only, or correct DATABASE_URL`
      : found.encoding !== "UTF8"
        ? `The database ${database} at ${host} has the encoding ${found.encoding}: create one with the encoding UTF8`
        : found.schema === null
          ? `The database ${database} at ${host} has a search_path that names no existing schema: correct it, or create the schema`
          : undefined;
  if (problem) throw new DatabaseUnusable(problem);
}

/**
 * Requires as many connections as the server keeps open. Opens them all at once if they come from a pooler: if it keeps
 * one of its own for each, the last ones would wait for ever.
 * @throws {DatabaseUnusable} if there are fewer.
 */
export async function requireConnections(database: Database, config: DatabaseConfig): Promise<void> {
  const { host } = placeOf(config);
  if (!database.pooled) {
    const [found] = await database.run((orm) =>
      rows<{ most: number }>(orm, sql`select current_setting('max_connections')::int4 as most`),
    );
    if (!found || found.most >= database.connections) return;
    throw new DatabaseUnusable(
      `The database server at ${host} allows ${found.most} connections, and this server keeps ${database.connections} ` +
        "open: raise max_connections, or lower DATABASE_POOL",
    );
  }
  const opened = await database.openAll(OPEN_MS);
  if (opened >= database.connections) return;
  throw new DatabaseUnusable(
    `The pooler at ${host} has ${opened} of the ${database.connections} connections that this server ` +
      "keeps open: give it more, lower DATABASE_POOL, or use its transaction mode",
  );
}

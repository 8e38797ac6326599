import { DrizzleQueryError, type SQL } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Config, Driver } from "../config.ts";
import type * as schema from "./schema.ts";

/** The settings that choose and open a database. */
export type DatabaseConfig = Pick<
  Config,
  "DATABASE_DRIVER" | "DATABASE_URL" | "DATABASE_POOL" | "DATA_DIR" | "NEON_PROXY"
>;

/** Drizzle on any of the three drivers; a transaction is one too. */
export type Orm = PgDatabase<PgQueryResultHKT, typeof schema>;

/**
 * Connections that are used, and thrown away, together.
 *
 * `run` gives `work` a Drizzle instance and answers what it answers. Work that outlives the pool's time limit rejects
 * with {@link DatabaseTimeout}, and so does all that is in flight beside it: against a stalled server a query can
 * neither be awaited nor cancelled, so the connections are closed and the next work gets new ones. What was given up
 * may still have been committed.
 */
export interface Pool {
  run<T>(work: (orm: Orm) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface Database extends Pool {
  readonly driver: Driver;
  /** A pool of its own beside the general one. The embedded database has one connection: there it is the same. */
  pool(options: PoolOptions): Pool;
}

export interface PoolOptions {
  /** The most connections that are open at once. */
  readonly connections: number;
  /** How long one piece of work may take, in milliseconds. */
  readonly limitMs: number;
}

/** Work on the database took longer than its pool allows. Its outcome is not known. */
export class DatabaseTimeout extends Error {
  override readonly name = "DatabaseTimeout";
}

/** Runs one statement of our own writing; the rows are objects by column name. */
export async function rows<Row>(orm: Orm, statement: SQL): Promise<Row[]> {
  const result: unknown = await orm.execute(statement);
  return (Array.isArray(result) ? result : (result as { rows: Row[] }).rows) as Row[];
}

/**
 * Whether the database, not the work, is why something failed: it took too long, was not to be reached, went away or
 * has no room (SQLSTATE classes 08, 53, 57).
 */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseTimeout) return true;
  const state = sqlState(error);
  if (state) return /^(08|53|57)/.test(state);
  // Without a state it never came to the server: Drizzle names the statement, the driver below says what it met.
  return (
    error instanceof DrizzleQueryError ||
    /^ERR_POSTGRES_/.test(String((error as { code?: unknown } | null)?.code))
  );
}

/** The five characters of SQLSTATE (PostgreSQL, appendix A) behind an error of any driver, or of Drizzle around it. */
export function sqlState(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // Bun's SQL has it in `errno`, beside a `code` of its own; the others have it in `code`.
    const { errno, code } = cause as { errno?: unknown; code?: unknown };
    for (const state of [errno, code])
      if (typeof state === "string" && /^[0-9A-Z]{5}$/.test(state)) return state;
  }
  return undefined;
}

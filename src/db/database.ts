import { DrizzleQueryError, type SQL, sql } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Config, Driver } from "../config/config.ts";
import type * as schema from "./schema.ts";

/** The settings that choose and open a database. */
export type DatabaseConfig = Pick<
  Config,
  "DATABASE_DRIVER" | "DATABASE_URL" | "DATABASE_POOL" | "DATABASE_POOLER" | "DATA_DIR" | "NEON_PROXY"
>;

/** Drizzle on any of the three drivers. A transaction has the same type. */
export type Orm = PgDatabase<PgQueryResultHKT, typeof schema>;

/**
 * A bounded number of connections for one kind of work. Each does one piece of work at a time; the rest waits.
 *
 * `run` calls `work` with a Drizzle instance and returns its result. If no connection becomes free within `waitMs`,
 * `run` rejects with a Refusal `busy`. The time limit begins when the work gets its connection. If `work` exceeds it,
 * `run` rejects with {@link DatabaseTimeout} and closes that connection, because a query on a stalled server can be
 * neither awaited nor cancelled. Other work in flight keeps its own connection. Abandoned work may still have been
 * committed. A connection on which a write found the database read-only is closed as well: it may lead to a server that
 * is no longer the primary, or keep a setting that has been changed since.
 */
export interface Pool {
  run<T>(work: (orm: Orm) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface Database extends Pool {
  readonly driver: Driver;
  /** Whether its connections come from a pooler. */
  readonly pooled: boolean;
  /**
   * Creates a separate pool. The embedded database has one connection, with a queue: there, `connections` is how much of
   * the pool's work is in that queue at a time.
   */
  pool(options: PoolOptions): Pool;
  /** The most connections that all pools together keep open. */
  readonly connections: number;
  /**
   * Rejects if the database stopped for good while it was open: then this process has to end, and start again. Never
   * settles for a database on a server.
   */
  readonly failed: Promise<never>;
  /** Opens all of them at once. Resolves to the number that responded within `limitMs`. */
  openAll(limitMs: number): Promise<number>;
}

export interface PoolOptions {
  /** Maximum number of open connections. */
  readonly connections: number;
  /** Time limit for one piece of work, in milliseconds. Waiting for a connection does not count. */
  readonly limitMs: number;
  /** How long work may wait for a connection, in milliseconds; 5 s by default. */
  readonly waitMs?: number;
}

/** Work on the database exceeded its pool's time limit. Its outcome is unknown. */
export class DatabaseTimeout extends Error {
  override readonly name = "DatabaseTimeout";
}

/** A statement that is assembled already: its text with `$1`, `$2` and so on, each once and in order, and their values. */
export class Statement {
  constructor(
    readonly text: string,
    readonly values: readonly unknown[],
  ) {}

  toSQL(): SQL {
    return sql(this.text.split(/\$\d+/) as readonly string[] as TemplateStringsArray, ...this.values);
  }
}

type Send = (text: string, values: readonly unknown[]) => Promise<unknown>;
const senders = new WeakMap<object, Send>();

/** Names the driver's own function by which an instance of Drizzle sends statements. */
export function sendingBy(orm: Orm, send: Send): Orm {
  senders.set(orm, send);
  return orm;
}

/** Sends a statement past Drizzle, which takes longer to prepare one than the rest of a message takes. */
async function sendAssembled(orm: Orm, statement: Statement): Promise<unknown> {
  const send = senders.get(orm);
  // A transaction has no function of its own.
  if (!send) return orm.execute(statement.toSQL());
  const { text, values } = statement;
  try {
    return await send(text, values);
  } catch (error) {
    // Callers tell faults of the database by Drizzle's error.
    throw new DrizzleQueryError(text, [...values], error as Error);
  }
}

/** Runs one hand-written statement. Returns the rows as objects by column name. */
export async function rows<Row>(orm: Orm, statement: SQL | Statement): Promise<Row[]> {
  const result: unknown = await (statement instanceof Statement
    ? sendAssembled(orm, statement)
    : orm.execute(statement));
  return (Array.isArray(result) ? result : (result as { rows: Row[] }).rows) as Row[];
}

/** Whether the database refused a write because it is read-only. It may accept writes on a new connection. */
export const isReadOnly = (error: unknown): boolean => sqlState(error) === "25006";

/**
 * Whether the database, rather than the work, caused an error: it timed out, was unreachable, shut down, ran out of
 * resources (SQLSTATE classes 08, 53, 57) or was read-only.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseTimeout) return true;
  const state = sqlState(error);
  if (state) return /^(08|53|57|25006)/.test(state);
  // Without a SQLSTATE the statement never reached the server: the error comes from Drizzle or Bun's driver.
  return (
    error instanceof DrizzleQueryError ||
    /^ERR_POSTGRES_/.test(String((error as { code?: unknown } | null)?.code))
  );
}

/** Whether work gave up because another transaction held its rows for too long (SQLSTATE 55P03). */
export const isLocked = (error: unknown): boolean => sqlState(error) === "55P03";

/** Returns the SQLSTATE (PostgreSQL, appendix A) of an error from any driver, even if Drizzle wrapped it. */
export function sqlState(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // Bun's SQL has it in `errno` and its own code in `code`. The other drivers have it in `code`.
    const { errno, code } = cause as { errno?: unknown; code?: unknown };
    for (const state of [errno, code])
      if (typeof state === "string" && /^[0-9A-Z]{5}$/.test(state)) return state;
  }
  return undefined;
}

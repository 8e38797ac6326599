import { type DatabaseConfig, sqlState } from "./database.ts";
import { NOT_DURABLE } from "./pglite-calls.ts";

/** The database cannot be used as configured. The message says in one line what to do. */
export class DatabaseUnusable extends Error {
  override readonly name = "DatabaseUnusable";
}

/** Explains to the person who starts the program why the database did not open. Passes other errors on. */
export function explainOpening(config: DatabaseConfig, error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof DatabaseUnusable) return cause; // Drizzle wraps it
  const text = config.DATABASE_DRIVER === "pglite" ? embedded(config.DATA_DIR, error) : server(config, error);
  return text === undefined ? error : new DatabaseUnusable(text, { cause: error });
}

/** Returns the error of an embedded database that stopped for good. `reason` is Postgres's own. */
export function explainPanic(dir: string, reason: string): DatabaseUnusable {
  const safe = "What was acknowledged is safe";
  if (NO_SPACE.test(reason))
    return new DatabaseUnusable(
      `The disk of ${dir} is full, so the database stopped (${reason}): free some space and start again. ${safe}`,
    );
  if (IO_ERROR.test(reason))
    return new DatabaseUnusable(
      `The disk of ${dir} failed, so the database stopped (${reason}): check the disk, and start again. ${safe} if the disk kept it`,
    );
  return new DatabaseUnusable(
    `The database in ${dir} stopped (${reason}): start again, and restore it from a backup if that fails`,
  );
}

const NO_SPACE = /no space left|quota exceeded/i;
const IO_ERROR = /i\/o error/i;

/** Returns the names of a database and its server for a person. */
export function placeOf({ DATABASE_URL = "", DATABASE_DRIVER, NEON_PROXY }: DatabaseConfig) {
  const { host, pathname, username } = new URL(DATABASE_URL);
  return {
    host: DATABASE_DRIVER === "neon" && NEON_PROXY ? `${host} (through ${NEON_PROXY})` : host,
    database: pathname.slice(1) || username,
    username: username || "the user",
  };
}

const FULL = /^(53100|ENOSPC|EDQUOT)$/;

function embedded(dir: string, error: unknown): string | undefined {
  const { code } = innermost(error) as { code?: unknown };
  if (FULL.test(String(code)) || FULL.test(sqlState(error) ?? "") || NO_SPACE.test(reasonOf(error)))
    return `The disk of ${dir} is full: free some space and start again. The data in it is not affected`;
  if (code === "EIO")
    return `The disk of ${dir} failed (${reasonOf(error)}): check the disk, and start again`;
  if (code === NOT_DURABLE)
    return `The database in ${dir} would lose acknowledged messages in a power failure (${reasonOf(error)}): this build of Parley is broken, please report it`;
  if (sqlState(error)) return undefined;
  return `The database in ${dir} cannot be opened (${reasonOf(error)}): restore it from a backup, or move it away to start with an empty one`;
}

function server(config: DatabaseConfig, error: unknown): string {
  const { host, database, username } = placeOf(config);
  const state = sqlState(error);
  switch (state) {
    case "28000":
    case "28P01":
      return `The database server at ${host} rejected the user or the password: correct DATABASE_URL`;
    case "3D000":
      return `The database ${database} does not exist at ${host}: create it, or correct DATABASE_URL`;
    case "42501":
      return `${username} may not create tables in ${database} at ${host}: grant that privilege, or correct DATABASE_URL`;
    case "42704":
      return `The database server at ${host} refuses DATABASE_URL (${reasonOf(error)}): remove that parameter`;
    case "53300":
      return `The database server at ${host} has no connection left (${reasonOf(error)}): raise its limit, or lower DATABASE_POOL`;
  }
  // Without a SQLSTATE no server has responded. Classes 08, 53 and 57: connections, resources, shutdown and startup.
  if (!state || /^(08|53|57)/.test(state))
    return `The database at ${host} cannot be reached (${reasonOf(error)}): start it, or correct DATABASE_URL`;
  return `The database ${database} at ${host} cannot be used (${reasonOf(error)}, SQLSTATE ${state})`;
}

function innermost(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause;
}

/** Returns the first line of the innermost cause's message. */
export function reasonOf(error: unknown): string {
  const { message = "", type = "unknown" } = innermost(error) as { message?: string; type?: string };
  return message.split("\n", 1)[0] || type;
}

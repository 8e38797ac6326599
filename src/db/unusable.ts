import { type DatabaseConfig, sqlState } from "./database.ts";

/** The database cannot be used as it is configured; the message is one line that says what to do. */
export class DatabaseUnusable extends Error {
  override readonly name = "DatabaseUnusable";
}

/** The error of a database that did not open, for the person who starts the program. A fault of ours stays what it is. */
export function explainOpening(config: DatabaseConfig, error: unknown): unknown {
  const text = config.DATABASE_DRIVER === "pglite" ? embedded(config.DATA_DIR, error) : server(config, error);
  return text === undefined ? error : new DatabaseUnusable(text, { cause: error });
}

const embedded = (dir: string, error: unknown) =>
  sqlState(error)
    ? undefined
    : `The database in ${dir} does not open (${reason(error)}): restore it from a copy, or move it away to begin anew`;

function server(
  { DATABASE_URL = "", DATABASE_DRIVER, NEON_PROXY }: DatabaseConfig,
  error: unknown,
): string | undefined {
  const { host, pathname, username } = new URL(DATABASE_URL);
  const where = DATABASE_DRIVER === "neon" && NEON_PROXY ? `${host} (through ${NEON_PROXY})` : host;
  const state = sqlState(error);
  switch (state) {
    case "28000":
    case "28P01":
      return `The database server at ${where} refuses the user or the password: correct DATABASE_URL`;
    case "3D000":
      return `There is no database ${pathname.slice(1)} at ${where}: create it, or correct DATABASE_URL`;
    case "42501":
      return `${username || "The user"} may not create tables in ${pathname.slice(1)} at ${where}: grant that, or correct DATABASE_URL`;
  }
  // Classes 08, 53 and 57 (PostgreSQL, appendix A): no connection, no room, shutting down or starting up.
  if (state && !/^(08|53|57)/.test(state)) return undefined;
  return `The database at ${where} cannot be reached (${reason(error)}): start it, or correct DATABASE_URL`;
}

/** The first line of what was at the bottom of it. */
function reason(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const { message = "", type = "unknown" } = cause as { message?: string; type?: string };
  return message.split("\n", 1)[0] || type;
}

import { type DatabaseConfig, sqlState } from "./database.ts";

/** The database cannot be used as configured. The message says in one line what to do. */
export class DatabaseUnusable extends Error {
  override readonly name = "DatabaseUnusable";
}

/** Explains to the person who starts the program why the database did not open. Passes other errors on. */
export function explainOpening(config: DatabaseConfig, error: unknown): unknown {
  const text = config.DATABASE_DRIVER === "pglite" ? embedded(config.DATA_DIR, error) : server(config, error);
  return text === undefined ? error : new DatabaseUnusable(text, { cause: error });
}

const embedded = (dir: string, error: unknown) =>
  sqlState(error)
    ? undefined
    : `The database in ${dir} cannot be opened (${reason(error)}): restore it from a backup, or move it away to start with an empty one`;

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
      return `The database server at ${where} rejected the user or the password: correct DATABASE_URL`;
    case "3D000":
      return `The database ${pathname.slice(1)} does not exist at ${where}: create it, or correct DATABASE_URL`;
    case "42501":
      return `${username || "The user"} may not create tables in ${pathname.slice(1)} at ${where}: grant that privilege, or correct DATABASE_URL`;
  }
  // Classes 08, 53 and 57 (PostgreSQL, appendix A): connections, resources, shutdown and startup.
  if (state && !/^(08|53|57)/.test(state)) return undefined;
  return `The database at ${where} cannot be reached (${reason(error)}): start it, or correct DATABASE_URL`;
}

/** Returns the first line of the innermost cause's message. */
function reason(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  const { message = "", type = "unknown" } = cause as { message?: string; type?: string };
  return message.split("\n", 1)[0] || type;
}

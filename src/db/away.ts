import { Refusal } from "../errors.ts";
import { isDatabaseAway, isLocked, type Orm, type Pool } from "./database.ts";

/** When a request that found the database away may be retried, in milliseconds. */
const RETRY_MS = 2_000;

/** The refusal of a request that found the database away. */
export const databaseAway = () =>
  new Refusal("unavailable", {
    detail: "The database does not respond. Try again soon.",
    retryAfterMs: RETRY_MS,
  });

/** The refusal of a request whose rows another transaction holds for too long. */
export const rowsHeld = () => new Refusal("busy", { retryAfterMs: RETRY_MS });

/** Rethrows an error, as a refusal if the database is away or another transaction holds the rows. */
export function refuseIfAway(error: unknown): never {
  if (isLocked(error)) throw rowsHeld();
  throw isDatabaseAway(error) ? databaseAway() : error;
}

/** Runs work on a pool. Rejects like {@link refuseIfAway} if it fails. */
export const runOrRefuse = <T>(pool: Pool, work: (orm: Orm) => Promise<T>): Promise<T> =>
  pool.run(work).catch(refuseIfAway);

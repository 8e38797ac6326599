import { Refusal } from "../errors.ts";
import { isDatabaseAway, type Orm, type Pool } from "./database.ts";

/** When a request that found the database away may be retried, in milliseconds. */
const RETRY_MS = 2_000;

/** The refusal of a request that found the database away. */
export const databaseAway = () =>
  new Refusal("unavailable", {
    detail: "The database does not respond. Try again soon.",
    retryAfterMs: RETRY_MS,
  });

/** Rethrows an error, as {@link databaseAway} if the database is away. */
export function refuseIfAway(error: unknown): never {
  throw isDatabaseAway(error) ? databaseAway() : error;
}

/** Runs work on a pool. Rejects with {@link databaseAway} if the database is away, or with the error of the work. */
export const runOrRefuse = <T>(pool: Pool, work: (orm: Orm) => Promise<T>): Promise<T> =>
  pool.run(work).catch(refuseIfAway);

import { sql } from "drizzle-orm";
import { type Orm, rows } from "./database.ts";

/** Tells this lock from others. */
const SEARCH = 0x5ea7c;

/**
 * Waits until nobody writes what messages of these rooms are found by, and keeps others from it until the transaction ends.
 * A deletion and the index could otherwise pass each other unseen, and what was deleted would stay in the index. Only
 * statements after this one see what others wrote before.
 */
export const lockIndex = (tx: Orm, roomIds: readonly number[]): Promise<unknown> =>
  rows(
    tx,
    sql`select pg_advisory_xact_lock(${SEARCH}::int, (id % 2147483648)::int) from (
      select distinct id from unnest(${`{${roomIds.join()}}`}::text::bigint[]) as i(id) order by id offset 0) i`,
  );

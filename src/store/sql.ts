import { is, Placeholder, type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { Statement } from "../db/database.ts";

/** Formats a time as ISO 8601 in UTC, to the microsecond: the same from each driver. */
export const iso = (time: SQL) => sql`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const SPECIAL = /["\\]/g;

const quoted = (text: string | null) => (text === null ? "NULL" : `"${text.replace(SPECIAL, "\\$&")}"`);

// Postgres arrays as text, because the drivers disagree about JavaScript arrays.
export const array = (texts: readonly (string | null)[]) => `{${texts.map(quoted).join()}}`;
export const numberArray = (numbers: readonly (number | null)[]) =>
  `{${numbers.map((n) => n ?? "NULL").join()}}`;

const list = (values: readonly (string | null)[], type: SQL) => sql`${array(values)}::text::${type}[]`;
export const texts = (values: readonly (string | null)[]) => list(values, sql`text`);
export const uuids = (values: readonly string[]) => list(values, sql`uuid`);
export const times = (values: readonly (string | null)[]) => list(values, sql`timestamptz`);
export const integers = (values: readonly (number | null)[]) => sql`${numberArray(values)}::text::bigint[]`;

/** Limits how long the statement of this expression waits for a row that another transaction holds, in milliseconds. */
export const lockWithin = (ms: number) => sql`set_config('lock_timeout', ${String(ms)}::text, true)`;

/**
 * Lets the transaction of this expression end before it is on the disk. For what does no harm if a crash undoes it: those
 * who wait for a commit do not wait for this one as well.
 */
export const lazily = sql.raw("set_config('synchronous_commit', 'off', true)");

/**
 * A condition in a form about which the planner knows nothing. It takes some conditions for so rare that it would read and
 * sort all of a large table instead of following an index up to a limit.
 */
export const unguessed = (condition: SQL) => sql`case when ${condition} then true else false end`;

/**
 * A limit written into the statement itself. Plans are made once for all values: for a limit that is a parameter, the
 * planner assumes a tenth of the table and sorts all of a large room instead of following an index.
 */
export const atMost = (rows: number) => sql.raw(`limit ${Math.trunc(rows)}`);

const firstFrom = (columns: SQL, roomId: SQL, id: SQL) => sql`
  select ${columns} from messages y where (y.room_id, y.id) >= (${roomId}, ${id}) order by y.room_id, y.id limit 1`;

/**
 * The message with this id in a room: always one lookup by key. By equality, the planner may prefer an index that begins with
 * the room alone, and read all messages of a large room: where most rooms have a single message, both cost the same to it.
 */
export const messageAt = (roomId: SQL, id: SQL) => sql`
  select * from (${firstFrom(sql.raw("*"), roomId, id)}) y where y.room_id = ${roomId} and y.id = ${id}`;

/** Where that message is in the table, for an update while its room is locked. If there is none: where another one is. */
export const placeOf = (roomId: SQL, id: SQL) => firstFrom(sql.raw("y.ctid"), roomId, id);

/** A value, or the name of one that a {@link prepared} statement gets later. */
export type Value<T> = T | Placeholder;

/** A statement without the values of its placeholders. */
export type Prepared<Names extends string> = (values: Readonly<Record<Names, unknown>>) => Statement;

/** Assembles a statement once. Drizzle takes half a millisecond to assemble a long one from nested parts. */
export function prepared<Names extends string>(statement: SQL): Prepared<Names> {
  const { sql: text, params } = new PgDialect().sqlToQuery(statement);
  return (values) =>
    new Statement(
      text,
      params.map((param) => (is(param, Placeholder) ? values[param.name as Names] : param)),
    );
}

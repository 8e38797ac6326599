import { type SQL, sql } from "drizzle-orm";

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
 * A condition in a form about which the planner knows nothing. It takes some conditions for so rare that it would read and
 * sort all of a large table instead of following an index up to a limit.
 */
export const unguessed = (condition: SQL) => sql`case when ${condition} then true else false end`;

/**
 * A limit written into the statement itself. Plans are made once for all values: for a limit that is a parameter, the
 * planner assumes a tenth of the table and sorts all of a large room instead of following an index.
 */
export const atMost = (rows: number) => sql.raw(`limit ${Math.trunc(rows)}`);

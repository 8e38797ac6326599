import { sql } from "drizzle-orm";

// Times by the database's clock, because the clocks of nodes differ.

export const ago = (ms: number) => sql`clock_timestamp() - ${ms}::float8 * interval '1 millisecond'`;
export const fromNow = (ms: number) => sql`clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`;
/**
 * The present time, read once for a statement. An index finds what is due by it, where `clock_timestamp()` would be compared
 * with every row.
 */
export const PRESENT = sql`(select clock_timestamp())`;

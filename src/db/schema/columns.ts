import { sql } from "drizzle-orm";
import { bigint, customType, timestamp } from "drizzle-orm/pg-core";

// One schema for the three drivers. Ids and versions stay below 2^53, so they are plain numbers everywhere.
export const id = () => bigint({ mode: "number" });
export const at = () => timestamp({ withTimezone: true, mode: "date" });
export const now = sql`clock_timestamp()`;
/** A text that is compared byte by byte, so that all names with one prefix are next to each other in an index. */
export const bytewise = customType<{ data: string }>({ dataType: () => 'text collate "C"' });

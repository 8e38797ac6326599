import { type SQL, sql } from "drizzle-orm";
import type { Shown } from "../chat/moderationports.ts";

/** A person as JSON text, which {@link shownOf} reads. The drivers disagree about JSON columns. */
export const person = (user: string): SQL =>
  sql.raw(`json_build_array(${user}.uid, ${user}.username, ${user}.name)::text`);

export function shownOf(json: string): Shown {
  const [id, username, name] = JSON.parse(json) as [string, string, string | null];
  return { id, username, ...(name !== null && name !== username && { name }) };
}

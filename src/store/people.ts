import { type SQL, sql } from "drizzle-orm";
import type { PersonShown } from "../person.ts";

/**
 * A person as a JSON object for lists, as text, which {@link shownOf} reads: the drivers disagree about JSON columns. Null if
 * there is no such row.
 */
export const person = (user: string): SQL =>
  sql.raw(`case when ${user}.id is not null then json_strip_nulls(json_build_object('id', ${user}.uid,
    'username', ${user}.username, 'name', nullif(${user}.name, ${user}.username), 'picture', ${user}.picture))::text end`);

export const shownOf = (json: string) => JSON.parse(json) as PersonShown;

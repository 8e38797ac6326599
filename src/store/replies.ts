import { type SQL, sql } from "drizzle-orm";
import type { Replies } from "../message.ts";
import type { PersonShown } from "../person.ts";
import { REPLIES_MAX } from "../protocol/limits.ts";
import { iso } from "./sql.ts";

/** A person as a list shows them: `[id, username, name, picture]`. */
export type PersonColumns = readonly [
  id: string,
  username: string,
  name: string | null,
  picture: string | null,
];

export const shownOf = ([id, username, name, picture]: PersonColumns): PersonShown => ({
  id,
  username,
  ...(name !== null && { name }),
  ...(picture !== null && { picture }),
});

type Columns = readonly [count: number, id: number, timestamp: string, people: readonly PersonColumns[]];

/** The summary of the thread of the message `m` as JSON, which {@link repliesOf} parses; null: it has no replies. */
export const repliesTo = (m: SQL) => sql`case when ${m}.thread is null and ${m}.notice is null then (
  select json_build_array(t.replies, t.last_id, ${iso(sql`t.last_at`)}, (
    select json_agg(array[u.uid, u.username, nullif(u.name, u.username), u.picture]) from unnest(t.people) as p(id)
    cross join lateral (select uid, username, name, picture from users x where x.id = p.id limit 1) u
  ))::text from threads t where t.room_id = ${m}.room_id and t.root_id = ${m}.id and t.replies > 0 limit 1) end`;

export function repliesOf(json: string): Replies {
  const [count, id, timestamp, people] = JSON.parse(json) as Columns;
  return {
    count: Math.min(count, REPLIES_MAX),
    more: count > REPLIES_MAX,
    last: { id, timestamp },
    people: people.map(shownOf),
  };
}

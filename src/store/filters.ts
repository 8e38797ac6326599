import { type SQL, sql } from "drizzle-orm";
import { ROOMS_MAX } from "../chat/lists.ts";
import { array, atMost, unguessed, type Value } from "./sql.ts";

/** Conditions on the rooms of a list. */

/** One room more than a page has shows whether there are more. */
export const ONE_MORE = atMost(ROOMS_MAX + 1);

/** Whether the room `r` has a name that one of the patterns allows, which {@link likePatterns} has translated. */
export const matching = (patterns: Value<string> | null): SQL =>
  patterns === null ? sql`true` : sql`r.name like any (${patterns}::text::text[])`;

/** Patterns in which `*` stands for any run of characters, as LIKE has them; null: all names. */
export const likePatterns = (patterns: readonly string[] | null): string | null =>
  patterns && array(patterns.map(likePattern));
export const likePattern = (pattern: string) => pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%");

/** Whether a person is not banned from the room `r`. Reads their bans once, not for each room. */
export const isNotBanned = (userId: Value<number>): SQL =>
  sql`r.id <> all(array(select b.room_id from bans b where b.user_id = ${userId}::bigint))`;
export const isOpenTo = (userId: Value<number>): SQL => unguessed(isNotBanned(userId));

/** Somebody who reads: all rooms that they are a member of, or one that they may read. */
export interface Viewer {
  readonly userId: number;
  /** It may be an open room that the person is no member of, unless only members may enter. */
  readonly room?: string | undefined;
  readonly membersOnly: boolean;
}

/** What the person sees of the room `r` begins at this id. `p` is their {@link membership}, if they have one. */
export const FIRST = sql.raw("greatest(coalesce(p.from_id, 0), r.begins_after + 1)");

/** Whether the viewer may read the room `r`, where `p` is their {@link membership}, if they have one. */
export const mayRead = ({ userId, room, membersOnly }: Viewer) => {
  const isIn = sql`p.state is not distinct from 'in'`;
  return sql`(r.deleted_at is null and ${isOpenTo(userId)}
    and (${room === undefined || membersOnly ? isIn : sql`r.kind = 'open' or ${isIn}`}))`;
};

/** Joins the membership `p` of a person in the room `r`. */
export const membership = (userId: number) => sql`
  left join lateral (select * from members x where x.user_id = ${userId}::bigint and x.room_id = r.id limit 1) p on true`;

import { type SQL, sql } from "drizzle-orm";
import { type ListStore, type Preferences, ROOMS_MAX, type RoomRange } from "../chat/lists.ts";
import type { Seat } from "../chat/ports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows, type Statement } from "../db/database.ts";
import { skeletonsLike } from "../lookalikes.ts";
import { createSkeletons } from "./alike.ts";
import { listBans } from "./ban-list.ts";
import { listMembers } from "./member-list.ts";
import { readInbox } from "./inbox.ts";
import { isNotBanned, isOpenTo, likePattern, likePatterns, matching, ONE_MORE } from "./filters.ts";
import { recentRooms } from "./recent.ts";
import { texts, unguessed } from "./sql.ts";
import { BY_NAME, summaries, summaryOf, type SummaryRow } from "./summaries.ts";
import { readWritten } from "./written.ts";

export function createListStore(pool: Pool): ListStore {
  const skeletons = createSkeletons(pool);

  const read = (statement: SQL | Statement) => runOrRefuse(pool, (orm) => rows<SummaryRow>(orm, statement));
  const byName = (userId: number, rooms: SQL, limit: number) =>
    read(summaries(userId, { rooms, order: BY_NAME }, limit));

  return {
    async rooms(userId, range) {
      if (range.like !== undefined) await skeletons.fill();
      const chosen = range.scope === "mine" ? mine(userId, range) : all(userId, range);
      const found = await byName(userId, chosen, Math.min(range.limit, ROOMS_MAX));
      return { rooms: found.map(summaryOf), more: found.at(-1)?.more ?? false };
    },
    async recent(userId, range) {
      const found = await read(recentRooms(userId, { ...range, limit: Math.min(range.limit, ROOMS_MAX) }));
      const last = found.at(-1);
      const next = last?.more ? { pinned: last.pinned, at: last.at ?? 0, room: last.room } : undefined;
      return { rooms: found.map(summaryOf), next };
    },
    async room({ userId, room }) {
      const chosen = sql`select r.id, r.name from rooms r
        where r.name = ${room}::text and r.deleted_at is null and (r.kind = 'open' or ${isMember(userId)}) and ${isOpenTo(userId)}`;
      const [found] = await byName(userId, chosen, 1);
      return found && summaryOf(found);
    },
    members: (room, range) => listMembers(pool, room, range),
    bans: (room, range) => listBans(pool, room, range),
    async prefer(seat, preferences) {
      const found = await runOrRefuse(pool, (orm) => rows(orm, keepPreferences(seat, preferences)));
      return found.length > 0;
    },
    written: (userId, range) => readWritten(pool, userId, range),
    inbox: (userId, range) => readInbox(pool, userId, range),
    messagesOf: (sender, limit) => runOrRefuse(pool, (orm) => rows(orm, sentBy(sender, limit))),
  };
}

/**
 * Hidden up to the room's version, so that whatever comes later shows it again. Touching the membership restamps it, and so
 * the person's other sockets learn of the change.
 */
const keepPreferences = ({ userId, room }: Seat, { notify, hidden, pinned }: Preferences) => sql`
  with touched as (
    update members m set stamp = m.stamp from rooms r
    where r.name = ${room}::text and r.deleted_at is null and m.room_id = r.id and m.user_id = ${userId}::bigint and m.state = 'in'
    returning m.user_id, r.id, r.version
  )
  insert into own as o (user_id, room_id, notify, hidden_at, pinned_at)
  select t.user_id, t.id, ${notify ?? null}::text, ${hidden ? sql`t.version` : sql`null`},
    ${pinned ? sql`clock_timestamp()` : sql`null`}
  from touched t
  on conflict (user_id, room_id) do update set
    notify = ${notify === undefined ? sql`o.notify` : sql`excluded.notify`},
    hidden_at = ${hidden === undefined && !pinned ? sql`o.hidden_at` : sql`excluded.hidden_at`},
    pinned_at = ${
      hidden
        ? sql`null`
        : pinned === undefined
          ? sql`o.pinned_at`
          : pinned
            ? sql`coalesce(o.pinned_at, excluded.pinned_at)`
            : sql`null`
    }
  returning room_id`;

/** Anyone who has posted in a room is or was a member. The order makes the database read them by that key. */
const sentBy = ({ userId, room }: { userId: number; room: string | null }, limit: number) => sql`
  select r.name as room, p.id::float8 as id
  from members m join rooms r on r.id = m.room_id
  cross join lateral (
    select id from messages where room_id = m.room_id and sender_id = ${userId}::bigint and deleted_at is null
      and notice is null and id > r.begins_after
    order by client_id limit ${limit}::int) p
  where m.user_id = ${userId}::bigint and (${room}::text is null or r.name = ${room}::text)
  limit ${limit}::int`;

const mine = (userId: number, { after, patterns, like }: RoomRange) => sql`
  select r.id, r.name from members m join rooms r on r.id = m.room_id
  where m.user_id = ${userId}::bigint and m.state = 'in' and r.name > ${after}::text and r.deleted_at is null
    and ${isOpenTo(userId)} and ${matching(likePatterns(patterns))} and ${isLike(like)}
  order by r.name ${ONE_MORE}`;

/** Whether the room `r` has a name that looks like this one. */
const isLike = (like: string | undefined) =>
  like === undefined ? sql`true` : sql`r.skeleton = any(${texts(skeletonsLike(like))})`;

/** Whether a person is a member of the room `r`. */
const isMember = (userId: number) =>
  sql`(select true from members k where k.user_id = ${userId}::bigint and k.room_id = r.id and k.state = 'in')`;

/**
 * Every open room with a message, and the person's own rooms of other kinds. Each pattern reads only the names that begin
 * like it, so that a page costs nothing for the rooms of others.
 */
const all = (userId: number, { after, patterns, like }: RoomRange) => {
  const own = sql`
    select r.id, r.name from members m join rooms r on r.id = m.room_id
    where m.user_id = ${userId}::bigint and m.state = 'in' and r.kind <> 'open' and r.name > ${after}::text
      and r.deleted_at is null and ${isOpenTo(userId)} and ${matching(likePatterns(patterns))} and ${isLike(like)}`;
  const listed = (matches: SQL) => sql`
    select r.id, r.name from rooms r
    where r.posted and r.kind = 'open' and r.deleted_at is null and r.name > ${after}::text and ${matches}
      and ${unguessed(sql`r.last_post > r.begins_after and ${isNotBanned(userId)}`)} and ${isLike(like)}
    order by r.name ${ONE_MORE}`;
  if (patterns === null || patterns.includes("*"))
    return sql`select * from ((${listed(sql`true`)}) union all (${own})) r order by r.name ${ONE_MORE}`;
  const ranges = patterns.map(rangeOf);
  return sql`
    select distinct on (r.name) r.id, r.name from (
      (select q.id, q.name
      from unnest(${texts(ranges.map(({ first }) => first))}, ${texts(ranges.map(({ last }) => last))},
        ${texts(patterns.map(likePattern))}) as p(first, last, pattern)
      cross join lateral (${listed(sql`r.name >= p.first and r.name <= p.last and ${unguessed(sql`r.name like p.pattern`)}`)}) q)
      union all (${own})
    ) r
    order by r.name ${ONE_MORE}`;
};

/** The names that can match a pattern: those that begin with what precedes its first star. */
const rangeOf = (pattern: string) => {
  const [first = "", ...rest] = pattern.split("*");
  return { first, last: rest.length > 0 ? `${first}\u{10ffff}` : first };
};

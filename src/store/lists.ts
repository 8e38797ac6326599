import { type SQL, sql } from "drizzle-orm";
import {
  type ListStore,
  PEOPLE_SHOWN,
  type Preferences,
  type RecentRange,
  ROOMS_MAX,
  type RoomRange,
  type RoomSummary,
} from "../chat/lists.ts";
import type { Seat } from "../chat/ports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { skeletonsLike } from "../lookalikes.ts";
import { personOf, type PersonRow } from "../person.ts";
import { createSkeletons } from "./alike.ts";
import { listBans } from "./ban-list.ts";
import { listMembers } from "./member-list.ts";
import { personObject } from "./people.ts";
import { atMost, iso, texts, unguessed } from "./sql.ts";
import { unreadAfter } from "./unread.ts";

/** The most bytes of texts on a page of a list. */
const PAGE_BYTES = 512 * 1024;
/** About the size of a room on a page besides its texts and people, in bytes. */
const ROOM_BYTES = 512;

interface SummaryRow extends Omit<RoomSummary, "last" | "people">, PersonRow {
  readonly id: number | null;
  readonly content: string;
  readonly timestamp: string;
  /** JSON; null if the room is not direct. */
  readonly people: string | null;
  readonly more: boolean;
  readonly at: number | null;
}

/** Rooms to summarise, as a relation with `id` and `name`, and the order in which a page has them. */
interface Chosen {
  readonly rooms: SQL;
  readonly order: SQL;
}

export function createListStore(pool: Pool): ListStore {
  const skeletons = createSkeletons(pool);

  const read = (userId: number, chosen: Chosen, limit: number) =>
    runOrRefuse(pool, (orm) => rows<SummaryRow>(orm, summaries(userId, chosen, limit)));

  return {
    async rooms(userId, range) {
      if (range.like !== undefined) await skeletons.fill();
      const chosen = range.scope === "mine" ? mine(userId, range) : all(userId, range);
      const found = await read(userId, { rooms: chosen, order: BY_NAME }, Math.min(range.limit, ROOMS_MAX));
      return { rooms: found.map(summaryOf), more: found.at(-1)?.more ?? false };
    },
    async recent(userId, range) {
      const chosen = { rooms: recent(userId, range), order: BY_ACTIVITY };
      const found = await read(userId, chosen, Math.min(range.limit, ROOMS_MAX));
      const last = found.at(-1);
      const next = last?.more ? { pinned: last.pinned, at: last.at ?? 0, room: last.room } : undefined;
      return { rooms: found.map(summaryOf), next };
    },
    async room({ userId, room }) {
      const chosen = sql`select r.id, r.name from rooms r
        where r.name = ${room}::text and r.deleted_at is null and (r.kind = 'open' or ${isMember(userId)}) and ${isOpenTo(userId)}`;
      const [found] = await read(userId, { rooms: chosen, order: BY_NAME }, 1);
      return found && summaryOf(found);
    },
    members: (room, range) => listMembers(pool, room, range),
    bans: (room, range) => listBans(pool, room, range),
    async prefer(seat, preferences) {
      const found = await runOrRefuse(pool, (orm) => rows(orm, keepPreferences(seat, preferences)));
      return found.length > 0;
    },
    messagesOf: (sender, limit) => runOrRefuse(pool, (orm) => rows(orm, sentBy(sender, limit))),
  };
}

function summaryOf({
  id,
  username,
  uid,
  name,
  content,
  timestamp,
  people,
  more: _,
  at: __,
  ...row
}: SummaryRow): RoomSummary {
  return {
    ...row,
    ...(people !== null && { people: JSON.parse(people) as RoomSummary["people"] }),
    last: id === null ? null : { id, username, user: personOf({ uid, name, username }), content, timestamp },
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

/** One room more than a page has shows whether there are more. */
const ONE_MORE = atMost(ROOMS_MAX + 1);

const mine = (userId: number, { after, patterns, like }: RoomRange) => sql`
  select r.id, r.name from members m join rooms r on r.id = m.room_id
  where m.user_id = ${userId}::bigint and m.state = 'in' and r.name > ${after}::text and r.deleted_at is null
    and ${isOpenTo(userId)} and ${matching(patterns)} and ${isLike(like)}
  order by r.name ${ONE_MORE}`;

/**
 * Someone's rooms, pinned ones first, each at the time of the newest message that they see, or else of their becoming a
 * member. A hidden room is back once it has a newer message, or once they became a member again.
 */
const recent = (userId: number, { before, patterns, hidden }: RecentRange) => sql`
  select r.id, r.name, p.pinned, p.at from members m join rooms r on r.id = m.room_id
  left join own o on o.user_id = m.user_id and o.room_id = m.room_id
  cross join lateral (
    select o.pinned_at is not null as pinned,
      case when r.last_post > ${UNSEEN} then coalesce(r.posted_at, m.since) else m.since end as at) p
  where m.user_id = ${userId}::bigint and m.state = 'in' and r.deleted_at is null
    and ${isOpenTo(userId)} and ${matching(patterns)}
    and ${hidden ? sql`true` : unguessed(sql`${IS_HIDDEN} is not true`)}
    and ${
      before === null
        ? sql`true`
        : sql`(p.pinned, p.at, r.name) < (${before.pinned}::boolean, 
            'epoch'::timestamptz + ${before.at}::bigint * interval '1 microsecond', ${before.room}::text)`
    }
  order by p.pinned desc, p.at desc, r.name desc ${ONE_MORE}`;

/** What the member `m` does not see of the room `r`: messages up to this id. */
const UNSEEN = sql`greatest(m.from_id - 1, r.begins_after)`;
/** Whether the room `r` is hidden from the list of its member `m`; null if it never was. */
const IS_HIDDEN = sql`(o.hidden_at >= r.last_post and o.hidden_at >= m.version)`;

const BY_NAME = sql`c.name`;
const BY_ACTIVITY = sql`c.pinned desc, c.at desc, c.name desc`;

/** Whether the room `r` has a name that one of the patterns allows. */
const matching = (patterns: readonly string[] | null) =>
  patterns === null ? sql`true` : sql`r.name like any (${texts(patterns.map(likePattern))})`;

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
      and r.deleted_at is null and ${isOpenTo(userId)} and ${matching(patterns)} and ${isLike(like)}`;
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

/** Whether a person is not banned from the room `r`. Reads their bans once, not for each room. */
const isNotBanned = (userId: number) =>
  sql`r.id <> all(array(select b.room_id from bans b where b.user_id = ${userId}::bigint))`;
const isOpenTo = (userId: number) => unguessed(isNotBanned(userId));

/** A pattern in which `*` stands for any run of characters, as LIKE has it. */
const likePattern = (pattern: string) => pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%");

/** The names that can match a pattern: those that begin with what precedes its first star. */
const rangeOf = (pattern: string) => {
  const [first = "", ...rest] = pattern.split("*");
  return { first, last: rest.length > 0 ? `${first}\u{10ffff}` : first };
};

/**
 * The first of the chosen rooms, as many as fit into a page; `more`: another one follows. Every lookup next to a room uses a
 * key and a limit, so a page costs the same for large rooms as for small ones.
 */
const summaries = (userId: number, { rooms, order }: Chosen, limit: number) => sql`
  select c.name as room, c.kind, c.title, c.topic, c.archived, c.history,
    c."membersAdd", c.receipts, c.version::float8 as version, c.role,
    ${iso(sql`c.since`)} as "joinedAt", c.people, c.message_id::float8 as id, u.username, u.uid, u.name, c.content,
    ${iso(sql`c.created_at`)} as timestamp, c.mark::float8 as "lastRead",
    case when c.mark is null then 0 else ${unreadAfter(sql`${userId}::bigint`, sql`c.id`, sql`c.mark`)} end as unread,
    c.notify, c.hidden, c.pinned, floor(extract(epoch from c.at) * 1000000)::float8 as at, c.more
  from (
    select c.id, c.name, r.kind, r.title, r.topic, r.archived_at is not null as archived, r.history,
      r.members_add as "membersAdd", r.receipts, r.version, m.role, m.since,
      case when m.role is not null then greatest(m.version, o.last_read, ${UNSEEN}) end as mark,
      o.notify, coalesce(${IS_HIDDEN}, false) as hidden, o.pinned_at is not null as pinned, p.people,
      l.id as message_id, l.sender_id, l.content, l.created_at,
      row_number() over w as n, lead(true, 1, false) over w as more,
      sum(octet_length(r.title) + octet_length(r.topic) + coalesce(octet_length(l.content), 0)
        + coalesce(octet_length(p.people), 0) + ${sql.raw(String(ROOM_BYTES))}) over w as upto,
      ${order === BY_ACTIVITY ? sql`c.at` : sql`null::timestamptz`} as at
    from (select * from (${rooms}) chosen limit ${limit + 1}::int) c
    cross join lateral (select * from rooms x where x.id = c.id limit 1) r
    left join lateral (
      select * from members x where x.user_id = ${userId}::bigint and x.room_id = c.id and x.state = 'in' limit 1) m on true
    left join lateral (
      select * from own x where x.user_id = ${userId}::bigint and x.room_id = c.id and m.role is not null limit 1) o on true
    left join lateral (
      select * from messages x where x.room_id = c.id and x.id = r.last_post and x.id > ${UNSEEN} limit 1) l on true
    left join lateral (select ${peopleOf(userId)} as people where r.kind = 'direct') p on true
    window w as (order by ${order} rows unbounded preceding)
  ) c
  left join lateral (select username, uid, name from users x where x.id = c.sender_id limit 1) u on true
  where c.n <= ${limit}::int and (c.n = 1 or c.upto <= ${PAGE_BYTES}::bigint)
  order by c.n`;

/** The people in the room `c`, others first, as JSON. */
const peopleOf = (userId: number) => sql`(
  select json_agg(${personObject("u")} order by x.is_me, x.user_id)::text
  from (select k.user_id, k.user_id = ${userId}::bigint as is_me from members k
    where k.room_id = c.id and k.state = 'in' order by 2, 1 ${atMost(PEOPLE_SHOWN)}) x
  join users u on u.id = x.user_id)`;

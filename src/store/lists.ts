import { type SQL, sql } from "drizzle-orm";
import { type ListStore, ROOMS_MAX, type RoomRange, type RoomRows, type RoomSummary } from "../chat/ports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { skeletonsLike } from "../lookalikes.ts";
import { createSkeletons } from "./alike.ts";
import { atMost, iso, texts, unguessed } from "./sql.ts";
import { unreadAfter } from "./unread.ts";

/** The most bytes of texts on a page of a list. */
const PAGE_BYTES = 512 * 1024;
/** About the size of a room on a page besides the text of its last message, in bytes. */
const ROOM_BYTES = 256;

interface SummaryRow extends Omit<RoomSummary, "last"> {
  readonly id: number | null;
  readonly username: string;
  readonly content: string;
  readonly timestamp: string;
  readonly more: boolean;
}

export function createListStore(pool: Pool): ListStore {
  const skeletons = createSkeletons(pool);

  async function read(userId: number, chosen: SQL, limit: number): Promise<RoomRows> {
    const found = await runOrRefuse(pool, (orm) => rows<SummaryRow>(orm, summaries(userId, chosen, limit)));
    return {
      rooms: found.map(({ room, lastRead, unread, id, username, content, timestamp }) => ({
        room,
        last: id === null ? null : { id, username, content, timestamp },
        lastRead,
        unread,
      })),
      more: found.at(-1)?.more ?? false,
    };
  }

  return {
    async rooms(userId, range) {
      if (range.like !== undefined) await skeletons.fill();
      const chosen = range.scope === "mine" ? mine(userId, range) : all(userId, range);
      return read(userId, chosen, Math.min(range.limit, ROOMS_MAX));
    },
    async room({ userId, room }) {
      const chosen = sql`select id, name from rooms where name = ${room}::text`;
      return (await read(userId, chosen, 1)).rooms[0];
    },
    messagesOf: (sender, limit) => runOrRefuse(pool, (orm) => rows(orm, sentBy(sender, limit))),
  };
}

/** Anyone who has posted in a room is or was a member. The order makes the database read them by that key. */
const sentBy = ({ userId, room }: { userId: number; room: string | null }, limit: number) => sql`
  select r.name as room, p.id::float8 as id
  from members m join rooms r on r.id = m.room_id
  cross join lateral (
    select id from messages where room_id = m.room_id and sender_id = ${userId}::bigint and deleted_at is null
    order by client_id limit ${limit}::int) p
  where m.user_id = ${userId}::bigint and (${room}::text is null or r.name = ${room}::text)
  limit ${limit}::int`;

/** One room more than a page has shows whether there are more. */
const ONE_MORE = atMost(ROOMS_MAX + 1);

const mine = (userId: number, { after, patterns }: RoomRange) => sql`
  select r.id, r.name from members m join rooms r on r.id = m.room_id
  where m.user_id = ${userId}::bigint and m.state = 'in' and r.name > ${after}::text and ${isOpenTo(userId)}
    and ${patterns === null ? sql`true` : sql`r.name like any (${texts(patterns.map(likePattern))})`}
  order by r.name ${ONE_MORE}`;

/**
 * Every room with a message. Each pattern reads only the names that begin like it, so that a page costs nothing for the
 * rooms of others.
 */
const all = (userId: number, { after, patterns, like }: RoomRange) => {
  const listed = (matches: SQL) => sql`
    select r.id, r.name from rooms r
    where r.posted and r.name > ${after}::text and ${matches} and ${isOpenTo(userId)}
      ${like === undefined ? sql`` : sql`and r.skeleton = any(${texts(skeletonsLike(like))})`}
    order by r.name ${ONE_MORE}`;
  if (patterns === null || patterns.includes("*")) return listed(sql`true`);
  const ranges = patterns.map(rangeOf);
  return sql`
    select distinct on (r.name) r.id, r.name
    from unnest(${texts(ranges.map(({ first }) => first))}, ${texts(ranges.map(({ last }) => last))},
      ${texts(patterns.map(likePattern))}) as p(first, last, pattern)
    cross join lateral (${listed(sql`r.name >= p.first and r.name <= p.last and ${unguessed(sql`r.name like p.pattern`)}`)}) r
    order by r.name ${ONE_MORE}`;
};

/** Whether a person is not banned from the room `r`. */
const isOpenTo = (userId: number) =>
  unguessed(sql`(select true from bans b where b.user_id = ${userId}::bigint and b.room_id = r.id) is null`);

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
const summaries = (userId: number, chosen: SQL, limit: number) => sql`
  select c.name as room, c.message_id::float8 as id, u.username, c.content, ${iso(sql`c.created_at`)} as timestamp,
    m.last_read::float8 as "lastRead",
    case when m.last_read is null then 0
      else ${unreadAfter(sql`${userId}::bigint`, sql`c.id`, sql`m.last_read`)} end as unread,
    c.more
  from (
    select c.*, l.id as message_id, l.sender_id, l.content, l.created_at,
      row_number() over w as n, lead(true, 1, false) over w as more,
      sum(coalesce(octet_length(l.content), 0) + ${sql.raw(String(ROOM_BYTES))}) over w as upto
    from (${chosen}) c
    left join lateral (select * from messages x where x.room_id = c.id order by x.id desc limit 1) l on true
    window w as (order by c.name rows unbounded preceding)
  ) c
  left join lateral (
    select greatest(x.version, (select last_read from own o where o.user_id = x.user_id and o.room_id = x.room_id)) as last_read
    from members x where x.user_id = ${userId}::bigint and x.room_id = c.id and x.state = 'in'
  ) m on true
  left join users u on u.id = c.sender_id
  where c.n <= ${limit}::int and (c.n = 1 or c.upto <= ${PAGE_BYTES}::bigint)
  order by c.n`;

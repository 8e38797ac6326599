import { type SQL, sql } from "drizzle-orm";
import { type ListStore, ROOMS_MAX, type RoomRange, type RoomSummary } from "../chat/ports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { skeletonsLike } from "../lookalikes.ts";
import { createSkeletons } from "./alike.ts";
import { array, atMost, iso, texts } from "./sql.ts";
import { unreadAfter } from "./unread.ts";

interface SummaryRow extends Omit<RoomSummary, "last"> {
  readonly id: number | null;
  readonly username: string;
  readonly content: string;
  readonly timestamp: string;
}

export function createListStore(pool: Pool): ListStore {
  const skeletons = createSkeletons(pool);

  async function read(userId: number, chosen: SQL): Promise<RoomSummary[]> {
    const found = await runOrRefuse(pool, (orm) => rows<SummaryRow>(orm, summaries(userId, chosen)));
    return found.map(({ room, lastRead, unread, id, username, content, timestamp }) => ({
      room,
      last: id === null ? null : { id, username, content, timestamp },
      lastRead,
      unread,
    }));
  }

  return {
    async rooms(userId, range) {
      if (range.like !== undefined) await skeletons.fill();
      return read(userId, range.scope === "mine" ? mine(userId, range) : all(userId, range));
    },
    async room({ userId, room }) {
      const [found] = await read(userId, sql`select id, name from rooms where name = ${room}::text`);
      return found;
    },
  };
}

const mine = (userId: number, { after, limit, patterns }: RoomRange) => sql`
  select r.id, r.name from members m join rooms r on r.id = m.room_id
  where m.user_id = ${userId}::bigint and m.state = 'in' and r.name > ${after}::text
    and ${isReadable(userId, patterns)}
  order by r.name limit ${limit}::int`;

const all = (userId: number, { after, limit, patterns, like }: RoomRange) => sql`
  select * from (
    select r.id, r.name from rooms r
    where r.name > ${after}::text and r.version > 0 and ${isReadable(userId, patterns)}
      ${like === undefined ? sql`` : sql`and r.skeleton = any(${texts(skeletonsLike(like))})`}
    order by r.name ${atMost(ROOMS_MAX + 1)}
  ) r order by name limit ${limit}::int`;

/** Whether a person may read the room `r`: it matches a pattern of their token, if it has any, and they are not banned. */
const isReadable = (userId: number, patterns: readonly string[] | null) => sql`
  (${patterns === null ? null : array(patterns.map(likePattern))}::text::text[] is null
    or r.name like any (${patterns === null ? null : array(patterns.map(likePattern))}::text::text[]))
  and (select true from bans b where b.user_id = ${userId}::bigint and b.room_id = r.id) is null`;

/** A pattern in which `*` stands for any run of characters, as LIKE has it. */
const likePattern = (pattern: string) => pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%");

/** Every lookup next to a room uses a key and a limit, so a page costs the same for large rooms as for small ones. */
const summaries = (userId: number, chosen: SQL) => sql`
  select c.name as room, l.id::float8 as id, u.username, l.content, ${iso(sql`l.created_at`)} as timestamp,
    m.last_read::float8 as "lastRead",
    case when m.last_read is null then 0
      else ${unreadAfter(sql`${userId}::bigint`, sql`c.id`, sql`m.last_read`)} end as unread
  from (${chosen}) c
  left join lateral (
    select greatest(x.version, (select last_read from own o where o.user_id = x.user_id and o.room_id = x.room_id)) as last_read
    from members x where x.user_id = ${userId}::bigint and x.room_id = c.id and x.state = 'in'
  ) m on true
  left join lateral (select * from messages x where x.room_id = c.id order by x.id desc limit 1) l on true
  left join users u on u.id = l.sender_id
  order by c.name`;

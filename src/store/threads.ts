import { sql } from "drizzle-orm";
import { type Seat, UNREAD_MAX } from "../chat/ports.ts";
import {
  FOLLOWED_LOOK,
  type ListedThread,
  type ThreadKey,
  type ThreadRange,
  type ThreadSeat,
  type ThreadStore,
  type ThreadWish,
  THREADS_MAX,
} from "../chat/threadports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { personOf, type PersonRow } from "../person.ts";
import { isOpenTo, likePatterns, matching } from "./filters.ts";
import { repliesOf, repliesTo } from "./replies.ts";
import { atMost, integers, iso, messageAt, texts, unguessed } from "./sql.ts";
import { REPLIES_LOOK, unreadReplies, UNSEEN } from "./unread.ts";

/** The most characters of a first message that a list shows. */
const SHOWN_CHARS = 500;
/** `pool` for what is small, `reads` for lists. */
export function createThreadStore(pool: Pool, reads: Pool): ThreadStore {
  return {
    async seat({ userId, room }, root) {
      const [found] = await runOrRefuse(pool, (orm) =>
        rows<ThreadSeat>(
          orm,
          sql`select o.following, o.last_read::float8 as "lastRead" from thread_own o
            where o.user_id = ${userId}::bigint and o.room_id = (select id from rooms where name = ${room}::text)
              and o.root_id = ${root}::bigint`,
        ),
      );
      return found ?? { following: false, lastRead: 0 };
    },
    async change(seat, root, wish) {
      const [found] = await runOrRefuse(pool, (orm) => rows<ThreadSeat>(orm, keep(seat, root, wish)));
      return found ?? null;
    },
    async list(userId, range) {
      const limit = Math.min(range.limit, THREADS_MAX);
      const found = await runOrRefuse(reads, (orm) =>
        rows<ListedRow>(orm, followedBy(userId, { ...range, limit })),
      );
      const last = found.length > limit ? found[limit - 1] : undefined;
      return {
        threads: found.slice(0, limit).map(listedOf),
        next: last && { at: last.at, room: last.room, root: last.id },
      };
    },
    async news(threads) {
      const found = await runOrRefuse(reads, (orm) => rows<NewsRow>(orm, readNews(threads)));
      return found.map(({ index, counter, replies }) => ({
        ...(threads[index] as ThreadKey),
        counter,
        replies: replies === null ? null : repliesOf(replies),
      }));
    },
  };
}

interface NewsRow {
  readonly index: number;
  readonly counter: number;
  readonly replies: string | null;
}

interface ListedRow extends PersonRow, ThreadSeat {
  readonly room: string;
  readonly id: number;
  readonly content: string;
  readonly files: number | null;
  readonly timestamp: string;
  readonly replies: string;
  readonly unread: number;
  readonly at: number;
}

const listedOf = (row: ListedRow): ListedThread => ({
  room: row.room,
  root: {
    id: row.id,
    username: row.username,
    user: personOf(row),
    content: row.content,
    timestamp: row.timestamp,
    ...(row.files !== null && { files: row.files }),
  },
  replies: repliesOf(row.replies),
  following: row.following,
  lastRead: row.lastRead,
  unread: row.unread,
});

/**
 * Anyone who follows a thread from now on has read what was said before. The mark never moves back, nor past the room's end.
 */
const keep = ({ userId, room }: Seat, root: number, { following, readTo = 0 }: ThreadWish) => sql`
  insert into thread_own as o (user_id, room_id, root_id, following, last_read)
  select ${userId}::bigint, r.id, m.id, ${following ?? false}::boolean, greatest(
    least(${readTo}::bigint, r.version),
    case when ${following ?? false}::boolean then (
      select t.id from messages t where t.room_id = r.id and t.thread = m.id order by t.id desc limit 1) end)
  from rooms r cross join lateral (${messageAt(sql`r.id`, sql`${root}::bigint`)}) m
  where r.name = ${room}::text and m.notice is null and m.thread is null
  on conflict (user_id, room_id, root_id) do update set
    following = ${following === undefined ? sql`o.following` : sql`excluded.following`}, at = clock_timestamp(),
    last_read = greatest(o.last_read,
      case when o.following then least(${readTo}::bigint, excluded.last_read) else excluded.last_read end)
  returning o.following, o.last_read::float8 as "lastRead"`;

const followedBy = (userId: number, { before, patterns, limit, all }: ThreadRange) => {
  const person = sql`${userId}::bigint`;
  const listed = sql`
    select r.name as room, r.id as room_id, f.root_id, f.last_read, f.following, l.created_at,
      floor(extract(epoch from l.created_at) * 1000000)::float8 as at,
      ${unreadReplies(person, sql`r.id`, sql`f.root_id`, sql`f.last_read`, UNREAD_MAX)} as unread
    from (
      select * from thread_own o where o.user_id = ${person} and o.following order by o.at desc ${atMost(FOLLOWED_LOOK)}) f
    cross join lateral (select * from rooms x where x.id = f.room_id limit 1) r
    cross join lateral (
      select * from members x where x.user_id = ${person} and x.room_id = f.room_id and x.state = 'in' limit 1) m
    cross join lateral (
      select x.id from (
        select id, deleted_at from messages t where t.room_id = r.id and t.thread = f.root_id order by t.id desc ${atMost(REPLIES_LOOK)}) x
      where ${unguessed(sql`x.deleted_at is null`)} limit 1) last
    cross join lateral (select created_at from (${messageAt(sql`r.id`, sql`last.id`)}) x) l
    where r.deleted_at is null and f.root_id > ${UNSEEN} and ${isOpenTo(userId)} and ${matching(likePatterns(patterns))}`;
  return sql`
    select p.room, m.id::float8 as id, u.username, u.uid, u.name, left(m.content, ${SHOWN_CHARS}::int) as content,
      json_array_length(m.files::json) as files, ${iso(sql`m.created_at`)} as timestamp, ${repliesTo(sql`m`)} as replies,
      p.unread, p.following, p.last_read::float8 as "lastRead", p.at
    from (
      select * from (${listed}) p
      where ${all ? sql`true` : sql`p.unread > 0`}
        and ${
          before
            ? sql`(p.at, p.room, p.root_id) < (${before.at}::float8, ${before.room}::text, ${before.root}::bigint)`
            : sql`true`
        }
      order by p.at desc, p.room desc, p.root_id desc limit ${limit}::int + 1
    ) p
    cross join lateral (${messageAt(sql`p.room_id`, sql`p.root_id`)}) m
    join users u on u.id = m.sender_id
    order by p.at desc, p.room desc, p.root_id desc`;
};

const readNews = (threads: readonly ThreadKey[]) => sql`
  select i.index::float8 as index, r.version::float8 as counter, ${repliesTo(sql`m`)} as replies
  from unnest(
    ${integers(threads.map((_, index) => index))}, ${texts(threads.map(({ room }) => room))},
    ${integers(threads.map(({ root }) => root))}
  ) as i(index, room, root)
  cross join lateral (select id, version from rooms where name = i.room limit 1) r
  cross join lateral (${messageAt(sql`r.id`, sql`i.root`)}) m
  order by i.index`;

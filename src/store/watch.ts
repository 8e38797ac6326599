import { sql } from "drizzle-orm";
import {
  type MembershipChange,
  type MentionNews,
  type WatchedRoom,
  WATCHED_MAX,
  type WatchStore,
} from "../chat/watch.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { atMost, integers, unguessed } from "./sql.ts";
import { EVERYONE_ROWS, mentionsAfter, READ_TO, UNSEEN } from "./unread.ts";

export const createWatchStore = (pool: Pool): WatchStore => ({
  async roomsOf(userIds) {
    const found = await runOrRefuse(pool, (orm) =>
      rows<WatchedRoom & { userId: number }>(orm, readRooms(userIds)),
    );
    const byUser = Map.groupBy(found, ({ userId }) => userId);
    return userIds.map((userId) => byUser.get(userId) ?? []);
  },
  states: (roomIds) => runOrRefuse(pool, (orm) => rows<WatchedRoom>(orm, readStates(roomIds))),
  changes: (after, limit) =>
    runOrRefuse(pool, (orm) => rows<MembershipChange>(orm, readChanges(after, limit))),
  async mentioning(rooms) {
    const found = await runOrRefuse(pool, (orm) => rows<{ roomId: number }>(orm, readMentioning(rooms)));
    return new Set(found.map(({ roomId }) => roomId));
  },
  async mentions(news) {
    const found = await runOrRefuse(pool, (orm) =>
      rows<{ userId: number; mentions: number }>(orm, readMentions(news)),
    );
    return new Map(found.map(({ userId, mentions }) => [userId, mentions]));
  },
  async stamp() {
    const [found] = await runOrRefuse(pool, (orm) =>
      rows<{ stamp: number }>(orm, sql`select coalesce(max(stamp), 0)::float8 as stamp from members`),
    );
    return found?.stamp ?? 0;
  },
});

const columns = sql.raw(
  `r.id::float8 as "roomId", r.name as room, r.last_post::float8 as post, hashtext(r.title) as title`,
);

/** Whether the person of the membership `m` may be in its room `r`. */
const IS_IN = sql`(m.state = 'in' and r.deleted_at is null
  and (select true from bans b where b.user_id = m.user_id and b.room_id = m.room_id) is null)`;

const readRooms = (userIds: readonly number[]) => sql`
  select i.id::float8 as "userId", x."roomId", x.room, x.post, x.title
  from unnest(${integers(userIds)}) as i(id) cross join lateral (
    select ${columns} from members m join rooms r on r.id = m.room_id
    where m.user_id = i.id and m.state = 'in' and ${unguessed(IS_IN)}
    order by r.posted_at desc nulls last, r.id ${atMost(WATCHED_MAX)}
  ) x`;

const readStates = (roomIds: readonly number[]) => sql`
  select ${columns} from unnest(${integers(roomIds)}) as i(id)
  cross join lateral (select * from rooms x where x.id = i.id limit 1) r where r.deleted_at is null`;

const readMentioning = (news: readonly Omit<MentionNews, "userIds">[]) => sql`
  select i.id::float8 as "roomId"
  from unnest(${integers(news.map(({ roomId }) => roomId))}, ${integers(news.map(({ after }) => after))}) as i(id, after)
  where (select true from mentions n where n.room_id = i.id and n.message_id > i.after limit 1)`;

/** Whether a new message mentions the person, or everyone. */
const readMentions = ({ roomId, after, userIds }: MentionNews) => sql`
  select m.user_id::float8 as "userId", ${mentionsAfter(sql`m.user_id`, sql`m.room_id`, { mark: READ_TO, entered: sql`m.version`, unseen: UNSEEN })} as mentions
  from unnest(${integers(userIds)}) as i(id)
  cross join lateral (
    select * from members x where x.user_id = i.id and x.room_id = ${roomId}::bigint and x.state = 'in' limit 1) m
  cross join lateral (select * from rooms x where x.id = m.room_id limit 1) r
  left join lateral (select * from own x where x.user_id = m.user_id and x.room_id = m.room_id limit 1) o on true
  where (select true from mentions n where n.user_id in (m.user_id, ${EVERYONE_ROWS}) and n.room_id = m.room_id
    and n.message_id > ${after}::bigint limit 1)`;

const readChanges = (after: number, limit: number) => sql`
  select m.stamp::float8 as stamp, m.user_id::float8 as "userId", ${IS_IN} as "isIn", m.changed <= m.version as "isNew", ${columns}
  from (select * from members where stamp > ${after}::bigint order by stamp ${atMost(limit)}) m
  cross join lateral (select * from rooms x where x.id = m.room_id limit 1) r
  order by m.stamp`;

import { type SQL, sql } from "drizzle-orm";
import type { Decision } from "./decide.ts";
import type { Post } from "./post.ts";

/** Times leave the database as ISO 8601 in UTC, to the microsecond, the same from each driver. */
const iso = (time: SQL) => sql`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** A Postgres array of text, written out: the drivers differ in what they make of a JavaScript array. */
const array = (values: readonly (string | number | null)[]) =>
  `{${values
    .map((value) => {
      if (value === null) return "NULL";
      return typeof value === "number" ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
    })
    .join(",")}}`;

const list = (values: readonly (string | number | null)[], type: SQL) =>
  sql`${array(values)}::text::${type}[]`;
const texts = (values: readonly string[]) => list(values, sql`text`);
const integers = (values: readonly (number | null)[]) => list(values, sql`bigint`);
const uuids = (values: readonly string[]) => list(values, sql`uuid`);

/**
 * Commits posts none of which was committed before, in one statement and one round trip. The upsert makes rooms, locks
 * them in one order and moves their counters; `below` is how many of the batch's posts for a room come after one, so
 * that `id = version - below`. A post that is there already breaks the unique key: all of it fails, no version is burnt.
 */
export function postAll(posts: readonly Post[]): SQL {
  const remaining = new Map<string, number>();
  for (const { room } of posts) remaining.set(room, (remaining.get(room) ?? 0) + 1);
  const roomNames = [...remaining.keys()];
  const counts = [...remaining.values()];
  const below = posts.map(({ room }) => {
    const left = (remaining.get(room) ?? 0) - 1;
    remaining.set(room, left);
    return left;
  });
  return sql`with moved as (
    insert into rooms as r (name, version)
    select b.room, b.n from unnest(${texts(roomNames)}, ${integers(counts)}) as b(room, n) order by b.room collate "C"
    on conflict (name) do update set version = r.version + excluded.version
    returning r.id, r.name, r.version, clock_timestamp() as at
  ), posted as (
    insert into messages (room_id, id, version, sender_id, client_id, content, reply_to, created_at)
    select m.id, m.version - i.below, m.version - i.below, i.sender_id, i.client_id, i.content, i.reply_to, m.at
    from unnest(
      ${texts(posts.map((p) => p.room))}, ${integers(below)}, ${integers(posts.map((p) => p.senderId))},
      ${uuids(posts.map((p) => p.clientId))}, ${texts(posts.map((p) => p.content))}, ${integers(posts.map((p) => p.replyTo))}
    ) as i(room, below, sender_id, client_id, content, reply_to)
    join moved m on m.name = i.room
  )
  select name, version::float8 as version, ${iso(sql`at`)} as at, (select value from meta where name = 'epoch') as epoch
  from moved`;
}

/** The careful way, first: makes and locks rooms, in the same order as {@link postAll}. Moves nothing. */
export const lockRooms = (names: readonly string[]) => sql`
  insert into rooms as r (name)
  select b.room from unnest(${texts(names)}) as b(room) order by b.room collate "C"
  on conflict (name) do update set version = r.version
  returning r.name, r.id::float8 as id, r.version::float8 as version, ${iso(sql`clock_timestamp()`)} as at,
    (select value from meta where name = 'epoch') as epoch`;

/** The careful way, second: the acks that posts have already. `index` is the post's place in the batch. */
export const readAcks = (posts: readonly Post[]) => sql`
  select i.index::float8 as index, a.id::float8 as id, a.at
  from unnest(
    ${integers(posts.map((_, index) => index))}, ${texts(posts.map((p) => p.room))},
    ${integers(posts.map((p) => p.senderId))}, ${uuids(posts.map((p) => p.clientId))}
  ) as i(index, room, sender_id, client_id)
  cross join lateral (select id from rooms where name = i.room limit 1) r
  cross join lateral (
    select m.id, ${iso(sql`m.created_at`)} as at from messages m
    where m.room_id = r.id and m.sender_id = i.sender_id and m.client_id = i.client_id limit 1) a`;

/** The careful way, third: writes what was decided. */
export const writePosts = ({ posted, versions }: Decision, roomIds: ReadonlyMap<string, number>) => sql`
  with moved as (
    update rooms r set version = i.version
    from unnest(${texts([...versions.keys()])}, ${integers([...versions.values()])}) as i(name, version)
    where r.name = i.name
  )
  insert into messages (room_id, id, version, sender_id, client_id, content, reply_to, created_at)
  select i.room_id, i.id, i.id, i.sender_id, i.client_id, i.content, i.reply_to, i.at
  from unnest(
    ${integers(posted.map(({ post }) => roomIds.get(post.room) ?? null))}, ${integers(posted.map(({ ack }) => ack.id))},
    ${integers(posted.map(({ post }) => post.senderId))}, ${uuids(posted.map(({ post }) => post.clientId))},
    ${texts(posted.map(({ post }) => post.content))}, ${integers(posted.map(({ post }) => post.replyTo))},
    ${list(
      posted.map(({ ack }) => ack.timestamp),
      sql`timestamptz`,
    )}
  ) as i(room_id, id, sender_id, client_id, content, reply_to, at)`;

/** The rooms' counters. Rooms without a message are missing from the answer. */
export const readCounters = (names: readonly string[]) => sql`
  select e.value as epoch, r.name, r.version::float8 as version
  from (select value from meta where name = 'epoch') e
  left join (select q.name, q.version from unnest(${texts(names)}) as i(name) join rooms q on q.name = i.name) r on true`;

const roomId = (room: string) => sql`(select id from rooms where name = ${room}::text)`;

const columns = sql`m.id::float8 as id, m.version::float8 as version, u.username, m.client_id::text as "clientId",
  m.content, m.reply_to::float8 as "replyTo", ${iso(sql`m.created_at`)} as timestamp,
  ${iso(sql`m.edited_at`)} as "editedAt", ${iso(sql`m.deleted_at`)} as "deletedAt"`;

/** Messages with their senders, and beside each the room's counter and the epoch, of the same snapshot. */
const page = (room: string, chosen: SQL, order: SQL) => sql`
  select e.value as epoch, coalesce((select version from rooms where name = ${room}::text), 0)::float8 as counter, p.*
  from (select value from meta where name = 'epoch') e
  left join (select ${columns} from (${chosen}) m join users u on u.id = m.sender_id) p on true
  order by ${order}`;

/** Messages that changed after a version, by version. Two index ranges: what has stayed as posted, and what has not. */
export const readChanges = (room: string, after: number, limit: number) =>
  page(
    room,
    sql`select * from (
      (select * from messages where room_id = ${roomId(room)} and id > ${after}::bigint and version = id
        order by id limit ${limit}::int)
      union all
      (select * from messages where room_id = ${roomId(room)} and version > ${after}::bigint and version <> id
        order by version limit ${limit}::int)
    ) c order by version limit ${limit}::int`,
    sql`p.version`,
  );

/** Messages by id: beyond `after`, from the oldest; or before `before`, from the newest, answered oldest first. */
export const readMessages = (room: string, range: { after: number } | { before: number }, limit: number) =>
  page(
    room,
    "after" in range
      ? sql`select * from messages where room_id = ${roomId(room)} and id > ${range.after}::bigint
          order by id limit ${limit}::int`
      : sql`select * from messages where room_id = ${roomId(room)} and id < ${range.before}::bigint
          order by id desc limit ${limit}::int`,
    sql`p.id`,
  );

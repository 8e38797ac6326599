import { type SQL, sql } from "drizzle-orm";
import { atMost } from "./statements.ts";

// Who belongs to which room, in SQL.

/** Unread messages are counted up to this, and then there are "more". */
export const UNREAD_MAX = 100;
/** Messages after a mark that are looked at: who wrote more than that since must not make each join read all of them. */
export const UNREAD_LOOK = 5_000;

export interface Seat {
  readonly userId: number;
  readonly room: string;
}

/** Each with its place in a list and its room's row; rooms that are not there are missing. */
const asked = (items: readonly (Seat & { id?: number })[]) => sql`
  select i.index, i."userId" as user_id, i.id, r.id as room_id, r.version
  from json_to_recordset(${JSON.stringify(
    items.map(({ userId, room, id }, index) => ({ index, userId, room, id })),
  )}::text::json) as i(index int, "userId" bigint, room text, id bigint)
  cross join lateral (select id, version from rooms where name = i.room limit 1) r`;

export interface ReadingRow {
  readonly index: number;
  readonly lastRead: number;
  readonly unread: number;
}

/** Makes members of those who are none, who have read everything there is; where each of them stands. */
export const joinAll = (seats: readonly Seat[]) => sql`
  with asked as materialized (${asked(seats)}), made as (
    insert into members (user_id, room_id, last_read)
    select distinct user_id, room_id, version from asked order by user_id, room_id
    on conflict (user_id, room_id) do nothing returning user_id, room_id, last_read
  ), m as (
    select a.index, a.user_id, a.room_id, coalesce(
      (select last_read from members where user_id = a.user_id and room_id = a.room_id),
      (select last_read from made where user_id = a.user_id and room_id = a.room_id), 0) as last_read
    from asked a
  )
  select m.index::float8 as index, m.last_read::float8 as "lastRead",
    ${unreadAfter(sql`m.user_id`, sql`m.room_id`, sql`m.last_read`)} as unread
  from m`;

/** How many messages of others, not deleted, follow a mark: at most {@link UNREAD_MAX} of the next {@link UNREAD_LOOK}. */
export const unreadAfter = (userId: SQL, roomId: SQL, mark: SQL) => sql`(select count(*) from (
  select 1 from (
    select sender_id, deleted_at from messages where room_id = ${roomId} and id > ${mark} order by id ${atMost(UNREAD_LOOK)}
  ) x where x.deleted_at is null and x.sender_id <> ${userId} ${atMost(UNREAD_MAX)}) few)::int`;

/** Members who have read nothing yet. */
export const enrol = (userIds: readonly number[], room: string) => sql`
  insert into members (user_id, room_id, last_read)
  select i.user_id, r.id, 0 from json_array_elements_text(${JSON.stringify(userIds)}::text::json) as j(value)
    cross join lateral (select j.value::bigint as user_id) i
    cross join lateral (select id from rooms where name = ${room}::text limit 1) r
  order by i.user_id on conflict (user_id, room_id) do nothing`;

export interface MarkRow {
  readonly index: number;
  readonly before: number;
  readonly after: number;
}

/** Locks in one order, so that batches of several nodes never wait for each other in a circle. */
export const writeMarks = (marks: readonly (Seat & { readonly id: number })[]) => sql`
  with asked as (
    select index, user_id, room_id, least(id, version) as id from (${asked(marks)}) a
  ), old as (
    select a.index, m.last_read from asked a join members m on m.user_id = a.user_id and m.room_id = a.room_id
  ), written as (
    insert into members (user_id, room_id, last_read)
    select user_id, room_id, id from asked order by user_id, room_id
    on conflict (user_id, room_id) do update set last_read = greatest(members.last_read, excluded.last_read)
    returning user_id, room_id, last_read
  )
  select a.index::float8 as index, coalesce(o.last_read, 0)::float8 as before, w.last_read::float8 as after
  from asked a join written w using (user_id, room_id) left join old o on o.index = a.index`;

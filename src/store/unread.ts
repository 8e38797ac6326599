import { type SQL, sql } from "drizzle-orm";
import { UNREAD_MAX } from "../chat/ports.ts";
import { EVERYONE } from "./mentioning.ts";
import { atMost, unguessed } from "./sql.ts";

/** The most messages examined after a mark, so that no join reads all of a large room. */
const UNREAD_LOOK = 1_000;

/** Counts the messages of others after a mark in the main conversation that are neither deleted nor notices: at most {@link UNREAD_MAX} of the next {@link UNREAD_LOOK}. */
export const unreadAfter = (userId: SQL, roomId: SQL, mark: SQL) => sql`(select count(*) from (
  select 1 from (
    select sender_id, deleted_at, notice, thread, also_room from messages where room_id = ${roomId} and id > ${mark} order by id ${atMost(UNREAD_LOOK)}
  ) x where x.deleted_at is null and x.notice is null and (x.thread is null or x.also_room) and x.sender_id <> ${userId} ${atMost(UNREAD_MAX)}) few)::int`;

/** The most replies examined after a mark. */
export const REPLIES_LOOK = 500;

/** The replies of others after a mark that nobody deleted: at most {@link UNREAD_MAX}. */
export const unreadReplies = (userId: SQL, roomId: SQL, root: SQL, mark: SQL, most: number) => sql`(
  select count(*) from (
    select 1 from (
      select sender_id, deleted_at from messages t where t.room_id = ${roomId} and t.thread = ${root} and t.id > ${mark}
      order by t.id ${atMost(REPLIES_LOOK)}) x
    where ${unguessed(sql`x.deleted_at is null and x.sender_id <> ${userId}`)} ${atMost(most)}) few)::int`;

/** The newest threads that a room's summary examines. */
const THREADS_LOOK = 20;

/** How many of the newest threads that the person follows in the room `c` have unread replies. `mark`: what they do not see. */
export const unreadThreads = (userId: SQL, roomId: SQL, unseen: SQL) => sql`(
  select count(*) from (
    select o.root_id, o.last_read from thread_own o
    where o.user_id = ${userId} and o.room_id = ${roomId} and o.root_id > ${unseen} and ${unguessed(sql`o.following`)}
    order by o.root_id desc ${atMost(THREADS_LOOK)}) f
  where ${unreadReplies(userId, roomId, sql`f.root_id`, sql`f.last_read`, 1)} > 0)::int`;

/** The most mentions examined after a mark. Those by the person, or by someone whom they block, do not count. */
const MENTIONS_LOOK = 200;

/** Up to where a person has read what `n` belongs to: a thread has a mark of its own, if they follow it. */
export const threadMark = (userId: SQL, mark: SQL) => sql`coalesce((
  select t.last_read from thread_own t where t.user_id = ${userId} and t.room_id = n.room_id and t.root_id = n.thread), ${mark})`;

/**
 * Counts the messages of others after a mark that mention a member, by name or, since they became one at version `entered`, as
 * part of everyone: at most {@link UNREAD_MAX}. Replies that are in threads alone count after the marks of their threads, among
 * the newest {@link MENTIONS_LOOK} of them. `unseen`: what the member does not see.
 */
export const mentionsAfter = (
  userId: SQL,
  roomId: SQL,
  { mark, entered, unseen }: MemberMarks,
) => sql`(select count(*) from (
  select 1 from (
    (select message_id, sender_id from mentions where user_id = ${userId} and room_id = ${roomId} and message_id > ${mark}
      and ${unguessed(sql`thread is null`)} order by message_id ${atMost(MENTIONS_LOOK)})
    union
    (select message_id, sender_id from mentions where user_id = ${EVERYONE_ROWS} and room_id = ${roomId}
      and message_id > greatest(${mark}, ${entered}) and ${unguessed(sql`thread is null`)}
      order by message_id ${atMost(MENTIONS_LOOK)})
    union
    (select message_id, sender_id from (
      select * from mentions where user_id in (${userId}, ${EVERYONE_ROWS}) and room_id = ${roomId} and thread is not null
        and message_id > case user_id when ${EVERYONE_ROWS} then greatest(${entered}, ${unseen}) else ${unseen} end
      order by message_id desc ${atMost(MENTIONS_LOOK)}) n
      where n.message_id > ${threadMark(userId, mark)})
  ) n where n.sender_id <> ${userId} and ${isHeard(sql`n.sender_id`, userId)} ${atMost(UNREAD_MAX)}) few)::int`;

interface MemberMarks {
  readonly mark: SQL;
  readonly entered: SQL;
  readonly unseen: SQL;
}

export const EVERYONE_ROWS = sql.raw(String(EVERYONE));

/** Whether a person has not blocked a sender. */
export const isHeard = (senderId: SQL, userId: SQL) =>
  sql`(select true from blocks b where b.user_id = ${userId} and b.blocked_id = ${senderId}) is null`;

/** What the member `m` does not see of the room `r`: messages up to this id. */
export const UNSEEN = sql`greatest(m.from_id - 1, r.begins_after)`;

/** The id up to which the member `m` has read in the room `r`; `o` is what they keep about it, if anything. */
export const READ_TO = sql`greatest(
  case when o.last_read >= m.version then o.back end,
  case when o.back is null or o.last_read < m.version then greatest(m.version, o.last_read) end, ${UNSEEN})`;

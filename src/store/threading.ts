import { sql } from "drizzle-orm";
import { type Change, SYSTEM_ID } from "../chat/change.ts";
import type { Decision, State } from "../chat/room/decide.ts";
import { type Orm, rows } from "../db/database.ts";
import type { Threaded } from "../message.ts";
import { REPLIERS_MAX } from "../protocol/limits.ts";
import { atMost, integers, messageAt, unguessed } from "./sql.ts";

// What the commit of a batch does about threads. Batches without replies in threads run none of these statements.

/** The columns of a reply in a thread; null: the message is none. */
export interface ThreadRow {
  readonly root: number | null;
  readonly alsoRoom: boolean | null;
}

export const threadOf = ({ root, alsoRoom }: ThreadRow): Threaded | null =>
  root === null ? null : { root, alsoRoom: alsoRoom === true };

/** Whether a batch has replies in threads. */
export const namesThreads = (changes: readonly Change[]): boolean =>
  changes.some((change) => change.kind === "post" && change.thread);

/**
 * Lets people follow the threads in which they reply or are mentioned, and the senders of first messages theirs, unless they
 * chose not to.
 * Anyone who follows a thread from now on has read what was said before.
 */
export async function writeFollowers(
  tx: Orm,
  { threaded }: Decision,
  roomIds: ReadonlyMap<string, number>,
): Promise<void> {
  if (threaded.length === 0) return;
  const seats = new Map<
    string,
    { userId: number; roomId: number; rootId: number; read: number; replies: boolean }
  >();
  for (const { room, root, message } of threaded) {
    const roomId = roomIds.get(room) ?? 0;
    const seat = (userId: number, read: number, replies: boolean) => {
      const key = `${userId} ${roomId} ${root.id}`;
      const known = seats.get(key);
      seats.set(key, {
        userId,
        roomId,
        rootId: root.id,
        read: known?.read ?? read,
        replies: replies || known?.replies === true,
      });
    };
    if (root.senderId !== message.senderId) seat(root.senderId, root.id, false);
    seat(message.senderId, message.id, true);
    for (const { userId } of message.mentions?.people ?? [])
      if (userId !== message.senderId && userId !== root.senderId) seat(userId, message.id - 1, false);
  }
  const written = [...seats.values()].filter(({ userId }) => userId !== SYSTEM_ID);
  await rows(
    tx,
    sql`insert into thread_own as o (user_id, room_id, root_id, following, last_read)
      select i.user_id, i.room_id, i.root_id, true, i.last_read
      from unnest(
        ${integers(written.map(({ userId }) => userId))}, ${integers(written.map(({ roomId }) => roomId))},
        ${integers(written.map(({ rootId }) => rootId))}, ${integers(written.map(({ read }) => read))},
        ${integers(written.map(({ replies }) => (replies ? 1 : 0)))}
      ) as i(user_id, room_id, root_id, last_read, replies)
      where i.replies = 1 or (
        select true from thread_own k where k.user_id = i.user_id and k.room_id = i.room_id and k.root_id = i.root_id) is null
      order by i.user_id, i.room_id, i.root_id
      on conflict (user_id, room_id, root_id) do update set following = true, at = clock_timestamp(),
        last_read = case when o.following then o.last_read else greatest(o.last_read, excluded.last_read) end`,
  );
}

/** The latest replies that are examined for who replied last, and the deleted ones among them. */
const SENDERS_LOOK = 20;
const LATEST_LOOK = 500;

/** Counts the replies that a batch adds to threads and takes from them, and reads who replied last. */
export async function writeSummaries(
  tx: Orm,
  { threaded, messages }: Decision,
  before: State,
  roomIds: ReadonlyMap<string, number>,
): Promise<void> {
  const changed = new Map<string, { roomId: number; rootId: number; by: number }>();
  const count = (room: string, rootId: number, by: number) => {
    const roomId = roomIds.get(room) ?? 0;
    const key = `${roomId} ${rootId}`;
    changed.set(key, { roomId, rootId, by: (changed.get(key)?.by ?? 0) + by });
  };
  for (const { room, root } of threaded) count(room, root.id, 1);
  for (const [key, { room, message }] of messages)
    if (
      message.thread &&
      message.deletedAt !== null &&
      (before.messages.get(key)?.deletedAt ?? null) === null
    )
      count(room, message.thread.root, -1);
  if (changed.size === 0) return;
  const counts = [...changed.values()];
  await rows(
    tx,
    sql`insert into threads as t (room_id, root_id, replies, last_id, last_at, people)
      select i.room_id, i.root_id, i.by, l.id, l.at, l.people
      from unnest(
        ${integers(counts.map(({ roomId }) => roomId))}, ${integers(counts.map(({ rootId }) => rootId))},
        ${integers(counts.map(({ by }) => by))}
      ) as i(room_id, root_id, by)
      cross join lateral (
        with latest as materialized (
          select x.id, x.sender_id from (
            select id, sender_id, deleted_at from messages m where m.room_id = i.room_id and m.thread = i.root_id
            order by m.id desc ${atMost(LATEST_LOOK)}) x
          where ${unguessed(sql`x.deleted_at is null`)} ${atMost(SENDERS_LOOK)})
        select max(id) as id,
          (select created_at from (${messageAt(sql`i.room_id`, sql`(select max(id) from latest)`)}) m) as at,
          array(select sender_id from latest group by sender_id order by max(id) desc ${atMost(REPLIERS_MAX)}) as people
        from latest) l
      on conflict (room_id, root_id) do update set replies = t.replies + excluded.replies, last_id = excluded.last_id,
        last_at = excluded.last_at, people = excluded.people`,
  );
}

import { type SQL, sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import { type Database, isDatabaseAway, type Orm, rows } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { atMost } from "./statements.ts";

/** Unread messages are counted up to this, and then there are "more". */
export const UNREAD_MAX = 100;
/** Messages after a mark that are looked at: who wrote more than that since must not make each join read all of them. */
export const UNREAD_LOOK = 5_000;
/** Read marks that come within this are written together, in milliseconds. */
const GATHER_MS = 100;
/** Rooms that are not there yet in which someone waits. */
const WAITING_MAX = 10_000;
/** People in rooms who are known to be written down already. */
const REMEMBERED = 50_000;
const RETRY_MS = 2_000;

/** How far someone has read in a room. */
export interface Reading {
  /** The id of the last message that they have read. */
  readonly lastRead: number;
  /** Messages of others after it, at most 100: see {@link unreadAfter}. */
  readonly unread: number;
}

/** Who belongs to which room, and how far they have read. */
export interface Members {
  /**
   * Someone joins: makes them a member, to whom nothing that was said before is unread; of a room that is not there yet
   * once it begins. @throws {Refusal} unavailable.
   */
  joined(userId: number, room: string): Promise<Reading>;
  /** A room's first message was released here: whoever waited for it is a member, who has read nothing yet. */
  begun(room: string): void;
  /** Someone has posted, joined or not: makes them a member, some time. */
  posted(userId: number, room: string): void;
  /**
   * Moves a read mark, never back and never past the room's end. Answers where it stands, once that is committed, and
   * whether it moved. @throws {Refusal} unavailable.
   */
  read(userId: number, room: string, id: number): Promise<{ lastRead: number; moved: boolean }>;
}

interface Mark {
  readonly userId: number;
  readonly room: string;
  id: number;
  readonly written: PromiseWithResolvers<{ lastRead: number; moved: boolean }>;
}

export function createMembers(database: Database, clock: Clock): Members {
  /** By room, the people who are known to be members. */
  const remembered = new Map<string, Set<number>>();
  let rememberedCount = 0;
  /** Who has joined which room that is not there yet. */
  const waiting = new Map<string, Set<number>>();
  const enrolling = new Map<string, Promise<unknown>>();
  let marks = new Map<string, Mark>();

  const run = <T>(work: (orm: Orm) => Promise<T>): Promise<T> =>
    database.run(work).catch((error: unknown) => {
      throw isDatabaseAway(error) ? new Refusal("unavailable", { retryAfterMs: RETRY_MS }) : error;
    });

  const remember = (userId: number, room: string) => {
    if (rememberedCount++ >= REMEMBERED) {
      remembered.clear();
      rememberedCount = 0;
    }
    remembered.getOrInsertComputed(room, () => new Set()).add(userId);
  };

  async function flush(): Promise<void> {
    const batch = [...marks.values()];
    marks = new Map();
    try {
      const found = await run((orm) => rows<MarkRow>(orm, writeMarks(batch)));
      const byIndex = new Map(found.map((row) => [row.index, row]));
      for (const [index, { written }] of batch.entries()) {
        const row = byIndex.get(index);
        written.resolve(
          row ? { lastRead: row.after, moved: row.after > row.before } : { lastRead: 0, moved: false },
        );
      }
    } catch (error) {
      for (const { written } of batch) written.reject(error);
    }
  }

  return {
    async joined(userId, room) {
      await enrolling.get(room);
      const [found] = await run((orm) => rows<Reading>(orm, join(userId, room)));
      if (found) remember(userId, room);
      else if (waiting.size < WAITING_MAX) waiting.getOrInsert(room, new Set()).add(userId);
      return found ?? { lastRead: 0, unread: 0 };
    },
    begun(room) {
      const people = [...(waiting.get(room) ?? [])];
      if (!waiting.delete(room)) return;
      const written = run((orm) => rows(orm, enrol(people, room)))
        // Who is not written down is made a member by their next join or post.
        .catch(() => {})
        .finally(() => enrolling.delete(room));
      enrolling.set(room, written);
    },
    posted(userId, room) {
      if (remembered.get(room)?.has(userId) || waiting.get(room)?.has(userId)) return;
      remember(userId, room);
      // What fails here is made good by the next join or post.
      run((orm) => rows(orm, join(userId, room))).catch(() => remembered.get(room)?.delete(userId));
    },
    read(userId, room, id) {
      if (marks.size === 0) clock.after(GATHER_MS, () => void flush());
      const key = `${userId} ${room}`;
      const mark = marks.get(key) ?? { userId, room, id, written: Promise.withResolvers() };
      mark.id = Math.max(mark.id, id);
      marks.set(key, mark);
      return mark.written.promise;
    },
  };
}

/** Nothing where there is no such room yet. */
const join = (userId: number, room: string) => sql`
  with r as (select id, version from rooms where name = ${room}::text), made as (
    insert into members (user_id, room_id, last_read) select ${userId}::bigint, r.id, r.version from r
    on conflict (user_id, room_id) do nothing returning last_read
  ), m as (
    select r.id as room_id, coalesce(
      (select last_read from members where user_id = ${userId}::bigint and room_id = r.id),
      (select last_read from made), 0) as last_read
    from r
  )
  select m.last_read::float8 as "lastRead", ${unreadAfter(userId, sql`m.room_id`, sql`m.last_read`)} as unread
  from m`;

/** How many messages of others, not deleted, follow a mark: at most {@link UNREAD_MAX} of the next {@link UNREAD_LOOK}. */
export const unreadAfter = (userId: number, roomId: SQL, mark: SQL) => sql`(select count(*) from (
  select 1 from (
    select sender_id, deleted_at from messages where room_id = ${roomId} and id > ${mark} order by id ${atMost(UNREAD_LOOK)}
  ) x where x.deleted_at is null and x.sender_id <> ${userId}::bigint ${atMost(UNREAD_MAX)}) few)::int`;

/** Members who have read nothing yet. */
const enrol = (userIds: readonly number[], room: string) => sql`
  insert into members (user_id, room_id, last_read)
  select i.user_id, r.id, 0 from json_array_elements_text(${JSON.stringify(userIds)}::text::json) as j(value)
    cross join lateral (select j.value::bigint as user_id) i
    cross join lateral (select id from rooms where name = ${room}::text limit 1) r
  order by i.user_id on conflict (user_id, room_id) do nothing`;

interface MarkRow {
  readonly index: number;
  readonly before: number;
  readonly after: number;
}

/** Locks in one order, so that batches of several nodes never wait for each other in a circle. */
const writeMarks = (marks: readonly Mark[]) => sql`
  with asked as (
    select i.index, i."userId" as user_id, r.id as room_id, least(i.id, r.version) as id
    from json_to_recordset(${JSON.stringify(
      marks.map(({ userId, room, id }, index) => ({ index, userId, room, id })),
    )}::text::json) as i(index int, "userId" bigint, room text, id bigint)
    cross join lateral (select id, version from rooms where name = i.room limit 1) r
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

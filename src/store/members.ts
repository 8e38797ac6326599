import type { Clock } from "../clock.ts";
import { type Database, isDatabaseAway, type Orm, rows } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { gatherer } from "../gather.ts";
import { enrol, joinAll, type MarkRow, type ReadingRow, type Seat, writeMarks } from "./member-statements.ts";

/** Joins that are asked for in one statement. */
const JOINS = 200;
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
  /** Messages of others after it, at most 100. */
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

interface Mark extends Seat {
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

  const join = gatherer<Seat, Reading | undefined>(clock, JOINS, async (seats) => {
    const found = await run((orm) => rows<ReadingRow>(orm, joinAll(seats)));
    const readings = new Array<Reading | undefined>(seats.length);
    for (const { index, lastRead, unread } of found) readings[index] = { lastRead, unread };
    return readings;
  });

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
      const found = await join({ userId, room });
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
      join({ userId, room }).catch(() => remembered.get(room)?.delete(userId));
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

import type { ThreadNews, ThreadSeat, ThreadStore } from "../../src/chat/threadports.ts";
import type { Message, Replies } from "../../src/message.ts";
import { REPLIERS_MAX, REPLIES_MAX } from "../../src/protocol/limits.ts";
import type { SimDatabase } from "./database.ts";
import type { Rows } from "./rows.ts";

/** What each version of a log wrote in its threads, by root. Logs only grow. */
const threadLogs = new WeakMap<readonly Message[], { length: number; byRoot: Map<number, Message[]> }>();

/** Reads a log once, because a page of a long room asks for each of its messages. */
function threadLog(log: readonly Message[], root: number): readonly Message[] {
  const read = threadLogs.getOrInsertComputed(log, () => ({ length: 0, byRoot: new Map() }));
  for (; read.length < log.length; read.length++) {
    const state = log[read.length] as Message;
    if (state.thread) read.byRoot.getOrInsertComputed(state.thread.root, () => []).push(state);
  }
  return read.byRoot.get(root) ?? [];
}

/** The replies in a thread that nobody had deleted when the room was at this version; undefined: none. */
export function repliesAt(log: readonly Message[], root: number, version: number): Replies | undefined {
  const states = new Map<number, Message>();
  for (const state of threadLog(log, root)) if (state.version <= version) states.set(state.id, state);
  const replies = [...states.values()]
    .filter(({ deletedAt }) => deletedAt === null)
    .sort((a, b) => b.id - a.id);
  const [last] = replies;
  if (!last) return undefined;
  const people = new Map(replies.map(({ username, user }) => [username, { id: user.id, username }]));
  return {
    count: Math.min(replies.length, REPLIES_MAX),
    more: replies.length > REPLIES_MAX,
    last: { id: last.id, timestamp: last.timestamp },
    people: [...people.values()].slice(0, REPLIERS_MAX),
  };
}

/** The model of what people keep about threads, and of their summaries. */
export function createThreadRows(rows: Rows) {
  const seats = new Map<string, ThreadSeat>();
  const keyOf = (userId: number, room: string, root: number) => `${rows.epoch} ${userId} ${root} ${room}`;
  const seatOf = (key: string) => seats.get(key) ?? { following: false, lastRead: 0 };
  const isRoot = (room: string, root: number) => {
    const message = rows.roomOf(room).messages.get(root);
    return message?.notice === null && message.thread === null;
  };

  return {
    seat: ({ userId, room }, root) => seatOf(keyOf(userId, room, root)),
    change({ userId, room }, root, { following, readTo = 0 }) {
      if (!isRoot(room, root)) return null;
      const key = keyOf(userId, room, root);
      const { following: before, lastRead } = seatOf(key);
      const seat = {
        following: following ?? before,
        lastRead: Math.max(lastRead, Math.min(readTo, rows.counterOf(room))),
      };
      seats.set(key, seat);
      return seat;
    },
    list: () => ({ threads: [], next: undefined }),
    news: (threads) =>
      threads.flatMap(({ room, root }): ThreadNews[] => {
        if (!isRoot(room, root)) return [];
        const counter = rows.counterOf(room);
        return [{ room, root, counter, replies: repliesAt(rows.roomOf(room).log, root, counter) ?? null }];
      }),
  } satisfies {
    [K in keyof ThreadStore]: (...of: Parameters<ThreadStore[K]>) => Awaited<ReturnType<ThreadStore[K]>>;
  };
}

/** The model as a store that is always there. */
export const threadsOf = ({ threads }: Pick<SimDatabase, "threads">): ThreadStore => ({
  seat: async (...of) => threads.seat(...of),
  change: async (...of) => threads.change(...of),
  list: async () => threads.list(),
  news: async (...of) => threads.news(...of),
});

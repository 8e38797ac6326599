import type { MembershipChange, MentionNews, WatchedRoom } from "../../src/chat/watch.ts";
import { seatKey } from "../../src/chat/ports.ts";
import type { PeopleWrite } from "./people.ts";
import type { Rows } from "./rows.ts";

/** How long before its commit a transaction may have taken its stamp, in milliseconds. */
const LATE_MS = 8_000;

/** The stamps of memberships, as the trigger of the database sets them. Some transactions take theirs long before they commit. */
export function createStamps(now: () => number) {
  let last = 0;
  let changes = 0;
  /** Stamps of transactions that have not committed yet. */
  let taken: { readonly stamp: number; readonly at: number }[] = [];
  const stamps = new Map<string, number>();

  return {
    /** A membership is written. */
    write({ seat }: PeopleWrite) {
      taken = taken.filter(({ at }) => at > now() - LATE_MS);
      if (++changes % 4 === 0) taken.push({ stamp: ++last, at: now() });
      const late = changes % 3 === 0 ? taken.shift() : undefined;
      stamps.set(seatKey(seat), late?.stamp ?? ++last);
    },
    of: (userId: number, room: string) => stamps.get(seatKey({ userId, room })) ?? 0,
    after: (stamp: number): [key: string, stamp: number][] =>
      [...stamps].filter(([, each]) => each > stamp).sort(([, a], [, b]) => a - b),
    get latest() {
      return Math.max(0, ...stamps.values());
    },
    /** No transaction takes its stamp before a process starts and commits after it: that process would miss it. */
    settle: () => void (taken = []),
    reset() {
      stamps.clear();
      taken = [];
      last = changes = 0;
    },
  };
}

/** What the watching of rooms asks the model database: the contract of `WatchStore`. */
export function createWatched({ people, names, factsOf, roomOf, stamps }: Rows) {
  const ids: string[] = [];
  const idOf = (room: string) => (ids.includes(room) ? ids.indexOf(room) : ids.push(room) - 1);

  /** The id of a room's newest message that is no notice. */
  const lastPost = (room: string) =>
    roomOf(room).log.findLast(({ id, version, notice }) => id === version && !notice)?.id ?? 0;

  const watchedOf = (room: string): WatchedRoom => ({
    roomId: idOf(room),
    room,
    post: lastPost(room),
    title: Number(Bun.hash(factsOf(room).title) & 0xffffn),
  });

  const isIn = (userId: number, room: string) =>
    people.isMember({ userId, room }) && !people.seatOf({ userId, room }).banned && !factsOf(room).deleted;

  const mentioningIn = (roomId: number, after: number) =>
    [...roomOf(ids[roomId] ?? "").known.values()].filter(
      ({ id, mentions, deletedAt }) => id > after && mentions !== null && deletedAt === null,
    );

  return {
    isIn,
    lastPost,
    mentioning: (rooms: readonly Omit<MentionNews, "userIds">[]): ReadonlySet<number> =>
      new Set(rooms.flatMap(({ roomId, after }) => (mentioningIn(roomId, after).length > 0 ? [roomId] : []))),
    mentions({ roomId, after, userIds }: MentionNews): ReadonlyMap<number, number> {
      const room = ids[roomId] ?? "";
      const concern = (userId: number, from: number) =>
        mentioningIn(roomId, from).filter(
          ({ mentions }) => mentions?.everyone || mentions?.people.some((one) => one.userId === userId),
        );
      return new Map(
        userIds.flatMap((userId): [number, number][] => {
          if (!isIn(userId, room) || concern(userId, after).length === 0) return [];
          const { lastRead } = people.readingOf({ userId, room });
          return [[userId, concern(userId, lastRead).filter(({ senderId }) => senderId !== userId).length]];
        }),
      );
    },
    roomsOf: (userIds: readonly number[]): WatchedRoom[][] =>
      userIds.map((userId) =>
        names()
          .filter((room) => isIn(userId, room))
          .map(watchedOf),
      ),
    states: (roomIds: readonly number[]): WatchedRoom[] =>
      roomIds
        .map((id) => ids[id] ?? "")
        .filter((room) => names().includes(room) && !factsOf(room).deleted)
        .map(watchedOf),
    changes: (after: number, limit: number): MembershipChange[] =>
      stamps
        .after(after)
        .slice(0, limit)
        .map(([key, stamp]) => {
          const userId = Number.parseInt(key, 10);
          const room = key.slice(key.indexOf(" ") + 1);
          const member = people.memberOf({ userId, room });
          const isNew = member !== undefined && member.changed <= member.since;
          return { ...watchedOf(room), stamp, userId, isIn: isIn(userId, room), isNew };
        }),
    stamp: () => stamps.latest,
  };
}

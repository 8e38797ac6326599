import type { WatchStore } from "../../src/chat/watch.ts";
import type { Budgets } from "../../src/budgets.ts";
import { createPlain } from "../../src/chat/codecs/plain.ts";
import { createV1 } from "../../src/chat/codecs/v1.ts";
import type { CommandTable } from "../../src/chat/codecs/command.ts";
import type { Codec } from "../../src/chat/connection/codec.ts";
import type { ModerationStore } from "../../src/chat/moderationports.ts";
import type { Pass } from "../../src/chat/pass.ts";
import type { ListStore } from "../../src/chat/lists.ts";
import type { Bounds, Departures, FileLookup, MemberStore, PersonStore, Seat } from "../../src/chat/ports.ts";
import type { SavedStore } from "../../src/chat/saved.ts";
import { membershipOf, noRoom, STRANGER } from "../../src/chat/rights.ts";
import type { Identity, Standing } from "../../src/identity.ts";
import type { Message } from "../../src/message.ts";
import type { Named, Person } from "../../src/person.ts";

// Stand-ins for what the chat uses, for tests that run parts of it without a database or accounts.

/** Nobody's budget is ever spent. */
export const unlimited: Budgets = {
  spend: () => 0,
  charge() {},
  wait: () => 0,
  refused() {},
  bucket: () => ({ spend: () => 0, charge() {} }),
  limits: {},
};

/** Every session and account is alive. */
export const aliveStanding: Standing = {
  ask: async (logins) => logins.map(() => "alive"),
  onEnded: () => () => {},
};

/** Nothing to watch. */
export const emptyWatch: WatchStore = {
  roomsOf: async (userIds) => userIds.map(() => []),
  states: async () => [],
  changes: async () => [],
  mentioning: async () => new Set(),
  mentions: async () => new Map(),
  stamp: async () => 0,
};

/** Nobody blocks, reports or invites anyone. */
export const unmoderated = {} as ModerationStore;

/** Nobody has a name. */
export const nobodyKnown: PersonStore = { find: async (names) => names.map(() => null) };

/** Nothing is saved. */
export const nothingSaved: SavedStore = {
  save: async () => ({ fence: 0, result: "missing" }),
  unsave: async () => {},
  list: async () => ({ saved: [], more: false }),
  idsIn: async () => [],
};

/** No rooms. */
export const emptyLists: ListStore = {
  rooms: async () => ({ rooms: [], more: false }),
  recent: async () => ({ rooms: [], next: undefined }),
  members: async () => ({ members: [], next: undefined, version: 0, fence: 0 }),
  bans: async () => ({ bans: [], next: undefined, fence: 0 }),
  prefer: async () => false,
  room: async () => undefined,
  written: async () => ({ messages: [], more: false }),
  inbox: async () => ({ entries: [], next: undefined }),
  messagesOf: async () => [],
};

/** Members, read marks and bans in memory. Nothing is ever unread, and rooms have no end. */
export function createMemberStub(): MemberStore & {
  roomsOf(userId: number): string[];
  ban(seat: Seat): void;
} {
  const members = new Map<number, Map<string, "in" | "left">>();
  const bans = new Map<number, Set<string>>();
  const marks = new Map<string, number>();
  const statesOf = (userId: number) => members.getOrInsertComputed(userId, () => new Map());
  const bansOf = (userId: number) => bans.getOrInsertComputed(userId, () => new Set());
  const markOf = (userId: number, room: string) => marks.get(`${userId} ${room}`) ?? 0;

  return {
    /** The rooms that someone is a member of, in the order in which they joined them. */
    roomsOf: (userId) => [...statesOf(userId)].filter(([, state]) => state === "in").map(([room]) => room),
    join: async (seats) =>
      seats.map(({ userId, room }) => {
        statesOf(userId).set(room, "in");
        return { lastRead: markOf(userId, room), unread: 0 };
      }),
    memberships: async (seats) =>
      seats.map(({ userId, room }) =>
        membershipOf(room, noRoom(room), {
          ...STRANGER,
          state: statesOf(userId).get(room) ?? "none",
          banned: bansOf(userId).has(room),
        }),
      ),
    async leave({ userId, room }) {
      if (statesOf(userId).get(room) !== "in") return false;
      statesOf(userId).set(room, "left");
      return true;
    },
    mark: async (asked) =>
      asked.map(({ userId, room, min, max }) => {
        const before = markOf(userId, room);
        const lastRead = Math.min(max, Math.max(before, min));
        marks.set(`${userId} ${room}`, lastRead);
        return { lastRead, moved: lastRead !== before, ...(lastRead < before && { back: true as const }) };
      }),
    departures: async (userIds) =>
      userIds.map((userId): Departures => {
        const left = [...statesOf(userId)].filter(([, state]) => state === "left");
        const banned = [...bansOf(userId)];
        return new Map([
          ...left.map(([room]) => [room, "left"] as const),
          ...banned.map((room) => [room, "banned"] as const),
        ]);
      }),
    ban: ({ userId, room }) => void bansOf(userId).add(room),
  };
}

/** A room without files. */
export const noFiles: FileLookup = { unsent: async () => [], visible: async () => ({ fence: 0, files: [] }) };

/** Someone whose display name is their username. */
export const userOf = (username: string): Person => ({ id: `u_${username}`, name: undefined });
export const named = (username: string): Named => ({ username, user: userOf(username) });

/** A pass that no access check issued. */
export function passFor(
  person: Pick<Identity, "userId" | "username"> & Partial<Identity>,
  room: string,
): Pass<"read" | "post"> {
  const identity: Identity = {
    user: userOf(person.username),
    picture: null,
    sessionId: null,
    expiresAt: Infinity,
    grants: null,
    ...person,
  };
  const membership = membershipOf(room, noRoom(room), STRANGER);
  return { person: identity, room, membership } as unknown as Pass<"read" | "post">;
}

/** The codecs, for tests of what they encode: nothing can be sent to them. */
export const v1: Codec = createV1({
  commands: {} as CommandTable,
  messageChars: 0,
  roomsPerSocket: 0,
  budgets: {},
  faulted() {},
});
export const plain: Codec = createPlain({
  submit() {},
  history: { page: () => Promise.reject(new Error("no history")) },
  faulted() {},
});

/** The frame in which a chat.v1 reader that has everything up to `since` gets a missed message. */
export function replayFrame(room: string, message: Message, since: number): string {
  const page = {
    epoch: "e",
    counter: 0,
    fence: 0,
    messages: [],
    end: 0,
    frames: new Map<string | number, string>(),
  };
  const frame = v1.replay(page, message, { room, since, released: Infinity });
  if (frame === undefined) throw new Error("a released message has no frame");
  return frame;
}

/** A page of so many messages, whatever their size. */
export const upTo = (messages: number): Bounds => ({ messages, bytes: Number.MAX_SAFE_INTEGER });

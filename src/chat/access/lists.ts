import { ownerOf } from "../../budgets.ts";
import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import type { Counts } from "../ephemeral/counts.ts";
import type { Pass } from "../pass.ts";
import type { ListStore, Place, Preferences, RecentRange, RoomRange, RoomSummary } from "../lists.ts";
import type { Access } from "./access.ts";
import { createInbox } from "./inbox.ts";

/** A room in a list, with the people in it right now. */
export interface ListedRoom extends RoomSummary {
  readonly online: number;
}

export interface RoomPage {
  readonly rooms: readonly ListedRoom[];
  /** The name to continue after; undefined on the last page. */
  readonly next: string | undefined;
}

/** Which of someone's rooms to list, by activity. */
export interface RecentQuery extends Pick<RecentRange, "hidden" | "limit"> {
  /** The cursor of a page before; undefined for the first page. */
  readonly before: string | undefined;
}

/** Lists of rooms. The store filters by access, so neither a page nor its cursor names a room that is closed to its reader. */
export interface Lists {
  /** A page of rooms by name. @throws {Refusal} busy, unavailable. */
  rooms(person: Identity, range: Omit<RoomRange, "patterns">): Promise<RoomPage>;
  /** A page of the person's rooms by activity; `next` is an opaque cursor. @throws {Refusal} invalid, busy, unavailable. */
  recent(person: Identity, query: RecentQuery): Promise<RoomPage>;
  /** The messages that mention a person. @throws {Refusal} invalid, busy, unavailable. */
  readonly inbox: ReturnType<typeof createInbox>;
  /** One room, whether it exists yet or not. @throws {Refusal} forbidden and so on, busy, unavailable. */
  room(pass: Pass): Promise<ListedRoom>;
  /** Changes what a member keeps about a room. @throws {Refusal} not_found if they are no member; unavailable. */
  prefer(pass: Pass, preferences: Preferences): Promise<void>;
}

interface ListsParts {
  readonly store: ListStore;
  readonly reads: Places;
  readonly access: Pick<Access, "readable" | "membersOnly" | "reenter">;
  readonly counts: Counts;
}

export function createLists({ store, reads, access, counts }: ListsParts): Lists {
  const withCounts = async (rooms: readonly RoomSummary[]): Promise<ListedRoom[]> => {
    const online = await counts.of(rooms.map(({ room }) => room));
    return rooms.map((summary) => ({ ...summary, online: online.get(summary.room) ?? 0 }));
  };

  return {
    async rooms(person, range) {
      const patterns = access.readable(person);
      if (patterns?.length === 0) return { rooms: [], next: undefined };
      const { userId } = person;
      // If only members may enter, others are not to know of a room.
      const { scope } = access.membersOnly ? ({ scope: "mine" } as const) : range;
      const { rooms, more } = await reads.run(userId, () =>
        store.rooms(userId, { ...range, scope, patterns }),
      );
      return { rooms: await withCounts(rooms), next: more ? rooms.at(-1)?.room : undefined };
    },
    async recent(person, { before, ...query }) {
      const place = before === undefined ? null : placeIn(before);
      const patterns = access.readable(person);
      if (patterns?.length === 0) return { rooms: [], next: undefined };
      const { userId } = person;
      const range = { ...query, before: place, patterns };
      const { rooms, next } = await reads.run(userId, () => store.recent(userId, range));
      return { rooms: await withCounts(rooms), next: next && cursorOf(next) };
    },
    inbox: createInbox({ store, reads, access }),
    async room({ person, room }) {
      const { userId } = person;
      const found = await reads.run(ownerOf(person), () => store.room({ userId, room }));
      // What was read may be newer than the pass.
      await access.reenter(person, room);
      const [listed] = await withCounts([found ?? { ...NOBODYS, room }]);
      return listed as ListedRoom;
    },
    async prefer({ person: { userId }, room }, preferences) {
      if (await store.prefer({ userId, room }, preferences)) return;
      throw new Refusal("not_found", { detail: "You are not a member of this room. Join it first." });
    },
  };
}

/** A room that nobody has created yet. */
const NOBODYS: Omit<RoomSummary, "room"> = {
  kind: "open",
  title: "",
  topic: "",
  archived: false,
  history: "all",
  membersAdd: false,
  receipts: false,
  version: 0,
  last: null,
  role: null,
  joinedAt: null,
  lastRead: null,
  unread: 0,
  threads: 0,
  mentions: 0,
  notify: null,
  hidden: false,
  pinned: false,
};

/** A cursor names a room that its reader has just seen, and nothing else of the server. */
const cursorOf = ({ pinned, at, room }: Place): string =>
  Buffer.from(`${pinned ? 1 : 0} ${at} ${room}`).toString("base64url");

/** @throws {Refusal} invalid. */
function placeIn(cursor: string): Place {
  const [, pinned, at, room] =
    /^([01]) (\d{1,16}) (\S{1,256})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (room === undefined || room.includes("\0"))
    throw new Refusal("invalid", { errors: { before: ["must be a cursor of this list"] } });
  return { pinned: pinned === "1", at: Number(at), room };
}

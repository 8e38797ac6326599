import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import type { Counts } from "../ephemeral/counts.ts";
import type { Pass } from "../pass.ts";
import type { ListStore, RoomRange, RoomSummary } from "../ports.ts";
import type { Access } from "./access.ts";

/** A room in a list, with the people in it right now. */
export interface ListedRoom extends RoomSummary {
  readonly online: number;
}

export interface RoomPage {
  readonly rooms: readonly ListedRoom[];
  /** The name to continue after; undefined on the last page. */
  readonly next: string | undefined;
}

/** Lists of rooms. The store filters by access, so neither a page nor its cursor names a room that is closed to its reader. */
export interface Lists {
  /** A page of rooms by name. @throws {Refusal} busy, unavailable. */
  rooms(person: Identity, range: Omit<RoomRange, "patterns">): Promise<RoomPage>;
  /** One room, whether it exists yet or not. @throws {Refusal} busy, unavailable. */
  room(pass: Pass): Promise<ListedRoom>;
}

interface ListsParts {
  readonly store: ListStore;
  readonly reads: Places;
  readonly access: Pick<Access, "readable">;
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
      const { rooms, more } = await reads.run(userId, () => store.rooms(userId, { ...range, patterns }));
      return { rooms: await withCounts(rooms), next: more ? rooms.at(-1)?.room : undefined };
    },
    async room({ person, room }) {
      const { userId } = person;
      const found = await reads.run(userId, () => store.room({ userId, room }));
      const [listed] = await withCounts([found ?? { room, last: null, lastRead: null, unread: 0 }]);
      return listed as ListedRoom;
    },
  };
}

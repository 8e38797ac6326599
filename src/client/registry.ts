import type { RoomInside, RoomOptions } from "./roomstate.ts";

/** How many rooms that nobody follows any more keep their messages, so that coming back to them is fast. */
const REMEMBERED = 20;
interface Reference {
  deref(): RoomInside | undefined;
}

/** The rooms of a chat, each once. */
export interface Registry {
  get(name: string): RoomInside | undefined;
  /** Returns the room, and creates it with these options if there is none. */
  of(name: string, options?: RoomOptions): RoomInside;
  all(): RoomInside[];
  /** Keeps a room from now on, and drops what rooms hold that were left long ago. */
  used(room: RoomInside): void;
}

export function createRegistry(create: (name: string, options?: RoomOptions) => RoomInside): Registry {
  // A room that was only looked at is not kept: a server that renders pages looks at every room once.
  const rooms = new Map<string, Reference>();

  const get = (name: string) => rooms.get(name)?.deref();
  const all = () => [...rooms.values()].flatMap((reference) => reference.deref() ?? []);

  return {
    get,
    of(name, options) {
      const known = get(name);
      if (known) return known;
      const room = create(name, options);
      // Names of rooms that are gone are removed from time to time.
      if (rooms.size % 100 === 0) for (const other of rooms.keys()) if (!get(other)) rooms.delete(other);
      rooms.set(name, new WeakRef(room));
      return room;
    },
    all,
    used(room) {
      const { name } = room.room;
      // The one that was used last is the last.
      rooms.delete(name);
      rooms.set(name, { deref: () => room });
      const idle = all().filter((other) => other.epoch && other.room.snapshot().state === "idle");
      for (const old of idle.slice(0, -REMEMBERED)) old.drop();
    },
  };
}

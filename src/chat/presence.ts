import type { Clock } from "../clock.ts";

/** A reload is not a departure: how long someone without a socket is still there, in milliseconds. */
const GRACE_MS = 3_000;
/** In larger rooms people are counted, not named. */
export const NAMED_MAX = 100;
/** A room is told at most so often, and less often the more there are to tell, in milliseconds. */
const TELL_MS = { least: 1_000, perPerson: 5, most: 10_000 } as const;

/** What a room is told: how many are online and, in small rooms, who came and went. */
export interface PresenceNews {
  readonly online: number;
  readonly joined?: readonly string[];
  readonly left?: readonly string[];
}

/** Who is in which room, people and not sockets, as far as this process knows. */
export interface Presence {
  enter(room: string, person: Person): void;
  leave(room: string, person: Person): void;
  online(room: string): number;
  /** At most {@link NAMED_MAX} names. */
  people(room: string): string[];
  stop(): void;
}

interface Person {
  readonly userId: number;
  readonly username: string;
}

interface Attendance {
  readonly username: string;
  sockets: number;
  cancelGrace?: () => void;
}

interface Room {
  readonly people: Map<number, Attendance>;
  /** As the room was last told. */
  told: { readonly online: number };
  readonly joined: Set<string>;
  readonly left: Set<string>;
  cancelTelling?: (() => void) | undefined;
}

export function createPresence(clock: Clock, tell: (room: string, news: PresenceNews) => void): Presence {
  const rooms = new Map<string, Room>();

  const flush = (name: string, room: Room) => {
    room.cancelTelling = undefined;
    const online = room.people.size;
    const named = online <= NAMED_MAX;
    const changed = named ? room.joined.size + room.left.size > 0 : online !== room.told.online;
    if (changed) {
      const names = { joined: [...room.joined], left: [...room.left] };
      tell(name, {
        online,
        ...(named && names.joined.length > 0 && { joined: names.joined }),
        ...(named && names.left.length > 0 && { left: names.left }),
      });
    }
    room.told = { online };
    room.joined.clear();
    room.left.clear();
    if (online === 0) rooms.delete(name);
  };

  const tellSoon = (name: string, room: Room) => {
    const pause = Math.min(Math.max(TELL_MS.least, room.people.size * TELL_MS.perPerson), TELL_MS.most);
    room.cancelTelling ??= clock.after(pause, () => flush(name, room));
  };

  return {
    enter(name, { userId, username }) {
      const room = rooms.get(name) ?? {
        people: new Map<number, Attendance>(),
        told: { online: 0 },
        joined: new Set<string>(),
        left: new Set<string>(),
      };
      rooms.set(name, room);
      const here = room.people.get(userId);
      if (here) {
        here.sockets++;
        here.cancelGrace?.();
        return;
      }
      room.people.set(userId, { username, sockets: 1 });
      if (!room.left.delete(username)) room.joined.add(username);
      tellSoon(name, room);
    },
    leave(name, { userId }) {
      const room = rooms.get(name);
      const here = room?.people.get(userId);
      if (!room || !here || --here.sockets > 0) return;
      here.cancelGrace = clock.after(GRACE_MS, () => {
        room.people.delete(userId);
        if (!room.joined.delete(here.username)) room.left.add(here.username);
        tellSoon(name, room);
      });
    },
    online: (name) => rooms.get(name)?.people.size ?? 0,
    people: (name) =>
      [...(rooms.get(name)?.people.values().take(NAMED_MAX) ?? [])].map(({ username }) => username),
    stop() {
      for (const room of rooms.values()) {
        room.cancelTelling?.();
        for (const { cancelGrace } of room.people.values()) cancelGrace?.();
      }
      rooms.clear();
    },
  };
}

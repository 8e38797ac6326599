import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";
import { createElsewhere, type Elsewhere } from "./elsewhere.ts";

/** A reload is not a departure: how long someone without a socket is still there, in milliseconds. */
const GRACE_MS = 3_000;
/** In larger rooms people are counted, not named. */
export const NAMED_MAX = 100;
/** A room is told at most so often, and less often the more there are to tell, in milliseconds. */
const TELL_MS = { least: 1_000, perPerson: 5, most: 10_000 } as const;
/** Other nodes hear of it so many times as often. */
const SHARED = 10;

/** What a room is told: how many are online and, in small rooms, who came and went. */
export interface PresenceNews {
  readonly online: number;
  readonly joined?: readonly string[];
  readonly left?: readonly string[];
}

/** Who is in which room, people and not sockets, as far as this node knows. */
export interface Presence {
  enter(room: string, person: Person): void;
  leave(room: string, person: Person): void;
  /** Where more than {@link NAMED_MAX} are there, who is on two nodes counts twice. */
  online(room: string): number;
  /** How many of them on this node. */
  here(room: string): number;
  /** At most {@link NAMED_MAX} names. */
  people(room: string): string[];
  /** Whether another node has someone in the room. */
  shared(room: string): boolean;
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
  /** Those of this node. */
  readonly here: Map<number, Attendance>;
  readonly elsewhere: Elsewhere;
  sockets: number;
  /** It is not what other nodes were told last; where none has said that it is there, none is told. */
  untold: boolean;
  /** As the room was last told: how many, and who, when they were last named. */
  told: number;
  named: ReadonlyMap<number, string>;
  cancelTelling?: (() => void) | undefined;
  cancelSharing?: (() => void) | undefined;
}

interface PresenceOptions {
  readonly clock: Clock;
  readonly bus: Pick<Bus, "publish" | "listen">;
  /** False: it could not be told just now. */
  tell(room: string, news: PresenceNews): boolean;
}

/**
 * Nodes tell each other of the rooms that they both have people in, and of nothing else: the first one of a node in a
 * room asks, who is there answers, and from then on they tell each other of changes.
 */
export function createPresence({ clock, bus, tell }: PresenceOptions): Presence {
  const rooms = new Map<string, Room>();
  let words = 0;

  const onlineIn = ({ here, elsewhere }: Room): number => {
    const most = here.size + elsewhere.online;
    // Only as long as all are known by name it can be said who is on two nodes.
    if (elsewhere.size === 0 || most > 2 * NAMED_MAX) return most;
    return elsewhere.named ? namedIn(here, elsewhere).size : most;
  };

  const flush = (name: string, room: Room) => {
    room.cancelTelling = undefined;
    const online = onlineIn(room);
    const named = online <= NAMED_MAX ? namedIn(room.here, room.elsewhere) : undefined;
    const news = newsOf(room, online, named);
    if (news && !tell(name, news)) return tellSoon(name, room);
    if (named) room.named = named;
    room.told = online;
    if (room.here.size > 0) return;
    room.cancelSharing?.();
    rooms.delete(name);
  };

  const pauseOf = ({ here, elsewhere }: Room) =>
    Math.min(Math.max(TELL_MS.least, (here.size + elsewhere.online) * TELL_MS.perPerson), TELL_MS.most);

  const tellSoon = (name: string, room: Room) => {
    room.cancelTelling ??= clock.after(pauseOf(room), () => flush(name, room));
  };

  const share = (name: string, room: Room, ask: boolean) => {
    const { here } = room;
    room.untold = false;
    bus.publish({
      type: "attendance",
      room: name,
      at: ++words,
      online: here.size,
      people: [...here.entries().take(NAMED_MAX)].map(([userId, { username }]) => [userId, username]),
      ...(ask && { ask }),
    });
  };

  const shareSoon = (name: string, room: Room) => {
    room.cancelSharing ??= clock.after(pauseOf(room) / SHARED, () => {
      room.cancelSharing = undefined;
      share(name, room, false);
    });
  };

  const changed = (name: string, room: Room) => {
    tellSoon(name, room);
    room.untold = true;
    if (room.elsewhere.size > 0) shareSoon(name, room);
  };

  const askAll = () => {
    for (const [name, room] of rooms) if (room.here.size > 0) share(name, room, true);
  };

  bus.listen({
    heard(news, from) {
      if (news.type !== "attendance") return;
      const room = rooms.get(news.room);
      if (!room || !room.elsewhere.put(from, news)) return;
      tellSoon(news.room, room);
      if (news.ask || room.untold) shareSoon(news.room, room);
    },
    gone(node) {
      for (const [name, room] of rooms) if (room.elsewhere.forget(node)) tellSoon(name, room);
    },
    returned: askAll,
    restored: askAll,
  });

  return {
    enter(name, { userId, username }) {
      const room = rooms.getOrInsertComputed(name, newRoom);
      const person = room.here.get(userId);
      if (person) {
        person.sockets++;
        person.cancelGrace?.();
      } else {
        room.here.set(userId, { username, sockets: 1 });
        changed(name, room);
      }
      // What other nodes said while nobody here listened was missed.
      if (room.sockets++ === 0) share(name, room, true);
    },
    leave(name, { userId }) {
      const room = rooms.get(name);
      const person = room?.here.get(userId);
      if (!room || !person) return;
      room.sockets--;
      if (--person.sockets > 0) return;
      person.cancelGrace = clock.after(GRACE_MS, () => {
        room.here.delete(userId);
        changed(name, room);
      });
    },
    online: (name) => {
      const room = rooms.get(name);
      return room ? onlineIn(room) : 0;
    },
    here: (name) => rooms.get(name)?.here.size ?? 0,
    people(name) {
      const room = rooms.get(name);
      return room ? [...namedIn(room.here, room.elsewhere).values().take(NAMED_MAX)] : [];
    },
    shared: (name) => (rooms.get(name)?.elsewhere.size ?? 0) > 0,
    stop() {
      for (const room of rooms.values()) {
        room.cancelTelling?.();
        room.cancelSharing?.();
        for (const { cancelGrace } of room.here.values()) cancelGrace?.();
      }
      rooms.clear();
    },
  };
}

const NOBODY: ReadonlyMap<number, string> = new Map();

const newRoom = (): Room => ({
  here: new Map(),
  elsewhere: createElsewhere(),
  sockets: 0,
  untold: false,
  told: 0,
  named: NOBODY,
});

/** The people of all nodes by name, as far as they are named: at most 100 of each node. */
function namedIn(here: Room["here"], elsewhere: Elsewhere): Map<number, string> {
  const named = new Map<number, string>();
  for (const [userId, { username }] of here.entries().take(NAMED_MAX)) named.set(userId, username);
  for (const [userId, username] of elsewhere.people()) named.set(userId, username);
  return named;
}

/** What a room has not been told yet. */
function newsOf(
  { told, named: before }: Room,
  online: number,
  now: ReadonlyMap<number, string> | undefined,
): PresenceNews | undefined {
  // Small enough again for names: whoever came meanwhile has not heard all of them.
  const joined = now ? namesBeyond(now, told > NAMED_MAX ? NOBODY : before) : [];
  const left = now ? namesBeyond(before, now) : [];
  if (joined.length === 0 && left.length === 0 && online === told) return undefined;
  return { online, ...(joined.length > 0 && { joined }), ...(left.length > 0 && { left }) };
}

const namesBeyond = (these: ReadonlyMap<number, string>, those: ReadonlyMap<number, string>): string[] =>
  [...these].filter(([userId]) => !those.has(userId)).map(([, username]) => username);

import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";
import type { Named } from "../../person.ts";
import type { Pass } from "../pass.ts";
import { createElsewhere, type Elsewhere } from "./elsewhere.ts";

/** Grace period: how long someone without a socket counts as present, so that a reload is no departure, in milliseconds. */
const GRACE_MS = 3_000;
/** In rooms with more people than this, they are counted but not named. */
export const NAMED_MAX = 100;
/** The pause between two notifications of a room, in milliseconds. It grows with the number of people in it. */
const TELL_MS = { least: 1_000, perPerson: 5, most: 10_000 } as const;
/** Nodes are told ten times as often as the room's readers. */
const SHARED = 10;

/** A notification to a room: how many people are online and, in small rooms, who came and went. */
export interface PresenceNews {
  readonly online: number;
  readonly joined?: readonly Named[] | undefined;
  readonly left?: readonly Named[] | undefined;
}

/** The people in each room, as far as this node knows. It counts people, not sockets. */
export interface Presence {
  enter(pass: Pass): void;
  /** A socket left. `forGood`: its person may not come back at once, so there is no grace period. */
  leave(pass: Pass, forGood?: boolean): void;
  /** The ids of everyone with a socket in the room on this node, and of a few who have just left. */
  idsHere(room: string): Iterable<number>;
  /** How many people are in the room. In rooms above {@link NAMED_MAX}, anyone on two nodes counts twice. */
  online(room: string): number;
  /** How many people are in the room on this node. */
  here(room: string): number;
  /** Returns at most {@link NAMED_MAX} people. */
  people(room: string): Named[];
  /** How many notifications the room's live readers have got. */
  tellings(room: string): number;
  /** Whether another node has someone in the room. */
  shared(room: string): boolean;
  stop(): void;
}

interface Attendance {
  /** As their latest socket knows them: a new token may bring another name. */
  person: Named;
  sockets: number;
  cancelGrace?: () => void;
}

interface Room {
  /** People on this node. */
  readonly here: Map<number, Attendance>;
  readonly elsewhere: Elsewhere;
  sockets: number;
  /** Other nodes do not have the latest state. Nothing is sent until another node reports people in the room. */
  untold: boolean;
  /** The last notification: the count, and the names if there were any. */
  told: number;
  tellings: number;
  named: ReadonlyMap<number, Named>;
  cancelTelling?: (() => void) | undefined;
  cancelSharing?: (() => void) | undefined;
}

interface PresenceOptions {
  readonly clock: Clock;
  readonly bus: Pick<Bus, "publish" | "listen">;
  /** Sends a notification. Returns false if that is not possible right now. */
  tell(room: string, news: PresenceNews): boolean;
}

/**
 * Nodes share only the rooms in which both have people. The first person of a node in a room makes it ask, nodes with
 * people there reply, and from then on they report changes to each other.
 */
export function createPresence({ clock, bus, tell }: PresenceOptions): Presence {
  const rooms = new Map<string, Room>();
  let reports = 0;

  const onlineIn = ({ here, elsewhere }: Room): number => {
    const most = here.size + elsewhere.online;
    // People on two nodes can only be recognised while everyone is known by name.
    if (elsewhere.size === 0 || most > 2 * NAMED_MAX) return most;
    return elsewhere.named ? namedIn(here, elsewhere).size : most;
  };

  const flush = (name: string, room: Room) => {
    room.cancelTelling = undefined;
    const online = onlineIn(room);
    const named = online <= NAMED_MAX ? namedIn(room.here, room.elsewhere) : undefined;
    const news = newsOf(room, online, named);
    if (news && !tell(name, news)) return tellSoon(name, room);
    if (news) room.tellings++;
    if (named) room.named = named;
    room.told = online;
    if (room.here.size > 0) return;
    room.cancelSharing?.();
    // Others would count whoever was here last for ever.
    if (room.untold && room.elsewhere.size > 0) share(name, room, false);
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
      at: ++reports,
      online: here.size,
      people: [...here.entries().take(NAMED_MAX)].map(([userId, { person }]) => [
        userId,
        person.username,
        person.user,
      ]),
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
    enter({ room: name, person: { userId, username, user } }) {
      const room = rooms.getOrInsertComputed(name, newRoom);
      const attendance = room.here.get(userId);
      if (attendance) {
        attendance.person = { username, user };
        attendance.sockets++;
        attendance.cancelGrace?.();
      } else {
        room.here.set(userId, { person: { username, user }, sockets: 1 });
        changed(name, room);
      }
      // Reports from before anyone here was in the room were missed.
      if (room.sockets++ === 0) share(name, room, true);
    },
    leave({ room: name, person: { userId } }, forGood = false) {
      const room = rooms.get(name);
      const person = room?.here.get(userId);
      if (!room || !person) return;
      room.sockets--;
      if (--person.sockets > 0) return;
      const gone = () => {
        room.here.delete(userId);
        changed(name, room);
      };
      if (!forGood) return void (person.cancelGrace = clock.after(GRACE_MS, gone));
      // Anyone who joined since the last notification knows of this person, although the room was never told.
      room.named = new Map(room.named).set(userId, person.person);
      gone();
    },
    idsHere: (name) => rooms.get(name)?.here.keys() ?? [],
    online: (name) => {
      const room = rooms.get(name);
      return room ? onlineIn(room) : 0;
    },
    here: (name) => rooms.get(name)?.here.size ?? 0,
    people(name) {
      const room = rooms.get(name);
      return room ? [...namedIn(room.here, room.elsewhere).values().take(NAMED_MAX)] : [];
    },
    tellings: (name) => rooms.get(name)?.tellings ?? 0,
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

const NOBODY: ReadonlyMap<number, Named> = new Map();

const newRoom = (): Room => ({
  here: new Map(),
  elsewhere: createElsewhere(),
  sockets: 0,
  untold: false,
  told: 0,
  tellings: 0,
  named: NOBODY,
});

/** The named people of all nodes: at most 100 of each node. */
function namedIn(here: Room["here"], elsewhere: Elsewhere): Map<number, Named> {
  const named = new Map<number, Named>();
  for (const [userId, { person }] of here.entries().take(NAMED_MAX)) named.set(userId, person);
  for (const [userId, person] of elsewhere.people()) named.set(userId, person);
  return named;
}

/** Returns what the room has not been told yet. */
function newsOf(
  { told, named: before }: Room,
  online: number,
  now: ReadonlyMap<number, Named> | undefined,
): PresenceNews | undefined {
  // Small enough for names again: people who came meanwhile have not received all of them.
  const joined = now ? peopleBeyond(now, told > NAMED_MAX ? NOBODY : before) : [];
  const left = now ? peopleBeyond(before, now) : [];
  if (joined.length === 0 && left.length === 0 && online === told) return undefined;
  return { online, ...(joined.length > 0 && { joined }), ...(left.length > 0 && { left }) };
}

const peopleBeyond = (these: ReadonlyMap<number, Named>, those: ReadonlyMap<number, Named>): Named[] =>
  [...these].filter(([userId]) => !those.has(userId)).map(([, person]) => person);

import type { Appointment, Creation, Decree, Pinning, RoomSettings } from "../../src/chat/change.ts";
import type { SimDatabase } from "./database.ts";
import type { Random } from "./random.ts";
import { EPOCH_MS, type Schedule } from "./schedule.ts";

/** A change of who may do what, and the room that it is meant for. */
export type Decreed = Decree & { readonly room: string };

interface DecreesOptions {
  readonly database: SimDatabase;
  readonly random: Random;
  readonly schedule: Pick<Schedule, "now">;
  /** People have the ids from 1 to this. */
  readonly users: number;
  /** Operators have to add people to open rooms. */
  readonly membersOnly: boolean;
}

const MUTE_MS = 3_000;
/** The share of pins among all such changes, and how far back their messages are. */
const PINS = 0.15;
const RECENT = 8;

/** The changes of members and rooms that people ask for: mostly what makes sense, whether they may or not. */
export function createDecrees({ database, random, schedule, users, membersOnly }: DecreesOptions) {
  const asked: { readonly userId: number; readonly decreed: Decreed }[] = [];

  const someone = () => 1 + random.below(users);
  const some = (most: number) => [...new Set(Array.from({ length: 1 + random.below(most) }, someone))];
  const standing = (room: string, userId: number) => database.order.standing(database.epoch, room, userId);

  const about = (room: string, userId: number): Omit<Appointment, "kind" | "clientId"> => {
    const target = someone();
    const { state, banned, mutedUntil } = standing(room, target);
    const what = random.next();
    if (banned && what < 0.5) return { set: "unbanned", users: [target] };
    if (mutedUntil !== null && what < 0.4) return { set: "unmuted", users: [target] };
    const isOpen = database.order.facts(database.epoch, room).kind === "open";
    if (state !== "in" && (!isOpen || membersOnly) && what < 0.85)
      return { set: "in", users: random.chance(0.3) ? some(3) : [target], ...roleOr(0.2) };
    if (target === userId && what < 0.8)
      return { set: "out", users: [target], ...(random.chance(0.3) && { heir: someone() }) };
    if (what < 0.45) return { set: "out", users: random.chance(0.2) ? some(3) : [target] };
    if (what < 0.6) return { set: "banned", users: [target] };
    if (what < 0.75) return { set: "muted", users: [target], ...(random.chance(0.7) && { until: soon() }) };
    return { set: "role", users: [target], ...roleOr(1) };
  };

  const roleOr = (probability: number) =>
    random.chance(probability)
      ? { role: random.pick(["owner", "moderator", "moderator", "member"] as const) }
      : {};
  const soon = () => new Date(EPOCH_MS + schedule.now + random.between(50, MUTE_MS)).toISOString();

  const settings = (isOperator: boolean): RoomSettings => {
    const what = random.next();
    if (isOperator && random.chance(0.2)) return { deleted: true };
    if (what < 0.3) return { title: `title ${random.below(3)}` };
    if (what < 0.5) return { archived: random.chance(0.4) };
    if (what < 0.75) return { history: random.pick(["all", "joined"]) };
    if (what < 0.9 || !isOperator) return { membersAdd: random.chance(0.5) };
    return { kind: random.pick(["open", "private"]) };
  };

  /** A pin of some message or notice, or its end: of one that is pinned half of the time. */
  const pinning = (room: string): Pick<Pinning, "message" | "on"> => {
    const { log, pins } = database.current(room);
    const pinned = [...pins.keys()];
    if (pinned.length > 0 && random.chance(0.5)) return { message: random.pick(pinned), on: false };
    return { message: Math.max(1, log.length - random.below(RECENT)), on: random.chance(0.9) };
  };

  /** A change of a room, by a person or (null) an operator, about so many people at most. */
  const ofRoom = (room: string, userId: number | null, most = users): Decreed => {
    const base = { room, clientId: random.uuid() };
    if (random.chance(PINS)) {
      const pin: Decreed = { kind: "pin", ...base, ...pinning(room) };
      asked.push({ userId: userId ?? 0, decreed: pin });
      return pin;
    }
    const member = random.chance(0.75) && about(room, userId ?? 0);
    const decreed: Decreed = member
      ? { kind: "member", ...base, ...member, users: member.users.slice(0, most) }
      : { kind: "room", ...base, set: settings(userId === null) };
    asked.push({ userId: userId ?? 0, decreed });
    return decreed;
  };

  return {
    someone,
    some,
    ofRoom,
    /** One that the same person asked for before. */
    earlier(userId: number | null): Decreed | undefined {
      const theirs = asked.filter((one) => one.userId === (userId ?? 0)).slice(-6);
      return theirs.length > 0 ? random.pick(theirs).decreed : undefined;
    },
    /** Someone who may well do such things in a room. */
    staffOf(room: string): number {
      const staff = database.order
        .members(database.epoch, room)
        .filter(([, { role }]) => role !== "member")
        .map(([userId]) => userId);
      return staff.length > 0 && random.chance(0.75) ? random.pick(staff) : someone();
    },
    creation: (userId: number): Creation => ({
      kind: "private",
      people: some(3).filter((one) => one !== userId),
    }),
  };
}

export type Decrees = ReturnType<typeof createDecrees>;

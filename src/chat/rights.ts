import type { ErrorCode } from "../protocol/codes.ts";
import type { History, Role, RoomKind } from "../protocol/membership.ts";
import { EVERYONE_MAX } from "../protocol/mentions.ts";

/** A room that the server named: nobody learns from an answer whether it exists. */
export const isSecret = (room: string) => room.startsWith("~");

/**
 * What someone may want to do in a room. `post`: also edit and react. `retract`: delete a message of their own.
 * `moderate`: delete those of others. `join`: become a member without being added. `describe`: change title and topic. `pin`: pin messages.
 * `govern`: change roles and settings, archive and restore. `everyone`: mention everyone.
 */
export type Action =
  | "read"
  | "post"
  | "retract"
  | "members"
  | "join"
  | "leave"
  | "add"
  | "remove"
  | "mute"
  | "ban"
  | "moderate"
  | "describe"
  | "pin"
  | "govern"
  | "everyone";

/** What one snapshot of the database says about a room. */
export interface RoomFacts {
  readonly kind: RoomKind;
  /** A plain name that has no room yet is that of an open room. */
  readonly exists: boolean;
  readonly deleted: boolean;
  readonly archived: boolean;
  readonly title: string;
  readonly topic: string;
  readonly history: History;
  /** Whether members who are neither owner nor moderator may add people. */
  readonly membersAdd: boolean;
  /** Whether members see each other's read marks. */
  readonly receipts: boolean;
  /** Nobody sees what has a version up to this one. */
  readonly beginsAfter: number;
  readonly version: number;
  readonly fence: number;
}

/** What one snapshot says about one person in a room. */
export interface SeatFacts {
  /** `left`: by themselves. `removed`: by someone else. `none`: never in it. */
  readonly state: "in" | "left" | "removed" | "none";
  readonly role: Role;
  /** The room's version at the latest change of this membership that has one. */
  readonly changed: number;
  /** The first id that they see, as far as their membership decides. */
  readonly fromId: number;
  /** In milliseconds since 1970; null: not muted; Infinity: until someone ends it. */
  readonly mutedUntil: number | null;
  readonly banned: boolean;
  /** In a direct room of two, one of them has blocked the other. */
  readonly blocked: boolean;
}

/** Someone who was never in a room. */
export const STRANGER: SeatFacts = {
  state: "none",
  role: "member",
  changed: 0,
  fromId: 0,
  mutedUntil: null,
  banned: false,
  blocked: false,
};

/** One person in one room, as one snapshot of the database has it. */
export interface Membership extends RoomFacts, SeatFacts {
  /** The server named the room: see {@link isSecret}. */
  readonly secret: boolean;
  /** The id of the first message that they see: 1 if they see all. */
  readonly from: number;
}

export const membershipOf = (name: string, room: RoomFacts, seat: SeatFacts): Membership => ({
  ...room,
  ...seat,
  secret: isSecret(name),
  from: Math.max(seat.fromId, room.beginsAfter + 1),
});

/** A room that does not exist. */
export const noRoom = (name: string): RoomFacts => ({
  kind: isSecret(name) ? "private" : "open",
  exists: false,
  deleted: false,
  archived: false,
  title: "",
  topic: "",
  history: "all",
  membersAdd: false,
  receipts: false,
  beginsAfter: 0,
  version: 0,
  fence: 0,
});

/** Who may do something, from the least on: everyone after them may, too. `nobody`: operators alone. */
const STANDINGS = ["anyone", "member", "moderator", "owner", "nobody"] as const;
type Standing = (typeof STANDINGS)[number];

const TABLE: Readonly<Record<RoomKind, Readonly<Record<Action, Standing>>>> = {
  open: {
    read: "anyone",
    post: "anyone",
    retract: "anyone",
    members: "anyone",
    join: "anyone",
    leave: "anyone",
    add: "nobody",
    remove: "moderator",
    mute: "moderator",
    ban: "moderator",
    moderate: "moderator",
    describe: "nobody",
    pin: "nobody",
    govern: "nobody",
    everyone: "moderator",
  },
  private: {
    read: "member",
    post: "member",
    retract: "member",
    members: "member",
    join: "nobody",
    leave: "member",
    add: "moderator",
    remove: "moderator",
    mute: "moderator",
    ban: "moderator",
    moderate: "moderator",
    describe: "moderator",
    pin: "moderator",
    govern: "owner",
    everyone: "member",
  },
  direct: {
    read: "member",
    post: "member",
    retract: "member",
    members: "member",
    join: "nobody",
    leave: "nobody",
    add: "nobody",
    remove: "nobody",
    mute: "nobody",
    ban: "nobody",
    moderate: "nobody",
    describe: "nobody",
    pin: "member",
    govern: "nobody",
    everyone: "member",
  },
};

const isAtLeast = (one: Standing, other: Standing) => STANDINGS.indexOf(one) >= STANDINGS.indexOf(other);

export interface Circumstances {
  /** In milliseconds since 1970. */
  readonly now: number;
  /** Nobody enters an open room without being a member. */
  readonly membersOnly?: boolean | undefined;
  /** How many members the room has, if that matters. */
  readonly members?: number | undefined;
}

/** Returns why someone may not do something in a room; undefined: they may. */
export function permits(
  membership: Membership,
  action: Action,
  { now, membersOnly = false, members = 0 }: Circumstances,
): ErrorCode | undefined {
  const { kind, state, secret } = membership;
  if (membership.deleted || (secret && !membership.exists)) return "not_found";
  if (membership.banned && (kind !== "open" || action !== "leave")) return "forbidden";
  const standing: Standing = state === "in" ? membership.role : "anyone";
  let least = TABLE[kind][action];
  if (action === "add" && kind === "private" && membership.membersAdd) least = "member";
  if (action === "everyone" && members > EVERYONE_MAX) least = "moderator";
  if (membersOnly && least === "anyone" && action !== "leave") least = "member";
  if (!isAtLeast(standing, least)) {
    if (state === "none" && secret) return "not_found";
    if (action === "everyone") return "everyone_denied";
    return kind === "direct" && state === "in" ? "direct_room" : "forbidden";
  }
  if (action !== "post" && action !== "pin") return undefined;
  if (membership.archived) return "archived";
  if (membership.blocked) return "forbidden";
  return isMuted(membership, now) ? "muted" : undefined;
}

/** Returns why the server itself may not do something in a room. It needs no rights, but posts where others can. */
export function permitsServer(
  { deleted, secret, exists, archived }: Membership,
  action: Action,
): ErrorCode | undefined {
  if (deleted || (secret && !exists)) return "not_found";
  return archived && (action === "post" || action === "pin") ? "archived" : undefined;
}

const isMuted = ({ mutedUntil }: Pick<SeatFacts, "mutedUntil">, now: number) =>
  mutedUntil !== null && mutedUntil > now;

/** Returns how long a refusal `muted` lasts, in milliseconds; undefined: until someone ends it. */
export const mutedFor = ({ mutedUntil }: Pick<SeatFacts, "mutedUntil">, now: number): number | undefined =>
  mutedUntil === null || mutedUntil === Infinity ? undefined : Math.max(1, mutedUntil - now);

/** Whether someone who may remove, mute, ban or moderate may do that to this person: moderators only to plain members. */
export const outranks = (actor: SeatFacts, target: SeatFacts): boolean =>
  actor.role === "owner" || target.state !== "in" || target.role === "member";

import type { Message, Notice, Person } from "../../message.ts";
import { personOf } from "../../person.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import { type Ruling, SYSTEM_ID } from "../change.ts";
import { type Seat, seatKey } from "../ports.ts";
import {
  isSecret,
  type Membership,
  membershipOf,
  noRoom,
  type RoomFacts,
  type SeatFacts,
  STRANGER,
} from "../rights.ts";
import { changeMembers } from "./memberchange.ts";
import { changePin, createPins, type Pins } from "./pins.ts";
import { changeRoom } from "./roomchange.ts";
import type { Case, Link } from "./verdict.ts";

/** A room as it is while it is locked. */
export interface LockedRoom extends RoomFacts {
  /** The timestamp for its changes. */
  readonly at: string;
}

/** What the database knows about people and rooms while the rooms are locked. */
export interface Known {
  /** Rooms that do not exist are missing. */
  readonly rooms: ReadonlyMap<string, LockedRoom>;
  /** By {@link seatKey}. Strangers are missing. */
  readonly seats: ReadonlyMap<string, SeatFacts>;
  /** What rulings need besides; undefined if there are none. */
  readonly rulings?: RulingState | undefined;
}

export interface RulingState {
  /** The people whom rulings name, and their senders. Anyone who is missing does not exist. */
  readonly people: ReadonlyMap<number, Person>;
  /** Who is in each room. */
  readonly present: ReadonlyMap<string, Present>;
  /** `<person> <whom they block>`, among the people of rulings. */
  readonly blocks: ReadonlySet<string>;
  /** Invitations by the hash of their token. */
  readonly links: ReadonlyMap<string, Link>;
  /** The pinned messages of rooms with rulings about pins. */
  readonly pins?: ReadonlyMap<string, readonly number[]> | undefined;
}

export interface Present {
  readonly owners: readonly number[];
  /** Some of all who are in the room. */
  readonly members: readonly number[];
  /** There are more of them. */
  readonly more: boolean;
}

export interface SeatChange extends Seat {
  readonly seat: SeatFacts;
  /** The version at which they became a member; null: they did not. */
  readonly joined: number | null;
}

/** What rulings changed, in its final state. */
export interface Ruled {
  readonly rooms: ReadonlyMap<string, RoomFacts>;
  readonly seats: ReadonlyMap<string, SeatChange>;
  /** Open rooms that someone is no longer in, and rooms of another kind than before: posters there may be no members. */
  readonly left: ReadonlySet<string>;
  /** Rooms that everyone was taken out of before the seats changed, with the version that did. */
  readonly emptied: ReadonlyMap<string, number>;
  /** The hashes of the links that were used, once for each use. */
  readonly redeemed: readonly string[];
  /** Rulings with an order that changed something, for the audit. */
  readonly ordered: readonly Ordered[];
}

export interface Ordered {
  readonly ruling: Ruling;
  readonly version: number;
  /** Whom it changed something for. */
  readonly users: readonly number[];
}

/** People and rooms during a batch: what the database knows, and what changes before in the batch did to it. */
export interface Rulings {
  readonly ruled: Ruled;
  readonly pins: Pins;
  roomOf(room: string): RoomFacts;
  seatOf(room: string, userId: number): SeatFacts;
  membership(room: string, userId: number): Membership;
  /** Makes a poster a member, if they are none. */
  enrol(seat: Seat, version: number): void;
  /** Posters whom no ruling is about, with the version of their last post. */
  readonly enrolled: ReadonlyMap<string, Seat & { readonly version: number }>;
  /** Carries a ruling out. Returns its notice, undefined if it changes nothing, or the reason for a refusal. */
  judge(ruling: Ruling, next: number, at: string): Message | ErrorCode | undefined;
}

const isMember = (seat: SeatFacts | undefined) => seat?.state === "in";
const asPoster = (seat: SeatFacts): SeatFacts => ({ ...seat, state: "in", role: "member" });

export function createRulings(
  state: Known,
  messageOf: (room: string, id: number) => ReturnType<Case["messageOf"]>,
): Rulings {
  const pins = createPins(state.rulings?.pins);
  const rooms = new Map<string, RoomFacts>();
  const seats = new Map<string, SeatChange>();
  const enrolled = new Map<string, Seat & { version: number }>();
  const left = new Set<string>();
  const emptied = new Map<string, number>();
  const redeemed: string[] = [];
  const ordered: Ordered[] = [];

  const roomOf = (room: string) => rooms.get(room) ?? state.rooms.get(room) ?? noRoom(room);

  const seatOf = (room: string, userId: number): SeatFacts => {
    const key = seatKey({ userId, room });
    const changedSeat = seats.get(key);
    if (changedSeat) return changedSeat.seat;
    const seat = state.seats.get(key) ?? STRANGER;
    if (enrolled.has(key)) return isMember(seat) ? seat : asPoster(seat);
    const version = emptied.get(room);
    if (version === undefined || seat.state !== "in") return seat;
    return { ...seat, state: "removed", role: "member", changed: version };
  };

  const membership = (room: string, userId: number) => membershipOf(room, roomOf(room), seatOf(room, userId));

  /** Those of some people who are in a room, or own it, by now. */
  const still = (room: string, known: readonly number[], counts: (seat: SeatFacts) => boolean) => {
    const found = new Set(emptied.has(room) ? [] : known);
    for (const change of seats.values()) {
      if (change.room !== room) continue;
      if (counts(change.seat)) found.add(change.userId);
      else found.delete(change.userId);
    }
    return found;
  };

  const set = (room: string, userId: number, seat: SeatFacts, version: number) => {
    const before = seatOf(room, userId);
    const key = seatKey({ userId, room });
    const poster = isMember(state.seats.get(key)) ? undefined : enrolled.get(key)?.version;
    const joined = isMember(seat) && !isMember(before) ? version : (seats.get(key)?.joined ?? poster ?? null);
    enrolled.delete(key);
    if (isMember(before) && !isMember(seat) && roomOf(room).kind === "open") left.add(room);
    seats.set(key, { userId, room, seat, joined });
  };

  const caseOf = ({ room, senderId }: Ruling, next: number, at: string): Case => {
    const known = state.rulings;
    const present = known?.present.get(room);
    return {
      room: roomOf(room),
      fresh: roomOf(room).beginsAfter >= next - 1 && present?.members.length === 0 && !rooms.has(room),
      next,
      now: Date.parse(at),
      byOperator: senderId === SYSTEM_ID,
      sender: membership(room, senderId),
      seatOf: (userId) => seatOf(room, userId),
      exist: (userIds) => userIds.every((userId) => userId !== SYSTEM_ID && known?.people.has(userId)),
      blocks: (userId, blockedId) => known?.blocks.has(`${userId} ${blockedId}`) === true,
      link(hash) {
        const link = known?.links.get(hash);
        if (!link || link.room !== room || emptied.has(room)) return undefined;
        const uses = redeemed.filter((used) => used === hash).length;
        return { ...link, left: link.left === null ? null : link.left - uses };
      },
      messageOf: (id) => messageOf(room, id),
      pins: () => pins.in(room),
      owners: () =>
        still(room, present?.owners ?? [], (seat) => seat.state === "in" && seat.role === "owner"),
      isAnyoneBesides(userIds) {
        if (present?.more === true && !emptied.has(room)) return true;
        const members = still(room, present?.members ?? [], (seat) => seat.state === "in");
        return [...members].some((userId) => !userIds.has(userId));
      },
    };
  };

  const nameOf = (userId: number): Person =>
    state.rulings?.people.get(userId) ?? { userId, id: "", username: "", name: null };

  return {
    ruled: { rooms, seats, left, emptied, redeemed, ordered },
    pins,
    roomOf,
    seatOf,
    membership,
    enrol(seat, version) {
      const key = seatKey(seat);
      const known = seats.get(key);
      if (!known) enrolled.set(key, { ...seat, version });
      else if (!isMember(known.seat))
        seats.set(key, { ...seat, seat: asPoster(known.seat), joined: version });
    },
    enrolled,
    judge(ruling, next, at) {
      const { room: name, clientId, senderId } = ruling;
      const facts = roomOf(name);
      const isCreation = ruling.kind === "room" && ruling.create !== undefined;
      const isMissing = facts.deleted || (isSecret(name) && next === 1);
      if (isMissing && !isCreation) return "not_found";
      const about = caseOf(ruling, next, at);
      const verdict = decided(ruling, about);
      if (verdict === undefined || typeof verdict === "string") return verdict;

      const fence = facts.fence + (verdict.takes ? 1 : 0);
      if (next > 1 && verdict.room?.kind !== undefined) left.add(name);
      rooms.set(name, { ...facts, exists: true, ...verdict.room, fence });
      if (verdict.emptied) {
        emptied.set(name, next);
        for (const { userId, room } of [...enrolled.values()])
          if (room === name)
            set(
              name,
              userId,
              { ...seatOf(name, userId), state: "removed", role: "member", changed: next },
              next,
            );
        for (const { userId, room, seat } of [...seats.values()])
          if (room === name && seat.state === "in")
            set(name, userId, { ...seat, state: "removed", role: "member", changed: next }, next);
        if (facts.kind === "open") left.add(name);
      }
      for (const [userId, seat] of verdict.seats ?? []) set(name, userId, seat, next);
      if (verdict.emptied) pins.clear(name);
      if (verdict.pin) pins.set(verdict.pin);
      if (verdict.redeemed !== undefined) redeemed.push(verdict.redeemed);
      if (ruling.order) ordered.push({ ruling, version: next, users: verdict.users });
      const notice: Notice = {
        ...verdict.notice,
        users: verdict.users.map(nameOf),
        ...(verdict.heir !== undefined && { heir: nameOf(verdict.heir) }),
        ...(verdict.takes && { fence }),
      };
      const sender = nameOf(senderId);
      return {
        id: next,
        version: next,
        username: sender.username || ruling.username,
        user: sender.id === "" ? ruling.user : personOf({ ...sender, uid: sender.id }),
        clientId,
        content: "",
        data: null,
        replyTo: null,
        thread: null,
        files: null,
        mentions: null,
        timestamp: at,
        editedAt: null,
        deletedAt: null,
        reactions: [],
        notice,
      };
    },
  };
}

function decided(ruling: Ruling, about: Case) {
  if (ruling.kind === "member") return changeMembers(ruling, about);
  return ruling.kind === "pin" ? changePin(ruling, about) : changeRoom(ruling, about);
}

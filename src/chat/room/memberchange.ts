import type { ErrorCode } from "../../protocol/codes.ts";
import { type Role, USERS_MAX } from "../../protocol/membership.ts";
import type { Appointment, Ruling } from "../change.ts";
import { type Action, outranks, permits, type SeatFacts } from "../rights.ts";
import type { Case, Verdict } from "./verdict.ts";

type MemberChange = Ruling & Appointment;

/** What a person who does not act on themselves needs the right to. */
const NEEDS = {
  in: "add",
  out: "remove",
  banned: "ban",
  unbanned: "ban",
  muted: "mute",
  unmuted: "mute",
  role: "govern",
} as const satisfies Record<Appointment["set"], Action>;

const RANKS: Readonly<Record<Role, number>> = { member: 0, moderator: 1, owner: 2 };

/** Decides a change of members: what it does, undefined if it changes nothing, or the reason for a refusal. */
export function changeMembers(change: MemberChange, about: Case): Verdict | ErrorCode | undefined {
  const { set, users } = change;
  const { room, byOperator, sender, now, seatOf } = about;
  const isSelf = !byOperator && users.length === 1 && users[0] === change.senderId;
  if (users.length === 0 || users.length > USERS_MAX || new Set(users).size < users.length) return "invalid";
  if (set === "in" && isSelf && change.link !== undefined) return redeemed(change, about, change.link);

  const action = set === "out" && isSelf ? "leave" : NEEDS[set];
  const refused = byOperator ? undefined : permits(sender, action, { now });
  if (refused) return refused;
  if (room.kind === "direct") return "direct_room";
  if (!about.exist(users)) return "not_found";
  if (change.ifVersion !== undefined && seatOf(users[0] ?? 0).changed !== change.ifVersion) return "outdated";
  if (action === "leave") return left(change, about);
  // Nobody bans, mutes or adds themselves.
  if (set !== "role" && users.includes(change.senderId)) return "invalid";
  if (
    set !== "role" &&
    set !== "in" &&
    !byOperator &&
    !users.every((userId) => outranks(sender, seatOf(userId)))
  )
    return "forbidden";
  if (set === "in" && !byOperator && change.role !== undefined && change.role !== "member") {
    const may = permits(sender, "govern", { now });
    if (may) return may;
  }

  const seats = new Map<number, SeatFacts>();
  for (const userId of users) {
    const before = seatOf(userId);
    const after = seated(change, before, userId, about);
    if (typeof after === "string") return after;
    if (after !== before) seats.set(userId, { ...after, changed: about.next });
  }
  if (seats.size === 0) return undefined;
  if (!byOperator && losesOwners(seats, about)) return "last_owner";
  return {
    notice: {
      type: set === "in" ? "added" : set === "out" ? "removed" : set,
      ...((set === "role" || (set === "in" && change.role !== undefined)) && { role: change.role }),
      ...(set === "muted" && change.until !== undefined && { until: change.until }),
    },
    users: [...seats.keys()],
    takes: [...seats].some(([userId, after]) => isLess(seatOf(userId), after)),
    seats,
  };
}

/** The seat after a change, the same object if it changes nothing. */
function seated(change: MemberChange, seat: SeatFacts, userId: number, about: Case): SeatFacts | ErrorCode {
  const { room, byOperator, now } = about;
  const isIn = seat.state === "in";
  switch (change.set) {
    case "in":
      if (isIn) return seat;
      if (seat.banned || (!byOperator && about.blocks(userId, change.senderId))) return "forbidden";
      return entered(seat, about, change.role);
    case "out":
      return isIn ? { ...seat, state: "removed", role: "member" } : seat;
    case "banned":
      if (seat.banned) return seat;
      return isIn ? { ...seat, state: "removed", role: "member", banned: true } : { ...seat, banned: true };
    case "unbanned":
      return seat.banned ? { ...seat, banned: false } : seat;
    case "muted": {
      const mutedUntil = change.until === undefined ? Infinity : Date.parse(change.until);
      if (Number.isNaN(mutedUntil) || mutedUntil <= now) return "invalid";
      if (!isIn && (room.kind !== "open" || seat.state === "none")) return "not_found";
      return seat.mutedUntil === mutedUntil ? seat : { ...seat, mutedUntil };
    }
    case "unmuted":
      return seat.mutedUntil === null ? seat : { ...seat, mutedUntil: null };
    case "role":
      if (change.role === undefined) return "invalid";
      if (!isIn) return "not_found";
      return seat.role === change.role ? seat : { ...seat, role: change.role };
  }
}

/** Someone who becomes a member now. */
export const entered = (seat: SeatFacts, { room, next }: Case, role: Role = "member"): SeatFacts => ({
  ...seat,
  state: "in",
  role,
  changed: next,
  fromId: room.history === "all" ? 0 : next,
});

/** Whether someone may do less than before. */
const isLess = (before: SeatFacts, after: SeatFacts) =>
  (before.state === "in" && after.state !== "in") ||
  (after.banned && !before.banned) ||
  (after.mutedUntil !== null && after.mutedUntil !== before.mutedUntil) ||
  RANKS[after.role] < RANKS[before.role];

/** Whether the last owner of a private room goes while others stay. */
function losesOwners(seats: ReadonlyMap<number, SeatFacts>, about: Case): boolean {
  if (about.room.kind !== "private") return false;
  const owners = new Set(about.owners());
  if (owners.size === 0) return false;
  const gone = new Set<number>();
  for (const [userId, { state, role }] of seats) {
    if (state !== "in") gone.add(userId);
    if (state === "in" && role === "owner") owners.add(userId);
    else owners.delete(userId);
  }
  return owners.size === 0 && about.isAnyoneBesides(gone);
}

/** Leaving a room. In an open one, that is no change of the room. */
function left(change: MemberChange, about: Case): Verdict | ErrorCode | undefined {
  const { room, sender, next, seatOf } = about;
  const { senderId, heir } = change;
  if (room.kind === "open") return "invalid";
  const own = seatOf(senderId);
  if (own.state !== "in") return undefined;
  const seats = new Map<number, SeatFacts>([
    [senderId, { ...own, state: "left", role: "member", changed: next }],
  ]);
  if (heir !== undefined) {
    const refused = permits(sender, "govern", { now: about.now });
    if (refused) return refused;
    const seat = seatOf(heir);
    if (heir === senderId || seat.state !== "in") return "not_found";
    if (seat.role !== "owner") seats.set(heir, { ...seat, role: "owner", changed: next });
  }
  if (sender.role === "owner" && losesOwners(seats, about)) return "last_owner";
  return { notice: { type: "left" }, users: [senderId], heir, takes: true, seats };
}

/** Every link that does not lead in is the same: nobody learns why. */
function redeemed(change: MemberChange, about: Case, hash: string): Verdict | ErrorCode | undefined {
  const { senderId } = change;
  const seat = about.seatOf(senderId);
  const link = about.link(hash);
  if (!link || link.revoked || about.room.kind !== "private") return "not_found";
  if (seat.state === "in") return undefined;
  if (link.expiresAt <= about.now || (link.left !== null && link.left <= 0)) return "not_found";
  if (seat.banned) return "forbidden";
  if (seat.state === "removed" && link.version < seat.changed) return "not_found";
  return {
    notice: { type: "joined" },
    users: [senderId],
    takes: false,
    seats: new Map([[senderId, entered(seat, about)]]),
    redeemed: hash,
  };
}

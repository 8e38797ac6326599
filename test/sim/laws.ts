import type { Change } from "../../src/chat/change.ts";
import type { ErrorCode } from "../../src/protocol/codes.ts";
import { type Facts, mayRead, type Standing } from "./order.ts";
import { EPOCH_MS } from "./schedule.ts";

/** What decides whether a change may be committed: the room and its people just before it. */
export interface Case {
  readonly facts: Facts;
  readonly standingOf: (userId: number) => Standing;
  /** In virtual milliseconds. */
  readonly now: number;
  /** The sender of the message that the change is about, if there is one. */
  readonly author?: number | undefined;
  /** The members of the room who are owners. */
  readonly owners: readonly number[];
  readonly members: readonly number[];
}

const NONE: readonly ErrorCode[] = [];
const FORBIDDEN: readonly ErrorCode[] = ["forbidden"];
/** The people in a direct room stay the same. */
const SAME: readonly ErrorCode[] = ["direct_room", "forbidden"];

const isStaff = ({ state, role }: Standing) => state === "in" && role !== "member";
const isOwner = ({ state, role }: Standing) => state === "in" && role === "owner";

/** Someone to whom a room is closed learns no more than that; a stranger does not even learn that a `~` room exists. */
export function closedTo(room: string, facts: Facts, mine: Standing): readonly ErrorCode[] {
  if (!facts.exists || facts.deleted) return ["not_found"];
  if (mayRead(facts, mine)) return NONE;
  return room.startsWith("~") && mine.state === "none" && !mine.banned ? ["not_found"] : FORBIDDEN;
}

/**
 * The rules about rights, written down once more for the judge: the codes with which a change has to be refused if it
 * comes at this point of the order. None: nobody may refuse it for want of rights.
 */
export function refusalsOf(change: Change, { facts, standingOf, ...about }: Case): readonly ErrorCode[] {
  if (change.kind === "remove") return NONE;
  const { room, senderId } = change;
  if ((change.kind === "member" || change.kind === "room") && change.order) return NONE;
  if (change.kind === "room" && change.create) return NONE;
  const mine = standingOf(senderId);
  const isLeaving = change.kind === "member" && change.set === "out" && change.users[0] === senderId;
  const closed = closedTo(room, facts, mine);
  if (closed.length > 0 && !(isLeaving && facts.kind === "open" && facts.exists)) return closed;
  switch (change.kind) {
    case "delete":
      if (about.author === undefined || about.author === senderId || isOwner(mine)) return NONE;
      return isStaff(mine) && !isStaff(standingOf(about.author)) ? NONE : FORBIDDEN;
    case "post":
    case "edit":
    case "react":
      if (facts.archived) return ["archived"];
      if (mine.mutedUntil !== null && mine.mutedUntil > EPOCH_MS + about.now) return ["muted"];
      return change.kind === "edit" && about.author !== undefined && about.author !== senderId
        ? FORBIDDEN
        : NONE;
    case "room": {
      if (facts.kind === "direct") return SAME;
      if (facts.kind === "open" || "kind" in change.set || "deleted" in change.set) return FORBIDDEN;
      const isText = Object.keys(change.set).every((what) => what === "title" || what === "topic");
      return (isText ? isStaff(mine) : isOwner(mine)) ? NONE : FORBIDDEN;
    }
    case "member": {
      if (facts.kind === "direct") return SAME;
      if (isLeaving) {
        if (facts.kind === "open" || !isOwner(mine) || about.owners.length > 1) return NONE;
        return about.members.length > 1 && change.heir === undefined ? ["last_owner"] : NONE;
      }
      if (change.set === "in") {
        if (facts.kind === "open") return FORBIDDEN;
        return facts.membersAdd || isStaff(mine) ? NONE : FORBIDDEN;
      }
      if (change.set === "role") return facts.kind === "private" && isOwner(mine) ? NONE : FORBIDDEN;
      if (!isStaff(mine)) return FORBIDDEN;
      const outranks = (userId: number) => isOwner(mine) || !isStaff(standingOf(userId));
      return change.users.every(outranks) ? NONE : FORBIDDEN;
    }
  }
}

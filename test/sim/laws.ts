import type { Change, Creation, Ruling } from "../../src/chat/change.ts";
import type { ErrorCode } from "../../src/protocol/codes.ts";
import { type Facts, firstIdOf, mayRead, type Standing } from "./order.ts";
import type { LinkRow } from "./pacts.ts";
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
  /** Whether one person blocks another. */
  readonly blocks: (userId: number, blockedId: number) => boolean;
  readonly link: (hash: string) => LinkRow | undefined;
}

const SERVER = 0;
const NONE: readonly ErrorCode[] = [];
const NOT_FOUND: readonly ErrorCode[] = ["not_found"];
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
  if (change.kind === "room" && change.create) return againstCreation(change, change.create, about.blocks);
  if ((change.kind === "member" || change.kind === "room") && change.order) return NONE;
  // The server needs no rights, but posts where others can.
  if (senderId === SERVER)
    return facts.exists && !facts.deleted ? (facts.archived ? ["archived"] : NONE) : ["not_found"];
  const mine = standingOf(senderId);
  if (change.kind === "member" && change.link !== undefined)
    return againstLink(change.link, room, mine, { facts, standingOf, ...about });
  const isLeaving = change.kind === "member" && change.set === "out" && change.users[0] === senderId;
  const closed = closedTo(room, facts, mine);
  if (closed.length > 0 && !(isLeaving && facts.kind === "open" && facts.exists)) return closed;
  switch (change.kind) {
    case "delete":
      if (about.author === undefined || about.author === senderId || isOwner(mine)) return NONE;
      return isStaff(mine) && !isStaff(standingOf(about.author)) ? NONE : FORBIDDEN;
    case "pin":
      if (facts.kind === "open" || (facts.kind === "private" && !isStaff(mine))) return FORBIDDEN;
      if (change.message < firstIdOf(facts, mine)) return NOT_FOUND;
      return againstPosting(facts, mine, about);
    case "post":
    case "edit":
    case "react": {
      const refused = againstPosting(facts, mine, about);
      if (refused.length > 0) return refused;
      return change.kind === "edit" && about.author !== undefined && about.author !== senderId
        ? FORBIDDEN
        : NONE;
    }
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
        const isBlocked = change.users.some(
          (userId) => standingOf(userId).state !== "in" && about.blocks(userId, senderId),
        );
        return (facts.membersAdd || isStaff(mine)) && !isBlocked ? NONE : FORBIDDEN;
      }
      if (change.set === "role") return facts.kind === "private" && isOwner(mine) ? NONE : FORBIDDEN;
      if (!isStaff(mine)) return FORBIDDEN;
      const outranks = (userId: number) => isOwner(mine) || !isStaff(standingOf(userId));
      return change.users.every(outranks) ? NONE : FORBIDDEN;
    }
  }
}

type Blocks = Case["blocks"];

/** Why someone who may be in a room may not change anything in it. */
function againstPosting(
  { archived, kind }: Facts,
  { mutedUntil }: Standing,
  { members, blocks, now }: Pick<Case, "members" | "blocks" | "now">,
): readonly ErrorCode[] {
  if (archived) return ["archived"];
  if (kind === "direct" && members.length === 2 && isAnyBlocked(members, blocks)) return FORBIDDEN;
  return mutedUntil !== null && mutedUntil > EPOCH_MS + now ? ["muted"] : NONE;
}

const isAnyBlocked = (people: readonly number[], blocks: Blocks) =>
  people.some((one) => people.some((other) => blocks(one, other)));

/** Nobody is brought together in a direct room with someone who blocks them, nor into a room by someone whom they block. */
function againstCreation(
  { senderId, order }: Ruling,
  { kind, people }: Creation,
  blocks: Blocks,
): readonly ErrorCode[] {
  if (kind === "direct") return isAnyBlocked(people, blocks) ? FORBIDDEN : NONE;
  return !order && people.some((userId) => blocks(userId, senderId)) ? FORBIDDEN : NONE;
}

/** Whether a link leads someone in. Nobody learns why it does not, except those who are banned. */
function againstLink(
  hash: string,
  room: string,
  mine: Standing,
  { facts, standingOf, now, link: linkOf }: Case,
): readonly ErrorCode[] {
  const link = linkOf(hash);
  if (!link || link.room !== room || link.revoked) return NOT_FOUND;
  const creator = standingOf(link.createdBy);
  const isDead =
    !facts.exists || facts.deleted || facts.kind !== "private" || link.version < facts.beginsAfter;
  if (isDead || creator.state === "removed" || creator.banned) return NOT_FOUND;
  if (mine.state === "in") return NONE;
  // Timestamps are whole milliseconds.
  if (link.expiresAt <= EPOCH_MS + Math.floor(now) || (link.maxUses !== null && link.uses >= link.maxUses))
    return NOT_FOUND;
  if (mine.banned) return FORBIDDEN;
  return mine.state === "removed" && link.version < mine.version ? NOT_FOUND : NONE;
}

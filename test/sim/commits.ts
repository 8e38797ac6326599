import {
  type Ack,
  type Change,
  changeKey,
  type Outcome,
  type Post,
  posted,
  type Ruling,
  SYSTEM_ID,
  targetOf,
} from "../../src/chat/change.ts";
import { type Committed, CommitFailure, seatKey } from "../../src/chat/ports.ts";
import { isSecret, type SeatFacts } from "../../src/chat/rights.ts";
import {
  type Answered,
  decide,
  type Decision,
  messageKey,
  repeated,
  type State,
} from "../../src/chat/room/decide.ts";
import type { LockedRoom } from "../../src/chat/room/rulings.ts";
import type { ErrorCode } from "../../src/protocol/codes.ts";
import { type Case, refusalsOf } from "./laws.ts";
import type { PeopleWrite } from "./people.ts";
import type { Rows } from "./rows.ts";

/** A content that this database rejects. */
export const POISON = "\u2620";

interface CommitsOptions {
  readonly rows: Rows;
  readonly now: () => number;
  /** People have the ids from 1 to this. */
  readonly users: number;
  fail(sentence: string, detail: string): void;
  /** A room was created. */
  created(room: string): void;
}

/** The commits of the model database: the contract of `MessageStore`, with the real rules. */
export function createCommits({ rows, now, users, fail, created }: CommitsOptions) {
  const { order, people, factsOf, counterOf, roomOf } = rows;
  const refusals = new Set<string>();
  const everyone = Array.from({ length: users }, (_, index) => index + 1);
  const persons = new Map(
    [SYSTEM_ID, ...everyone].map((userId) => [
      userId,
      { userId, id: `${userId}`, username: `user${userId}`, name: null },
    ]),
  );

  /** What decides about the rights of a change at a step: by the order alone. */
  const caseOf = (change: Change, epoch: string, step: number, at: number): Case => {
    const { room } = change;
    const members = order.members(epoch, room, step);
    return {
      facts: order.facts(epoch, room, step),
      standingOf: (userId) => order.standing(epoch, room, userId, step),
      now: at,
      author: "id" in change ? rows.inEpoch(epoch, room)?.known.get(change.id)?.senderId : undefined,
      members: members.map(([userId]) => userId),
      owners: members.filter(([, { role }]) => role === "owner").map(([userId]) => userId),
    };
  };

  const reasonsAgainst = (change: Change) =>
    refusalsOf(change, caseOf(change, rows.epoch, order.step, now()));

  /** Checks that what is about to be committed is something that its sender may do at this point of the order. */
  const checkRights = (change: Change) => {
    const reasons = reasonsAgainst(change);
    if (reasons.length > 0)
      fail("something was committed that its sender may not do", `${show(change)}: ${reasons.join(", ")}`);
  };

  /** Checks that a refusal for want of rights is justified. Rulings may be refused for more reasons. */
  const checkRefusal = (change: Change, code: ErrorCode) => {
    const isAboutRights = code === "forbidden" || code === "archived" || code === "muted";
    if (!isAboutRights || change.kind === "member" || change.kind === "room") return;
    if (!reasonsAgainst(change).includes(code))
      fail("something was refused that its sender may do", `${show(change)}: ${code}`);
  };

  const answeredBy = (change: Change): Answered | undefined => {
    const { answered } = roomOf(change.room);
    const isRuling = change.kind === "member" || change.kind === "room";
    return (
      answered.get(changeKey(change)) ??
      (isRuling ? answered.get(changeKey({ ...change, kind: "post" })) : undefined)
    );
  };

  const checkContents = (changes: readonly Change[]) => {
    if (changes.some((change) => "content" in change && change.content.includes(POISON)))
      throw failure("invalid");
  };

  const post = (change: Post, at: string): Outcome => {
    const { room, senderId: userId } = change;
    checkRights(change);
    const version = counterOf(room) + 1;
    const state = posted(change, version, at);
    const ack: Ack = { id: version, version, timestamp: at, duplicate: false };
    rows.write({
      room,
      answered: [[changeKey(change), { kind: "post", ack }]],
      known: { ...state, senderId: userId, reactors: [] },
    });
    if (factsOf(room).kind === "open") rows.enrol({ userId, room }, version);
    return { ack, state };
  };

  const canReply = ({ room, senderId: userId, replyTo }: Post) => {
    const replied = replyTo === null ? undefined : roomOf(room).known.get(replyTo);
    return (
      replyTo === null || (replied?.notice === null && replyTo >= people.seatOf({ userId, room }).fromId)
    );
  };

  /**
   * The statement for new posts: nothing is posted to a room whose fence is not the one at which the rights of all its
   * senders were read, nor to a room with a secret name that does not exist, nor if one of the posts replies to nothing.
   */
  const commitNew = (changes: readonly Change[]): Committed => {
    checkContents(changes);
    if (!changes.every((change) => change.kind === "post")) return commitCarefully(changes);
    const isFenced = (name: string) => {
      const { exists, fence } = factsOf(name);
      const theirs = changes.filter(({ room }) => room === name);
      return (isSecret(name) && !exists) || theirs.some((one) => one.fence !== fence || !canReply(one));
    };
    const fenced = new Set([...new Set(changes.map(({ room }) => room))].filter(isFenced));
    if (changes.some((change) => !fenced.has(change.room) && answeredBy(change))) throw failure("duplicate");
    const at = rows.timestamp();
    const outcomes = changes.map((change) => (fenced.has(change.room) ? null : post(change, at)));
    return { epoch: rows.epoch, outcomes };
  };

  /** Applies the rules to one change after another, so that each version has its own state in the log. */
  const commitCarefully = (changes: readonly Change[]): Committed => {
    checkContents(changes);
    const at = rows.timestamp();
    return { epoch: rows.epoch, outcomes: changes.map((change) => ruleOn(change, at)) };
  };

  /** A room as it is locked: posts, and operators, create open ones. */
  const lockedOf = (change: Change, at: string): LockedRoom | undefined => {
    const { room } = change;
    const creates =
      (change.kind === "room" && change.create !== undefined) ||
      (!isSecret(room) && (change.kind === "post" || (change.kind === "member" && change.order !== null)));
    if (!rows.exists(room) && !creates) return undefined;
    const facts = factsOf(room);
    return { ...facts, exists: facts.exists || !isSecret(room), at };
  };

  const stateFor = (change: Change, at: string): State => {
    const { room } = change;
    const locked = lockedOf(change, at);
    const { known } = roomOf(room);
    const before = answeredBy(change);
    const target = "id" in change ? known.get(change.id) : undefined;
    const replied = change.kind === "post" ? known.get(change.replyTo ?? 0) : undefined;
    const seats = new Map<string, SeatFacts>();
    for (const userId of everyone) {
      const seat = people.seatOf({ userId, room });
      if (seat.state !== "none" || seat.banned) seats.set(seatKey({ userId, room }), seat);
    }
    const members = people.members(room);
    const owners = members.filter((userId) => people.seatOf({ userId, room }).role === "owner");
    return {
      rooms: new Map(locked ? [[room, locked]] : []),
      seats,
      rulings: {
        people: persons,
        present: new Map([[room, { owners, members, more: false }]]),
        blocks: new Set(),
        links: new Map(),
      },
      answered: new Map(before ? [[changeKey(change), before]] : []),
      messages: new Map(target ? [[messageKey(room, target.id), target]] : []),
      replied: new Set(replied && !replied.notice ? [messageKey(room, replied.id)] : []),
    };
  };

  const ruleOn = (change: Change, at: string): Outcome => {
    const decision = decide([change], stateFor(change, at));
    const [outcome] = decision.outcomes;
    if (!outcome) throw new Error("a change was not decided");
    if ("refused" in outcome) {
      refusals.add(`${outcome.refused} ${changeKey(change)}`);
      checkRefusal(change, outcome.refused);
    } else if (outcome.ack.duplicate) {
      if (decision.enrolled.length > 0)
        fail("a repeat made its sender a member again", `${change.room}.${outcome.ack.id}`);
    } else {
      checkRights(change);
      record(change, outcome.ack, decision);
    }
    return outcome;
  };

  const record = (change: Change, ack: Ack, { messages, recorded, enrolled, ruled }: Decision) => {
    const { room } = change;
    const [changed] = messages.values();
    const isRuling = change.kind === "member" || change.kind === "room";
    const answered: [string, Answered][] = [];
    if (change.kind === "post" || recorded.length > 0)
      answered.push([changeKey(change), { kind: change.kind, target: targetOf(change), ack }]);
    if (isRuling && changed) answered.push([changeKey({ ...change, kind: "post" }), { kind: "notice", ack }]);
    const wasThere = factsOf(room).exists;
    const facts = ruled.rooms.get(room);
    rows.write({
      room,
      answered,
      ...(changed && { known: changed.message }),
      ...(facts && { facts }),
      ...(isRuling && { ruling: change, people: peopleOf(room, ruled) }),
    });
    for (const { version, ...seat } of enrolled) rows.enrol(seat, version);
    if (isRuling && !wasThere && factsOf(room).exists) created(room);
    if (isRuling) checkOrder(change);
  };

  /** The rows of people that a ruling writes. */
  const peopleOf = (room: string, { seats, emptied }: Decision["ruled"]): PeopleWrite[] => {
    const written: PeopleWrite[] = [];
    const version = emptied.get(room);
    if (version !== undefined)
      for (const userId of people.members(room)) {
        const member = people.memberOf({ userId, room });
        if (member)
          written.push({
            seat: { userId, room },
            member: { ...member, state: "removed", role: "member", changed: version },
          });
      }
    for (const { userId, seat, joined } of seats.values()) {
      const { banned, blocked: _, ...member } = seat;
      const before = people.seatOf({ userId, room });
      const since = joined ?? people.memberOf({ userId, room })?.since ?? 0;
      if (member.state !== "none" || before.state !== "none")
        written.push({ seat: { userId, room }, member: { ...member, since } });
      if (banned !== before.banned) written.push({ seat: { userId, room }, banned });
    }
    return written;
  };

  /** The rows say the same about everyone as the notices. */
  const checkOrder = ({ room }: Ruling) => {
    const facts = factsOf(room);
    const known = order.facts(rows.epoch, room);
    const isSame = (["kind", "archived", "deleted", "history", "membersAdd", "beginsAfter"] as const).every(
      (what) => facts[what] === known[what],
    );
    if (!isSame) fail("a room is not what its notices say", `${room}: ${JSON.stringify([facts, known])}`);
    for (const userId of everyone) {
      if (!order.isKnown(room, userId)) continue;
      const seat = people.seatOf({ userId, room });
      const standing = order.standing(rows.epoch, room, userId);
      const agrees =
        (seat.state === "in") === (standing.state === "in") &&
        seat.banned === standing.banned &&
        (seat.state !== "in" || (seat.role === standing.role && seat.fromId === standing.from));
      if (!agrees)
        fail(
          "someone is not what the notices say",
          `${userId} in ${room}: ${JSON.stringify([seat, standing])}`,
        );
    }
  };

  return {
    /** Commits changes that are all new. */
    commitNew,
    /** Commits changes that may have been committed before. */
    commitCarefully,
    caseOf,
    /** The outcome of a change that was committed before. */
    answered(change: Change): Outcome | undefined {
      const before = answeredBy(change);
      return before && repeated(change, before);
    },
    /** Whether a change was ever refused with this code. */
    refused: (change: Change, code: ErrorCode) => refusals.has(`${code} ${changeKey(change)}`),
  };
}

const show = (change: Change) =>
  `${"senderId" in change ? change.senderId : "operator"} in ${change.room}: ${JSON.stringify(change)}`;

const failure = (kind: "duplicate" | "invalid") => new CommitFailure(kind, new Error("simulated"));

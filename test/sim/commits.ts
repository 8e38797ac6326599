import {
  type Ack,
  type Change,
  changeKey,
  isRuling,
  type Outcome,
  type Post,
  posted,
  subjectOf,
  SYSTEM_ID,
  targetOf,
} from "../../src/chat/change.ts";
import { type Committed, CommitFailure, seatKey } from "../../src/chat/ports.ts";
import { isSecret, type SeatFacts } from "../../src/chat/rights.ts";
import type { Known } from "../../src/chat/room/decide.ts";
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
import { filesOf } from "./files-judge.ts";
import { faultOfMentions, mayMentionEveryone } from "./mentions.ts";
import type { Rows } from "./rows.ts";
import { createRulingRows } from "./ruling-rows.ts";
import type { Social } from "./social.ts";

/** A content that this database rejects. */
export const POISON = "\u2620";

interface CommitsOptions {
  readonly rows: Rows;
  readonly social: Pick<Social, "state" | "record">;
  readonly now: () => number;
  /** Nobody enters an open room without being a member. */
  readonly membersOnly: boolean;
  /** People have the ids from 1 to this. */
  readonly users: number;
  fail(sentence: string, detail: string): void;
  /** A room was created. */
  created(room: string): void;
}

/** The commits of the model database: the contract of `MessageStore`, with the real rules. */
export function createCommits({ rows, social, now, membersOnly, users, fail, created }: CommitsOptions) {
  const { order, pacts, people, files, factsOf, counterOf, roomOf } = rows;
  const refusals = new Set<string>();
  const everyone = Array.from({ length: users }, (_, index) => index + 1);
  const persons = new Map(
    [SYSTEM_ID, ...everyone].map((userId) => [
      userId,
      { userId, id: `${userId}`, username: `user${userId}`, name: null },
    ]),
  );

  const rulings = createRulingRows({ rows, everyone, fail });

  /** What decides about the rights of a change at a step: by the order alone. */
  const caseOf = (change: Change, epoch: string, step: number, at: number): Case => {
    const { room } = change;
    const members = order.members(epoch, room, step);
    return {
      facts: order.facts(epoch, room, step),
      standingOf: (userId) => order.standing(epoch, room, userId, step),
      now: at,
      author: "id" in change ? rows.inEpoch(epoch, room)?.known.get(change.id)?.senderId : undefined,
      ...pacts.at(epoch, step),
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
    if (code === "file_missing" && areSendable(change))
      fail("files were refused that their sender may send", show(change));
    const isAboutRights = code === "forbidden" || code === "archived" || code === "muted";
    if (code === "everyone_denied" && (change.kind === "post" || change.kind === "edit")) {
      if (mayMentionEveryone({ change, ...caseOf(change, rows.epoch, order.step, now()) }))
        fail("someone may mention everyone and was refused", show(change));
      return;
    }
    const isRedemption = change.kind === "member" && change.link !== undefined;
    if (!isRedemption && (!isAboutRights || change.kind === "member" || change.kind === "room")) return;
    if (!reasonsAgainst(change).includes(code))
      fail("something was refused that its sender may do", `${show(change)}: ${code}`);
  };

  /** Whether all files of a change are there, its sender's, of its room, and were not sent yet. */
  const areSendable = (change: Change): boolean =>
    change.kind === "post" &&
    idsIn(change).every((id) => {
      const row = files.row(id);
      return row?.state === "ready" && row.room === change.room && row.userId === change.senderId;
    });

  /** Checks that a committed message has exactly the files with which it was sent. */
  const checkFiles = (change: Change, { attached, messages }: Decision) => {
    if (change.kind !== "post") return;
    const ids = idsIn(change);
    const [{ message } = { message: undefined }] = messages.values();
    if (!areSendable(change))
      fail("a message was committed with files that its sender may not send", show(change));
    if (
      !Bun.deepEquals(message ? filesOf(message) : [], ids) ||
      !Bun.deepEquals(
        attached.map(({ file }) => file.id),
        ids,
      )
    )
      fail("a message was committed without its files", show(change));
  };

  /** Checks that a post or an edit mentions those who may read the message, and names the others. */
  const checkMentions = (change: Change, ack: Ack, message: Known | undefined) => {
    if (change.kind !== "post" && change.kind !== "edit") return;
    const { room } = change;
    const before = change.kind === "edit" ? roomOf(room).known.get(change.id)?.mentions : null;
    const about = caseOf(change, rows.epoch, order.step, now());
    const fault = faultOfMentions({
      change,
      ack,
      after: message?.mentions,
      before: before ?? null,
      ...about,
    });
    if (fault) fail(fault, show(change));
  };

  const answeredBy = (change: Change): Answered | undefined => {
    const { answered } = roomOf(change.room);
    return (
      answered.get(changeKey(change)) ??
      (isRuling(change) ? answered.get(changeKey({ ...change, kind: "post" })) : undefined)
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
    if (factsOf(room).kind === "open" && userId !== SYSTEM_ID) rows.enrol({ userId, room }, version);
    return { ack, state };
  };

  const canReply = ({ room, senderId: userId, replyTo }: Post) => {
    const replied = replyTo === null ? undefined : roomOf(room).known.get(replyTo);
    return (
      replyTo === null ||
      (replied?.notice === null &&
        replyTo > factsOf(room).beginsAfter &&
        replyTo >= people.seatOf({ userId, room }).fromId)
    );
  };

  /**
   * The statement for new posts: nothing is posted to a room whose fence is not the one at which the rights of all its
   * senders were read, nor to a room with a secret name that does not exist, nor if one of the posts replies to nothing.
   */
  const commitNew = (changes: readonly Change[]): Committed => {
    checkContents(changes);
    if (!changes.every(isPlain)) return commitCarefully(changes);
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
      (!isSecret(room) &&
        ((change.kind === "post" && !change.thread && !membersOnly) ||
          (change.kind === "member" && change.order !== null)));
    if (!rows.exists(room) && !creates) return undefined;
    const facts = factsOf(room);
    return { ...facts, exists: facts.exists || !isSecret(room), at };
  };

  const stateFor = (change: Change, at: string): State => {
    const { room } = change;
    const locked = lockedOf(change, at);
    const { known, pins } = roomOf(room);
    const before = answeredBy(change);
    const target = known.get(subjectOf(change) ?? 0);
    const replied = change.kind === "post" ? known.get(change.replyTo ?? 0) : undefined;
    const thread = change.kind === "post" ? change.thread : undefined;
    const named = known.get(thread?.root ?? 0);
    const root = named && !named.notice ? known.get(named.thread?.root ?? named.id) : undefined;
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
        pins: new Map([[room, [...pins.keys()]]]),
        ...social.state(),
      },
      answered: new Map(before ? [[changeKey(change), before]] : []),
      mentioned: { people: persons, members: new Map([[room, members.length]]) },
      messages: new Map(target ? [[messageKey(room, target.id), target]] : []),
      roots: new Map(root ? [[messageKey(room, thread?.root ?? 0), root]] : []),
      replied: new Set(replied && !replied.notice ? [messageKey(room, replied.id)] : []),
      files: files.ready(idsIn(change)),
    };
  };

  const ruleOn = (change: Change, at: string): Outcome => {
    const decision = decide([change], stateFor(change, at), { membersOnly });
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
      checkMentions(change, outcome.ack, [...decision.messages.values()][0]?.message);
      record(change, outcome.ack, decision);
    }
    return outcome;
  };

  const record = (change: Change, ack: Ack, decision: Decision) => {
    const { messages, recorded, enrolled, ruled, attached, emptied, pins } = decision;
    checkFiles(change, decision);
    const { room } = change;
    const [changed] = messages.values();
    const isRuled = isRuling(change);
    const answered: [string, Answered][] = [];
    if (change.kind === "post" || recorded.length > 0)
      answered.push([changeKey(change), { kind: change.kind, target: targetOf(change), ack }]);
    if (isRuled && changed) answered.push([changeKey({ ...change, kind: "post" }), { kind: "notice", ack }]);
    const wasThere = factsOf(room).exists;
    const facts = ruled.rooms.get(room);
    rows.together(() => {
      rows.write({
        room,
        answered,
        ...(changed && { known: changed.message }),
        ...(facts && { facts }),
        files: [
          ...attached.map(({ file, messageId }) => files.attached(file.id, messageId)),
          ...emptied.flatMap(({ room, messageId }) => files.emptied(room, messageId)),
        ],
        pins,
        ...(isRuled && { ruling: change, people: rulings.peopleOf(room, ruled) }),
      });
      social.record(ruled.redeemed, ruled.emptied.keys());
      for (const { version, ...seat } of enrolled) rows.enrol(seat, version);
    });
    if (isRuled && !wasThere && factsOf(room).exists) created(room);
    if (isRuled) rulings.check(change);
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

const isPlain = (change: Change): change is Post => change.kind === "post" && !change.files && !change.thread;

const idsIn = (change: Change): string[] =>
  change.kind === "post" ? (change.files ?? []).map(({ id }) => id) : [];

const show = (change: Change) =>
  `${"senderId" in change ? change.senderId : "operator"} in ${change.room}: ${JSON.stringify(change)}`;

const failure = (kind: "duplicate" | "invalid") => new CommitFailure(kind, new Error("simulated"));

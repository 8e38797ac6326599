import { type Deed, writeAudit } from "../db/audit.ts";
import { type Orm, rows } from "../db/database.ts";
import {
  type Change,
  changeKey,
  isRuling,
  type Post,
  type Ruling,
  subjectOf,
  SYSTEM_ID,
} from "../chat/change.ts";
import { isSecret, noRoom, type RoomFacts } from "../chat/rights.ts";
import {
  type Answered,
  type Decision,
  decide,
  type Known,
  messageKey,
  type Rules,
  type State,
} from "../chat/room/decide.ts";
import type { Reactor } from "../chat/room/reactors.ts";
import type { Root } from "../chat/room/replying.ts";
import { type Committed, type Seat, seatKey } from "../chat/ports.ts";
import { type Named, personOf, type PersonRow } from "../person.ts";
import { namesFiles, readReady, writeFiles } from "./attaching.ts";
import { namesThreads, type ThreadRow, threadOf, writeFollowers, writeSummaries } from "./threading.ts";
import { lockPairs } from "./blocks.ts";
import type { KnownMembers } from "./known-members.ts";
import { mentionedIn, mentionsAnyone, mentionsIn, readMentioned, writeMentions } from "./mentioning.ts";
import { type MembershipRow, readMemberships, roomFactsOf, seatFactsOf } from "./memberships.ts";
import { noticeOf, type NoticeRow } from "./notices.ts";
import { writeUnindexed } from "./searchindex.ts";
import { writeOrigins } from "./origins.ts";
import { writePins } from "./pins.ts";
import {
  closeRooms,
  closesDoors,
  deedsOfRulings,
  directPairs,
  namedIn,
  readRulingState,
  writeRuled,
} from "./ruled.ts";
import {
  lockRooms,
  type ReactionRow,
  readAnswered,
  readCounters,
  readNames,
  readReplied,
  readRoots,
  readTargets,
  writeDecision,
} from "./statements.ts";

interface RoomRow extends Omit<RoomFacts, "exists"> {
  readonly name: string;
  readonly id: number;
  readonly leavers: number;
  readonly at: string;
  readonly epoch: string;
}
export type AnsweredRow = {
  index: number;
  kind: Answered["kind"];
  target: string;
  id: number;
  version: number;
  at: string;
  /** JSON. */
  unreached: string | null;
};
type TargetRow = Omit<Known, "reactors" | "notice" | "mentions" | "user" | "thread"> &
  NoticeRow &
  ThreadRow &
  PersonRow & { index: number; reactors: string | null; mentions: string | null };

/**
 * Commits any changes in one short transaction: locks their rooms, reads what is known about them, decides, and writes. What
 * is read comes from statements that begin once the rooms are locked, or it would be older than the lock. Changes that were
 * committed before get their first ack.
 */
export async function commitCarefully(
  orm: Orm,
  changes: readonly Change[],
  rules: Rules,
  known: Pick<KnownMembers, "seen">,
): Promise<Committed> {
  return orm.transaction(async (tx) => {
    const names = [...new Set(changes.map(({ room }) => room))];
    const mayBeNew = new Set(changes.flatMap((change) => (createsRoom(change, rules) ? [change.room] : [])));
    const rulings = changes.filter(isRuling);
    // Before the rooms, as everyone does who locks both.
    const pairs = directPairs(rulings);
    if (pairs.length > 0) await rows(tx, lockPairs(pairs));
    const locked = await rows<RoomRow>(tx, lockRooms(names, mayBeNew));
    for (const { name, leavers } of locked) known.seen(name, leavers);
    const closing = rulings.filter(closesDoors);
    if (closing.length > 0) await rows(tx, closeRooms(closing.map(({ room }) => room)));
    const state = await readState(tx, changes, rulings, locked);
    const decision = decide(changes, state, rules);
    if (decision.messages.size > 0 || decision.recorded.length > 0) {
      const roomIds = new Map(locked.map((room) => [room.name, room.id]));
      await rows(tx, writeDecision({ decision, roomIds, ...reactionsMoved(decision, state) }));
      await writeFiles(tx, decision, roomIds);
      await writeFollowers(tx, decision, roomIds);
      await writeSummaries(tx, decision, state, roomIds);
      await writeUnindexed(tx, decision, roomIds);
      await writeMentions(tx, decision, state, roomIds);
      await writeRuled(tx, decision.ruled, roomIds);
      await writePins(tx, decision.pins, roomIds);
      await writeOrigins(tx, changes, decision.outcomes, roomIds);
      await writeAudit(tx, [
        ...deedsOf(decision, roomIds),
        ...deedsOfRulings(decision.ruled.ordered, roomIds),
      ]);
    }
    return { epoch: locked[0]?.epoch ?? (await epochOf(tx)), outcomes: decision.outcomes };
  });
}

/** A row that a refused creation left behind is no room. */
const factsOf = (room: RoomRow): RoomFacts =>
  isSecret(room.name) && room.version === 0 ? noRoom(room.name) : roomFactsOf(room);

/**
 * Whether a change creates its room if there is none. A reply does not: it has nothing there to reply to. Nor does a post to
 * a room that the server named.
 */
function createsRoom(change: Change, { membersOnly }: Rules): boolean {
  if (change.kind === "room") return change.create !== undefined;
  if (isSecret(change.room)) return false;
  if (change.kind === "post") return change.replyTo === null && !change.thread && !membersOnly;
  return (
    change.kind === "member" &&
    change.senderId === SYSTEM_ID &&
    (change.set === "in" || change.set === "banned")
  );
}

async function readState(
  tx: Orm,
  changes: readonly Change[],
  rulings: readonly Ruling[],
  locked: readonly RoomRow[],
): Promise<State> {
  const answered = await rows<AnsweredRow>(tx, readAnswered(changes));
  const targets = changes.some((change) => subjectOf(change) !== null)
    ? await rows<TargetRow>(tx, readTargets(changes))
    : [];
  const reactors = await reactorsOf(tx, targets);
  const replied = changes.some((change) => change.kind === "post" && change.replyTo !== null)
    ? await rows<{ index: number }>(tx, readReplied(changes))
    : [];
  const roots = namesThreads(changes) ? await rows<{ index: number } & Root>(tx, readRoots(changes)) : [];
  const asked = seatsOf(changes, targets);
  const seats = asked.length > 0 ? await rows<MembershipRow>(tx, readMemberships(asked)) : [];
  return {
    rooms: new Map(locked.map((room) => [room.name, { ...factsOf(room), at: room.at }])),
    answered: new Map(answered.map((row) => [changeKey(changes[row.index] as Change), answeredOf(row)])),
    messages: new Map(
      targets.map(
        ({ index, reactors: _, notice, named, mentions, uid, name, root, alsoRoom, ...message }, at) => [
          messageKey((changes[index] as Change).room, message.id),
          {
            ...message,
            user: personOf({ uid, name, username: message.username }),
            thread: threadOf({ root, alsoRoom }),
            mentions: mentionsIn(mentions),
            reactors: reactors[at] ?? [],
            notice: noticeOf({ notice, named }),
          },
        ],
      ),
    ),
    replied: new Set(
      replied.map(({ index }) => {
        const { room, replyTo } = changes[index] as Post;
        return messageKey(room, replyTo ?? 0);
      }),
    ),
    roots: new Map(
      roots.map(({ index, ...root }) => {
        const { room, thread } = changes[index] as Post;
        return [messageKey(room, thread?.root ?? 0), root];
      }),
    ),
    seats: new Map(asked.map((seat, index) => [seatKey(seat), seatFactsOf(seats[index] as MembershipRow)])),
    ...(namesFiles(changes) && { files: await readReady(tx, changes) }),
    ...(mentionsAnyone(changes) && { mentioned: await readMentioned(tx, changes) }),
    ...(rulings.length > 0 && { rulings: await readRulingState(tx, rulings) }),
  };
}

/** Everyone whose rights a batch depends on, each once. */
function seatsOf(changes: readonly Change[], targets: readonly TargetRow[]): readonly Seat[] {
  const seats = new Map<string, Seat>();
  const add = (userId: number, room: string) => void seats.set(seatKey({ userId, room }), { userId, room });
  for (const change of changes) {
    if (isRuling(change)) for (const userId of namedIn(change)) add(userId, change.room);
    else if (change.kind !== "remove") add(change.senderId, change.room);
    for (const userId of mentionedIn(change)) add(userId, change.room);
  }
  for (const { index, senderId } of targets) add(senderId, (changes[index] as Change).room);
  return [...seats.values()];
}

export const answeredOf = ({ kind, target, id, version, at, unreached }: AnsweredRow): Answered => ({
  kind,
  target,
  ack: {
    id,
    version,
    timestamp: at,
    duplicate: true,
    ...(unreached !== null && { unreached: JSON.parse(unreached) as string[] }),
  },
});

/** The people who reacted to each message, with their names. */
async function reactorsOf(tx: Orm, targets: readonly TargetRow[]): Promise<Reactor[][]> {
  const given = targets.map(
    ({ reactors }) => JSON.parse(reactors ?? "[]") as [userId: number, emoji: string][],
  );
  const userIds = new Set<number>();
  for (const each of given) for (const [userId] of each) userIds.add(userId);
  if (userIds.size === 0) return [];
  const found = await rows<PersonRow & { id: number }>(tx, readNames(userIds));
  const people = new Map(
    found.map((row): [number, Named] => [row.id, { username: row.username, user: personOf(row) }]),
  );
  return given.map((each) =>
    each.flatMap(([userId, emoji]) => {
      const person = people.get(userId);
      return person ? [{ userId, emoji, ...person }] : [];
    }),
  );
}

const deedsOf = ({ removed }: Decision, roomIds: ReadonlyMap<string, number>): Deed[] =>
  removed.map(({ order, room, message }) => ({
    ...order,
    action: "message.delete",
    userId: message.senderId,
    roomId: roomIds.get(room),
    messageId: message.id,
  }));

/** Returns the reactions that a decision adds (`given`) and removes (`taken`). */
function reactionsMoved(decision: Decision, before: State) {
  const given: ReactionRow[] = [];
  const taken: ReactionRow[] = [];
  for (const [key, { room, message }] of decision.messages) {
    const old = before.messages.get(key)?.reactors ?? [];
    if (old === message.reactors) continue;
    const rowOf = ({ userId, emoji }: Reactor) => ({ room, id: message.id, userId, emoji });
    given.push(...beyond(message.reactors, old).map(rowOf));
    taken.push(...beyond(old, message.reactors).map(rowOf));
  }
  return { given, taken };
}

/**
 * The reactions that are among these and not among those. A message may have a thousand, of which a decision keeps all but
 * a few, so only the others are compared with each other.
 */
function beyond(these: readonly Reactor[], those: readonly Reactor[]): Reactor[] {
  const [before, now] = [new Set(those), new Set(these)];
  const gone = those.filter((reactor) => !now.has(reactor));
  const isBack = ({ userId, emoji }: Reactor) =>
    gone.some((other) => other.userId === userId && other.emoji === emoji);
  return these.filter((reactor) => !before.has(reactor) && !isBack(reactor));
}

/** Reads the epoch if no room was locked, because all changes were about rooms that do not exist. */
async function epochOf(orm: Orm): Promise<string> {
  const [row] = await rows<{ epoch: string }>(orm, readCounters([]));
  return row?.epoch ?? "";
}

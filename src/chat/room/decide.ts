import { type Message, type Reaction, withProfiles } from "../../message.ts";
import type { Named } from "../../person.ts";
import type { Order } from "../../order.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import {
  type Ack,
  type Amendment,
  type Change,
  changeKey,
  type Outcome,
  type Post,
  posted,
  type Removal,
  type Ruling,
  SYSTEM_ID,
  targetOf,
} from "../change.ts";
import { type Membership, mutedFor, outranks, permits } from "../rights.ts";
import type { Seat } from "../ports.ts";
import { createRulings, type Known as KnownPeople, type LockedRoom, type Ruled } from "./rulings.ts";

/** The most reactions of one message, over all emojis and people. It keeps reading them cheap. */
const REACTIONS_MAX = 1_000;
/** The most different emojis of one message. With the longest names and text, it still fits in a frame. */
export const EMOJIS_MAX = 20;
/** The most people named for each emoji; the others are only counted. */
export const NAMES_MAX = 20;

/** One person's reaction to a message. */
export interface Reactor extends Named {
  readonly userId: number;
  readonly emoji: string;
}

/** A message as the rules see it: with its sender, and with each reaction separately. */
export interface Known extends Omit<Message, "reactions"> {
  readonly senderId: number;
  readonly reactors: readonly Reactor[];
}

/** An earlier ack, and what it was for. */
export interface Answered {
  /** `notice`: a ruling that left one, by the key of a post. */
  readonly kind: Change["kind"] | "notice";
  /** See {@link targetOf}. */
  readonly target?: string | undefined;
  readonly ack: Ack;
}

/**
 * What the database knows about a batch while its rooms are locked. Its seats are those of senders, of the senders of
 * messages that changes refer to, and of everyone whom rulings are about.
 */
export interface State extends KnownPeople {
  /** By {@link changeKey}. */
  readonly answered: ReadonlyMap<string, Answered>;
  /** The messages that the changes refer to, by {@link messageKey}. */
  readonly messages: ReadonlyMap<string, Known>;
  /** Which of the messages that posts reply to are there, by {@link messageKey}. */
  readonly replied: ReadonlySet<string>;
}

export interface Decision {
  readonly outcomes: readonly Outcome[];
  /** The counters that move. */
  readonly versions: ReadonlyMap<string, number>;
  /** New and changed messages in their final state. */
  readonly messages: ReadonlyMap<string, { readonly room: string; readonly message: Known }>;
  /** Amendments and rulings that were acknowledged now, including those that changed nothing: this makes them idempotent. */
  readonly recorded: readonly { readonly change: Amendment | Ruling; readonly ack: Ack }[];
  /** Messages that operators and moderators deleted, for the audit. */
  readonly removed: readonly Removed[];
  /** People whose posts make them members of open rooms, with the version that did. */
  readonly enrolled: readonly (Seat & { readonly version: number })[];
  /** What rulings changed. */
  readonly ruled: Ruled;
}

export interface Removed {
  readonly order: Order;
  readonly room: string;
  readonly message: Known;
}

export interface Rules {
  /** How long a message may be edited after it was posted, in milliseconds. Without it, for ever. */
  readonly editWindowMs?: number | undefined;
  /** Nobody enters an open room without being a member. */
  readonly membersOnly?: boolean | undefined;
}

export const messageKey = (room: string, id: number) => `${id} ${room}`;

/** Decides a batch of changes, in order, each by what its sender may do by then. Pure. */
export function decide(changes: readonly Change[], state: State, rules: Rules = {}): Decision {
  const answered = new Map(state.answered);
  const versions = new Map<string, number>();
  const messages = new Map<string, { room: string; message: Known }>();
  const recorded: { change: Amendment | Ruling; ack: Ack }[] = [];
  const removed: Removed[] = [];
  const rulings = createRulings(state);

  const decideRuling = (change: Ruling, room: LockedRoom): Outcome => {
    const next = (versions.get(change.room) ?? room.version) + 1;
    const notice = rulings.judge(change, next, room.at);
    if (typeof notice === "string") return { refused: notice };
    const done = (ack: Ack, message: Message | null): Outcome => {
      answered.set(changeKey(change), { kind: change.kind, target: targetOf(change), ack });
      recorded.push({ change, ack });
      return { ack, state: message };
    };
    const { at: timestamp } = room;
    if (!notice) return done({ id: 0, version: next - 1, timestamp, duplicate: false }, null);
    const { reactions: _, ...rest } = notice;
    const message: Known = { ...rest, senderId: change.senderId, reactors: [] };
    const ack = { id: next, version: next, timestamp, duplicate: false };
    versions.set(change.room, next);
    messages.set(messageKey(change.room, next), { room: change.room, message });
    answered.set(changeKey({ ...change, kind: "post" }), { kind: "notice", ack });
    return done(ack, notice);
  };

  const outcomes = changes.map((change): Outcome => {
    const key = changeKey(change);
    const isRuling = change.kind === "member" || change.kind === "room";
    // First of all: a repeat gets its ack, whatever its sender may do by now.
    const before =
      answered.get(key) ?? (isRuling ? answered.get(changeKey({ ...change, kind: "post" })) : undefined);
    if (before) return repeated(change, before);
    const room = state.rooms.get(change.room);
    if (isRuling) return room ? decideRuling(change, room) : { refused: "not_found" };

    const old =
      "id" in change
        ? (messages.get(messageKey(change.room, change.id))?.message ??
          state.messages.get(messageKey(change.room, change.id)))
        : undefined;
    if (change.kind === "remove") {
      if (change.id <= rulings.roomOf(change.room).beginsAfter) return { refused: "not_found" };
    } else {
      const sender = rulings.membership(change.room, change.senderId);
      const now = room ? Date.parse(room.at) : 0;
      const isOther = change.kind === "delete" && old !== undefined && old.senderId !== change.senderId;
      const action = change.kind !== "delete" ? "post" : isOther ? "moderate" : "retract";
      const refused = isOfServer(change)
        ? ordered(sender)
        : permits(sender, action, { now, membersOnly: rules.membersOnly });
      if (refused)
        return refused === "muted" ? { refused, retryAfterMs: mutedFor(sender, now) } : { refused };
      if (isOther && !outranks(sender, rulings.seatOf(change.room, old.senderId)))
        return { refused: "forbidden" };
      // What they cannot see is not there.
      if ("id" in change && change.id < sender.from) return { refused: "not_found" };
      if (change.kind === "post" && change.replyTo !== null) {
        const replied = messageKey(change.room, change.replyTo);
        const posted = messages.get(replied)?.message;
        const isThere = posted ? posted.notice === null : state.replied.has(replied);
        if (!isThere || change.replyTo < sender.from) return UNANSWERABLE;
      }
    }
    if (!room) return { refused: "not_found" };

    const next = (versions.get(change.room) ?? room.version) + 1;
    const result =
      change.kind === "post"
        ? { ...posted(change, next, room.at), senderId: change.senderId, reactors: [] }
        : amended(old, change, room.at, rules);
    if (typeof result === "string") return { refused: result };

    const changed = result !== old;
    const message = changed ? { ...result, version: next } : result;
    if (changed) {
      versions.set(change.room, next);
      messages.set(messageKey(change.room, message.id), { room: change.room, message });
      const order = orderOf(change, message);
      if (order) removed.push({ order, room: change.room, message });
      if (change.kind === "post" && !isOfServer(change) && rulings.roomOf(change.room).kind === "open")
        rulings.enrol({ userId: change.senderId, room: change.room }, next);
    }
    const ack = { id: message.id, version: message.version, timestamp: room.at, duplicate: false };
    answered.set(key, { kind: change.kind, ack });
    if (change.kind !== "post" && change.kind !== "remove") recorded.push({ change, ack });
    return { ack, state: changed ? stateOf(message) : null };
  });
  const { ruled, enrolled } = rulings;
  return { outcomes, versions, messages, recorded, removed, enrolled: [...enrolled.values()], ruled };
}

const isOfServer = (change: Change) => "senderId" in change && change.senderId === SYSTEM_ID;

/** Why the server may not post in a room. It needs no rights, but posts where others can. */
function ordered({ deleted, secret, exists, archived }: Membership): ErrorCode | undefined {
  if (deleted || (secret && !exists)) return "not_found";
  return archived ? "archived" : undefined;
}

/** The order by which someone else than its sender deleted a message, if that is what happened. */
function orderOf(change: Amendment | Post | Removal, message: Known): Order | undefined {
  if (change.kind === "remove") return change.reactionsOf === undefined ? change.order : undefined;
  return change.kind === "delete" && change.senderId !== message.senderId ? change.order : undefined;
}

/** A post replies to what is not there, perhaps because its room is not. A reply creates no room. */
const UNANSWERABLE: Outcome = {
  refused: "invalid",
  errors: { replyTo: ["must be the id of a message in this room"] },
};

/** The key was used before: a repeat gets its ack again, and a different change is refused. */
export const repeated = (change: Change, { kind, target = "", ack }: Answered): Outcome =>
  kind === change.kind && (!("id" in change) || change.id === ack.id) && target === targetOf(change)
    ? { ack: { ...ack, duplicate: true }, state: null }
    : { refused: "client_id_reused" };

/** Returns the message after a change, the same object if it changes nothing, or the reason for a refusal. */
function amended(
  message: Known | undefined,
  change: Amendment | Removal,
  at: string,
  rules: Rules,
): Known | ErrorCode {
  if (!message) return "not_found";
  if (message.notice !== null) return "notice_fixed";
  if (change.kind === "edit" && change.senderId !== message.senderId) return "forbidden";
  if (message.deletedAt !== null)
    return change.kind === "delete" || change.kind === "remove" ? message : "not_found";
  switch (change.kind) {
    case "edit": {
      const { data = message.data } = change;
      if (change.content === message.content && data === message.data) return message;
      if (isPast(message.timestamp, at, rules.editWindowMs)) return "too_late";
      return { ...message, content: change.content, data, editedAt: at };
    }
    case "remove":
      if (change.reactionsOf !== undefined) return without(message, change.reactionsOf);
      return deleted(message, at);
    case "delete":
      return deleted(message, at);
    case "react":
      return reacted(message, change);
  }
}

const deleted = (message: Known, at: string): Known => ({
  ...message,
  content: "",
  data: null,
  reactors: [],
  deletedAt: at,
});

/** Returns the message without the reactions of one person, the same object if there are none. */
function without(message: Known, userId: number): Known {
  const reactors = message.reactors.filter((reactor) => reactor.userId !== userId);
  return reactors.length === message.reactors.length ? message : { ...message, reactors };
}

function reacted(message: Known, change: Amendment & { kind: "react" }): Known | ErrorCode {
  const { reactors } = message;
  const own = reactors.find(({ userId, emoji }) => userId === change.senderId && emoji === change.emoji);
  if ((own !== undefined) === change.on) return message;
  if (!change.on) return { ...message, reactors: reactors.filter((reactor) => reactor !== own) };
  const emojis = new Set(reactors.map(({ emoji }) => emoji)).add(change.emoji);
  if (reactors.length >= REACTIONS_MAX || emojis.size > EMOJIS_MAX) return "too_many_reactions";
  const { senderId: userId, username, user, emoji } = change;
  return { ...message, reactors: [...reactors, { userId, username, user, emoji }] };
}

const isPast = (since: string, at: string, windowMs: number | undefined) =>
  windowMs !== undefined && Date.parse(at) - Date.parse(since) > windowMs;

/** Returns the message as it is published. */
export function stateOf({ senderId: _, reactors, ...message }: Known): Message {
  return { ...message, reactions: summary(reactors) };
}

/** Groups reactions by emoji, with their count and the first names by user id. */
export function summary(reactors: readonly Reactor[]): readonly Reaction[] {
  if (reactors.length === 0) return [];
  const byEmoji = Map.groupBy(
    reactors.toSorted((a, b) => a.userId - b.userId),
    ({ emoji }) => emoji,
  );
  return inOrder(
    [...byEmoji].map(([emoji, those]) => {
      const named = those.slice(0, NAMES_MAX);
      return {
        emoji,
        count: those.length,
        users: named.map(({ username }) => username),
        profiles: named.map(({ user }) => user),
      };
    }),
  );
}

/** Brings reactions into the form in which they are shown, live and from the database alike. */
export const inOrder = (reactions: readonly Reaction[]): readonly Reaction[] =>
  withProfiles(reactions.toSorted((a, b) => (a.emoji < b.emoji ? -1 : 1)));

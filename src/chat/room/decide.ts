import type { Order } from "../../db/audit.ts";
import type { Message, Reaction } from "../../message.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import { type Ack, type Amendment, type Change, changeKey, type Outcome, type Post } from "./change.ts";

/** Reactions that one message may have, all emojis and people together; reading them has to stay cheap. */
export const REACTIONS_MAX = 1_000;
/** Different emojis that one message may have: with the longest names and the longest text it still fits in a frame. */
export const EMOJIS_MAX = 20;
/** People who are named for each emoji; the others are counted. */
export const NAMES_MAX = 20;

/** One person's reaction to a message. */
export interface Reactor {
  readonly userId: number;
  readonly username: string;
  readonly emoji: string;
}

/** A message as the rules see it: with its sender, and each reaction on its own. */
export interface Known extends Omit<Message, "reactions"> {
  readonly senderId: number;
  readonly reactors: readonly Reactor[];
}

/** An answer that was given before, and what it was for. */
export interface Answered {
  readonly kind: Change["kind"];
  readonly ack: Ack;
}

/** What the database knows of a batch, its rooms being locked. */
export interface State {
  /** Counters, and the time that changes of the room get. Rooms that are not there are missing. */
  readonly rooms: ReadonlyMap<string, { readonly version: number; readonly at: string }>;
  /** By {@link changeKey}. */
  readonly answered: ReadonlyMap<string, Answered>;
  /** The messages that are pointed at, by {@link messageKey}. */
  readonly messages: ReadonlyMap<string, Known>;
}

export interface Decision {
  readonly outcomes: readonly Outcome[];
  /** The counters that moved. */
  readonly versions: ReadonlyMap<string, number>;
  /** Messages that are new or changed, in their last state. */
  readonly messages: ReadonlyMap<string, { readonly room: string; readonly message: Known }>;
  /** Amendments that were answered now, those that changed nothing among them: what makes them idempotent. */
  readonly recorded: readonly { readonly change: Amendment; readonly ack: Ack }[];
  /** What was done by the operator's order. */
  readonly ordered: readonly { readonly order: Order; readonly room: string; readonly message: Known }[];
}

export interface Rules {
  /** How long a message may be edited after it was posted, in milliseconds; absent: for ever. */
  readonly editWindowMs?: number | undefined;
}

export const messageKey = (room: string, id: number) => `${id} ${room}`;

/** Decides a batch of changes, in their order. Pure. */
export function decide(changes: readonly Change[], state: State, rules: Rules = {}): Decision {
  const answered = new Map(state.answered);
  const versions = new Map<string, number>();
  const messages = new Map<string, { room: string; message: Known }>();
  const recorded: { change: Amendment; ack: Ack }[] = [];
  const ordered: { order: Order; room: string; message: Known }[] = [];

  const outcomes = changes.map((change): Outcome => {
    const room = state.rooms.get(change.room);
    if (!room) return { refused: "not_found" };
    const key = changeKey(change);
    const before = answered.get(key);
    if (before) return repeated(change, before);

    const next = (versions.get(change.room) ?? room.version) + 1;
    const place = messageKey(change.room, change.kind === "post" ? next : change.id);
    const old = messages.get(place)?.message ?? state.messages.get(place);
    const result =
      change.kind === "post"
        ? { ...posted(change, next, room.at), senderId: change.senderId, reactors: [] }
        : amended(old, change, room.at, rules);
    if (typeof result === "string") return { refused: result };

    const changed = result !== old;
    const message = changed ? { ...result, version: next } : result;
    if (changed) {
      versions.set(change.room, next);
      messages.set(place, { room: change.room, message });
      if ("order" in change && change.order)
        ordered.push({ order: change.order, room: change.room, message });
    }
    const ack = { id: message.id, version: message.version, timestamp: room.at, duplicate: false };
    answered.set(key, { kind: change.kind, ack });
    if (change.kind !== "post") recorded.push({ change, ack });
    return { ack, state: changed ? stateOf(message) : null };
  });
  return { outcomes, versions, messages, recorded, ordered };
}

/** The key was used before. For a change of another kind or of another message it stood for something else. */
const repeated = (change: Change, { kind, ack }: Answered): Outcome =>
  kind === change.kind && (change.kind === "post" || change.id === ack.id)
    ? { ack: { ...ack, duplicate: true }, state: null }
    : { refused: "client_id_reused" };

/** The message of a post that took version `id`. */
export const posted = (post: Post, id: number, at: string): Message => ({
  id,
  version: id,
  username: post.username,
  clientId: post.clientId,
  content: post.content,
  replyTo: post.replyTo,
  timestamp: at,
  editedAt: null,
  deletedAt: null,
  reactions: [],
});

/** The message after an amendment; the very same object where it changes nothing. */
function amended(message: Known | undefined, change: Amendment, at: string, rules: Rules): Known | ErrorCode {
  if (!message) return "not_found";
  if (change.kind !== "react" && change.senderId !== message.senderId && !isOrdered(change))
    return "forbidden";
  if (message.deletedAt !== null) return change.kind === "delete" ? message : "not_found";
  switch (change.kind) {
    case "edit":
      if (change.content === message.content) return message;
      if (isPast(message.timestamp, at, rules.editWindowMs)) return "too_late";
      return { ...message, content: change.content, editedAt: at };
    case "delete":
      return { ...message, content: "", reactors: [], deletedAt: at };
    case "react":
      return reacted(message, change);
  }
}

const isOrdered = (change: Amendment) => change.kind === "delete" && change.order !== undefined;

function reacted(message: Known, change: Amendment & { kind: "react" }): Known | ErrorCode {
  const { reactors } = message;
  const own = reactors.find(({ userId, emoji }) => userId === change.senderId && emoji === change.emoji);
  if ((own !== undefined) === change.on) return message;
  if (!change.on) return { ...message, reactors: reactors.filter((reactor) => reactor !== own) };
  const emojis = new Set(reactors.map(({ emoji }) => emoji)).add(change.emoji);
  if (reactors.length >= REACTIONS_MAX || emojis.size > EMOJIS_MAX) return "too_many_reactions";
  const { senderId: userId, username, emoji } = change;
  return { ...message, reactors: [...reactors, { userId, username, emoji }] };
}

const isPast = (since: string, at: string, windowMs: number | undefined) =>
  windowMs !== undefined && Date.parse(at) - Date.parse(since) > windowMs;

/** A message as it is published. */
export function stateOf({ senderId: _, reactors, ...message }: Known): Message {
  return { ...message, reactions: summary(reactors) };
}

/** The reactions by emoji: how many, and the first names, by user. */
export function summary(reactors: readonly Reactor[]): readonly Reaction[] {
  if (reactors.length === 0) return [];
  const byEmoji = Map.groupBy(
    reactors.toSorted((a, b) => a.userId - b.userId),
    ({ emoji }) => emoji,
  );
  return inOrder(
    [...byEmoji].map(([emoji, those]) => ({
      emoji,
      count: those.length,
      users: those.slice(0, NAMES_MAX).map(({ username }) => username),
    })),
  );
}

/** Reactions in the one order that they are shown in, live and from the database alike. */
export const inOrder = (reactions: readonly Reaction[]): readonly Reaction[] =>
  reactions.toSorted((a, b) => (a.emoji < b.emoji ? -1 : 1));

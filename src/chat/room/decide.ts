import { fittingMentions, type Message } from "../../message.ts";
import type { Order } from "../../order.ts";
import { isBlank } from "../../protocol/blank.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import {
  type Ack,
  type Amendment,
  type Change,
  changeKey,
  isRuling,
  type Outcome,
  type Post,
  posted,
  type Removal,
  type Ruling,
  SYSTEM_ID,
  targetOf,
} from "../change.ts";
import { mutedFor, outranks, permits, permitsServer, type SeatFacts } from "../rights.ts";
import { createAttaching } from "./attaching.ts";
import { type AllMentions, createAddressing, sameMentions, someMentions } from "./mentioning.ts";
import { reacted, type Reactor, summary, without } from "./reactors.ts";
import { createReplying } from "./replying.ts";
import { BLANK, fitsFrame, OVERSIZE } from "./refusals.ts";
import { createRulings, type LockedRoom } from "./rulings.ts";
import {
  type Answered,
  type Decision,
  type Known,
  messageKey,
  type Removed,
  type Rules,
  type State,
} from "./state.ts";

export {
  type Answered,
  type Decision,
  type Known,
  messageKey,
  type Removed,
  type Rules,
  type State,
} from "./state.ts";

/** Decides a batch of changes, in order, each by what its sender may do by then. Pure. */
export function decide(changes: readonly Change[], state: State, rules: Rules = {}): Decision {
  const answered = new Map(state.answered);
  const versions = new Map<string, number>();
  const messages = new Map<string, { room: string; message: Known }>();
  const recorded: { change: Amendment | Ruling; ack: Ack }[] = [];
  const removed: Removed[] = [];
  const messageOf = (room: string, id: number) =>
    messages.get(messageKey(room, id))?.message ?? state.messages.get(messageKey(room, id));
  const replying = createReplying(state, messages);
  const attaching = createAttaching(state.files);
  const missed: { room: string; id: number; unreached: readonly string[] }[] = [];
  const rulings = createRulings(state, messageOf);
  const addressingOf = createAddressing(state.mentioned, rulings, rules.membersOnly);

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
    const message: Known = { ...rest, mentions: null, senderId: change.senderId, reactors: [] };
    const ack = { id: next, version: next, timestamp, duplicate: false };
    versions.set(change.room, next);
    messages.set(messageKey(change.room, next), { room: change.room, message });
    answered.set(changeKey({ ...change, kind: "post" }), { kind: "notice", ack });
    return done(ack, notice);
  };

  const outcomes = changes.map((change): Outcome => {
    const key = changeKey(change);
    // First of all: a repeat gets its ack, whatever its sender may do by now.
    const before =
      answered.get(key) ??
      (isRuling(change) ? answered.get(changeKey({ ...change, kind: "post" })) : undefined);
    if (before) return repeated(change, before);
    const room = state.rooms.get(change.room);
    if (isRuling(change)) return room ? decideRuling(change, room) : { refused: "not_found" };

    const old = "id" in change ? messageOf(change.room, change.id) : undefined;
    if (change.kind === "edit" && !old?.files && isBlank(change.content)) return BLANK;
    if (change.kind === "remove") {
      if (change.id <= rulings.roomOf(change.room).beginsAfter) return { refused: "not_found" };
    } else {
      const sender = rulings.membership(change.room, change.senderId);
      const now = room ? Date.parse(room.at) : 0;
      const isOther = change.kind === "delete" && old !== undefined && old.senderId !== change.senderId;
      const action = change.kind !== "delete" ? "post" : isOther ? "moderate" : "retract";
      const refused = isOfServer(change)
        ? permitsServer(sender, action)
        : permits(sender, action, { now, membersOnly: rules.membersOnly });
      if (refused)
        return refused === "muted" ? { refused, retryAfterMs: mutedFor(sender, now) } : { refused };
      if (isOther && (change.own || !mayRemove(change, sender, rulings.seatOf(change.room, old.senderId))))
        return { refused: "forbidden" };
      // What they cannot see is not there.
      if ("id" in change && change.id < sender.from) return { refused: "not_found" };
      const unanswerable = change.kind === "post" && replying.refuse(change, sender.from);
      if (unanswerable) return unanswerable;
    }
    if (!room) return { refused: "not_found" };

    const next = (versions.get(change.room) ?? room.version) + 1;
    const files = change.kind === "post" ? attaching.filesOf(change) : null;
    if (files !== null && typeof files === "object") return files;
    const addressing = addressingOf(change, old, next);
    if (typeof addressing === "string") return { refused: addressing };
    const mentions = addressing ? someMentions(addressing) : null;
    const result =
      change.kind === "post"
        ? {
            ...posted(replying.inThread(change), next, room.at, files),
            mentions,
            senderId: change.senderId,
            reactors: [],
          }
        : amended(old, change, room.at, rules, mentions);
    if (typeof result === "string") return { refused: result };
    if (!fitsFrame(result)) return OVERSIZE;

    const changed = result !== old;
    const message = changed ? { ...result, version: next } : result;
    if (changed) {
      versions.set(change.room, next);
      messages.set(messageKey(change.room, message.id), { room: change.room, message });
      const order = orderOf(change, message);
      attaching.changed(change, old, message);
      if (change.kind === "post") replying.posted(change, message);
      if (order) removed.push({ order, room: change.room, message });
      if (message.deletedAt) rulings.pins.set({ room: change.room, id: message.id, version: null });
      if (change.kind === "post" && !isOfServer(change) && rulings.roomOf(change.room).kind === "open")
        rulings.enrol({ userId: change.senderId, room: change.room }, next);
    }
    const unreached = addressing?.unreached ?? [];
    const ack = {
      id: message.id,
      version: message.version,
      timestamp: room.at,
      duplicate: false,
      ...(unreached.length > 0 && { unreached }),
    };
    answered.set(key, { kind: change.kind, ack });
    if (change.kind !== "post" && change.kind !== "remove") recorded.push({ change, ack });
    else if (unreached.length > 0) missed.push({ room: change.room, id: ack.id, unreached });
    return { ack, state: changed ? stateOf(message) : null };
  });
  const { ruled, enrolled } = rulings;
  return {
    outcomes,
    versions,
    messages,
    recorded,
    ...attaching.written(),
    threaded: replying.threaded,
    missed,
    removed,
    enrolled: [...enrolled.values()],
    ruled,
    pins: [...rulings.pins.changed.values()],
  };
}

const isOfServer = (change: Change) => "senderId" in change && change.senderId === SYSTEM_ID;

const mayRemove = (change: Change, sender: SeatFacts, author: SeatFacts) =>
  isOfServer(change) || outranks(sender, author);

/** The order by which someone else than its sender deleted a message, if that is what happened. */
function orderOf(change: Amendment | Post | Removal, message: Known): Order | undefined {
  if (change.kind === "remove") return change.reactionsOf === undefined ? change.order : undefined;
  return change.kind === "delete" && change.senderId !== message.senderId ? change.order : undefined;
}

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
  mentions: AllMentions | null,
): Known | ErrorCode {
  if (!message) return "not_found";
  if (message.notice !== null) return "notice_fixed";
  if (change.kind === "edit" && change.senderId !== message.senderId) return "forbidden";
  if (message.deletedAt !== null)
    return change.kind === "delete" || change.kind === "remove" ? message : "not_found";
  switch (change.kind) {
    case "edit": {
      const { data = message.data } = change;
      const isSame = change.content === message.content && data === message.data;
      if (isSame && sameMentions(mentions, message.mentions)) return message;
      if (isPast(message.timestamp, at, rules.editWindowMs)) return "too_late";
      return { ...message, content: change.content, data, mentions, editedAt: at };
    }
    case "remove":
      if (change.reactionsOf !== undefined)
        return withReactors(message, without(message.reactors, change.reactionsOf));
      return deleted(message, at);
    case "delete":
      return deleted(message, at);
    case "react":
      return withReactors(message, reacted(message.reactors, change));
  }
}

/** Returns the message with these reactions, the same object if they are the same. */
function withReactors(message: Known, reactors: readonly Reactor[] | ErrorCode): Known | ErrorCode {
  if (typeof reactors === "string") return reactors;
  return reactors === message.reactors ? message : { ...message, reactors };
}

const deleted = (message: Known, at: string): Known => ({
  ...message,
  content: "",
  mentions: null,
  data: null,
  files: null,
  reactors: [],
  deletedAt: at,
});

const isPast = (since: string, at: string, windowMs: number | undefined) =>
  windowMs !== undefined && Date.parse(at) - Date.parse(since) > windowMs;

/** Returns the message as it is published. */
export function stateOf({ senderId: _, reactors, mentions, ...message }: Known): Message {
  return {
    ...message,
    mentions: mentions && fittingMentions(mentions.people, mentions.everyone),
    reactions: summary(reactors),
  };
}

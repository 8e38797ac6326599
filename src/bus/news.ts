import * as v from "valibot";
import type { RoomChange } from "../message.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const version = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const word = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const named = v.strictTuple([version, word]);

const message = v.object({
  id: version,
  version,
  username: v.string(),
  clientId: v.string(),
  content: v.string(),
  replyTo: v.nullable(version),
  timestamp: v.string(),
  editedAt: v.nullable(v.string()),
  deletedAt: v.nullable(v.string()),
  reactions: v.array(v.object({ emoji: v.string(), count, users: v.array(v.string()) })),
});

/** A committed range of a room's versions: see message.ts. */
const changed = v.pipe(
  v.object({
    type: v.literal("changed"),
    room: word,
    epoch: word,
    from: version,
    to: version,
    states: v.array(message),
  }),
  // Out of order or of other versions, its states would reach readers so.
  v.check(({ from, to, states }) => {
    let last = from - 1;
    for (const state of states) {
      if (state.version <= last || state.id > state.version) return false;
      last = state.version;
    }
    return last <= to && from <= to;
  }),
);

/** The room has come to this version; what changed is too large to be told. */
const moved = v.object({ type: v.literal("moved"), room: word, epoch: word, version });

/** A node's people in a room: how many, and some of them by id and name. */
const attendance = v.object({
  type: v.literal("attendance"),
  room: word,
  /** Rises with every word of that node: an older one that comes later says nothing. */
  at: count,
  online: count,
  people: v.pipe(v.array(named), v.maxLength(100)),
  /** The node wants to hear of the others' people. */
  ask: v.optional(v.literal(true)),
});

const typing = v.object({ type: v.literal("typing"), room: word, username: word });

/** How far someone has read, for their sockets on other nodes. */
const read = v.object({ type: v.literal("read"), room: word, userId: version, id: version });

const roomNews = v.variant("type", [changed, moved, attendance, typing, read]);

/** Access ended: some sessions of a user, or (null) all that the user has. */
const ended = v.object({
  type: v.literal("ended"),
  userId: version,
  sessionIds: v.nullable(v.array(word)),
  reason: v.picklist(["session_ended", "account_disabled"]),
});

/** A user was banned from a room, or let in again. */
const bans = v.object({ type: v.literal("bans"), userId: version });

/** Messages that people who send fast have sent lately, by user id. */
const spent = v.object({
  type: v.literal("spent"),
  messages: v.pipe(v.array(v.strictTuple([version, version])), v.maxLength(1_000)),
});

/** How many people are there in these rooms? Answered by who has some, to who asks. */
const asked = v.object({
  type: v.literal("count"),
  id: version,
  rooms: v.pipe(v.array(word), v.maxLength(1_000)),
});
const counts = v.object({
  type: v.literal("counts"),
  id: version,
  rooms: v.pipe(v.array(v.strictTuple([word, version])), v.maxLength(1_000)),
});

const notice = v.variant("type", [ended, bans, spent, asked, counts]);

/** What nodes with someone in a room tell each other of it. */
export type RoomNews =
  | ({ readonly type: "changed" } & RoomChange)
  | Readonly<v.InferOutput<typeof moved>>
  | Attendance
  | Readonly<v.InferOutput<typeof typing>>
  | Readonly<v.InferOutput<typeof read>>;
export type Attendance = Readonly<v.InferOutput<typeof attendance>>;
/** What every node tells all others. */
export type Notice = Readonly<v.InferOutput<typeof notice>>;
export type News = RoomNews | Notice;

/** What one frame carries. */
export const NEWS: v.GenericSchema<unknown, News[]> = v.array(v.variant("type", [roomNews, notice]));

import * as v from "valibot";
import { MESSAGE, REPLIES, type Replies, type RoomChange } from "../message.ts";
import { PERSON } from "../person.ts";
import { BUDGET_NAMES, BUDGETS, type SharedBudget } from "../protocol/budgets.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const version = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const word = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const named = v.strictTuple([version, word, PERSON]);

/** A committed range of a room's versions: see message.ts. */
const changed = v.pipe(
  v.object({
    type: v.literal("changed"),
    room: word,
    epoch: word,
    from: version,
    to: version,
    states: v.array(MESSAGE),
  }),
  // Readers get the states as they are, so these must be in order and within the range. They include the last change.
  v.check(({ from, to, states }) => {
    let last = from - 1;
    for (const state of states) {
      if (state.version <= last || state.id > state.version) return false;
      last = state.version;
    }
    return last === to && from <= to;
  }),
);

/** The room has reached this version, and the changes are too large for the bus. */
const moved = v.object({ type: v.literal("moved"), room: word, epoch: word, version });

/** A node's people in a room: their number, and some of them by their number, username, id and name. */
const attendance = v.object({
  type: v.literal("attendance"),
  room: word,
  /** Rises with every report of that node. A report that arrives after a newer one is ignored. */
  at: count,
  online: count,
  people: v.pipe(v.array(named), v.maxLength(100)),
  /** The node asks for the reports of the others. */
  ask: v.optional(v.literal(true)),
});

const typing = v.object({ type: v.literal("typing"), room: word, username: word, user: PERSON });

/** How far someone has read, for their sockets on other nodes and, with a `reader`, for everyone in the room. */
const read = v.object({
  type: v.literal("read"),
  room: word,
  userId: version,
  id: version,
  /** It moved back. */
  back: v.optional(v.literal(true)),
  reader: v.optional(v.object({ username: word, user: PERSON })),
});

/** The replies in a thread, when the room was at the version `counter`. */
const thread = v.object({
  type: v.literal("thread"),
  room: word,
  root: version,
  counter: version,
  replies: v.nullable(REPLIES),
});

const roomNews = v.variant("type", [changed, moved, attendance, typing, read, thread]);

/** Access ended: some sessions of a user, or (null) all that the user has. */
const ended = v.object({
  type: v.literal("ended"),
  userId: version,
  sessionIds: v.nullable(v.array(word)),
  reason: v.picklist(["session_ended", "account_disabled"]),
});

/** Someone left an open room for good. The database knows whether they are back. */
const left = v.object({ type: v.literal("left"), userId: version, room: word });

/** What someone keeps about a thread has changed. */
const followed = v.object({
  type: v.literal("followed"),
  userId: version,
  room: word,
  root: version,
  following: v.boolean(),
  lastRead: count,
});

/** What heavy users spent of their budgets lately, by user id or network. */
const spent = v.object({
  type: v.literal("spent"),
  spent: v.pipe(
    v.array(
      v.strictTuple([
        v.picklist(BUDGET_NAMES.filter((name): name is SharedBudget => BUDGETS[name].per !== "socket")),
        v.union([version, word]),
        v.pipe(v.number(), v.finite(), v.minValue(0)),
      ]),
    ),
    v.maxLength(1_000),
  ),
});

/** Rooms with new messages, with the ids of these. */
const activity = v.object({
  type: v.literal("activity"),
  rooms: v.pipe(v.array(v.strictTuple([word, version])), v.maxLength(1_000)),
});

/** Asks how many people are in these rooms. Nodes with people there reply to the sender with `counts`. */
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

/** The journal has a row with this number. */
const journal = v.object({ type: v.literal("journal"), seq: version });

const people = v.pipe(v.array(version), v.maxLength(1_000));
/** Asks which of these people have an open socket. Nodes that have one of some of them reply to the sender with `here`. */
const who = v.object({ type: v.literal("who"), id: version, users: people });
const here = v.object({ type: v.literal("here"), id: version, users: people });

const notice = v.variant("type", [ended, left, followed, spent, activity, asked, counts, journal, who, here]);

/** News of one room, for nodes with someone in it. */
export type RoomNews =
  | ({ readonly type: "changed" } & RoomChange)
  | Readonly<v.InferOutput<typeof moved>>
  | Attendance
  | Readonly<v.InferOutput<typeof typing>>
  | Readonly<v.InferOutput<typeof read>>
  | (Omit<Readonly<v.InferOutput<typeof thread>>, "replies"> & { readonly replies: Replies | null });
export type Attendance = Readonly<v.InferOutput<typeof attendance>>;
/** News for all other nodes. */
export type Notice = Readonly<v.InferOutput<typeof notice>>;
export type News = RoomNews | Notice;

/** The contents of one frame. */
export const NEWS: v.GenericSchema<unknown, News[]> = v.array(v.variant("type", [roomNews, notice]));

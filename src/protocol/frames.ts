import * as v from "valibot";
import { ERRORS, type ErrorCode } from "./codes.ts";
import { HISTORY_MAX, ID_MAX, MESSAGE_MAX_CHARS, TOKEN_MAX } from "./limits.ts";
import { ROOM_SPELLING, roomName } from "./rooms.ts";
import { emoji } from "./emoji.ts";
import { text } from "./text.ts";

/** A whole number from 0 on that a double holds exactly. */
const whole = v.pipe(
  v.number("must be a number"),
  v.safeInteger("must be a whole number"),
  v.minValue(0, "must not be negative"),
  v.maxValue(ID_MAX, "is too large"),
);
/** The id of a message, which is a version of its room. */
export const messageId = v.pipe(whole, v.minValue(1, "must be at least 1"));

/** A uuid in any spelling; read as its one lower-case spelling (RFC 9562). */
export const uuid = v.pipe(v.string("must be a string"), v.uuid("must be a uuid"), v.toLowerCase());

/** What makes a change one change. */
export const clientId = v.pipe(uuid, v.description("Of this change: sent again with it, it is done once."));

export const room = v.pipe(
  v.string("must be a string"),
  v.metadata({ description: "The name of a room, in any spelling.", ...ROOM_SPELLING }),
  v.transform((name) => roomName(name) ?? ""),
  v.minLength(1, "is not the name of a room"),
);

/** Where a client stands in a room's history: `<epoch>.<version>`. */
export const position = v.pipe(
  v.string("must be a string"),
  v.regex(/^[\w-]{1,64}\.\d{1,16}$/, "must be <epoch>.<version>"),
  v.description("What the client has: <epoch>.<version>."),
  v.transform((text) => {
    const dot = text.lastIndexOf(".");
    return { epoch: text.slice(0, dot), version: Number(text.slice(dot + 1)) };
  }),
  v.check(({ version }) => version <= ID_MAX, "is too large"),
);
export type Position = v.InferOutput<typeof position>;

/** The text of a message: not blank, no NUL, no lone surrogates. A server may allow less than the greatest length there is. */
export const content = text({ min: 1, max: MESSAGE_MAX_CHARS });

const ref = v.pipe(whole, v.description("Given by the client; the reply carries it."));
/** On a room's own URL a command may leave the room out. */
const inRoom = { ref, room: v.optional(room) };
/** Answered only where it has a ref. */
const told = { ...inRoom, ref: v.optional(ref) };

/** chat.v1: what a client sends. Unknown fields are ignored. */
export const COMMANDS = {
  join: v.object({ type: v.literal("join"), ...inRoom, since: v.optional(position) }),
  leave: v.object({ type: v.literal("leave"), ...inRoom }),
  send: v.object({
    type: v.literal("send"),
    ...inRoom,
    clientId,
    content,
    replyTo: v.optional(v.nullable(messageId), null),
  }),
  edit: v.object({ type: v.literal("edit"), ...inRoom, clientId, id: messageId, content }),
  delete: v.object({ type: v.literal("delete"), ...inRoom, clientId, id: messageId }),
  react: v.object({
    type: v.literal("react"),
    ...inRoom,
    clientId,
    id: messageId,
    emoji,
    on: v.boolean("must be true or false"),
  }),
  history: v.object({
    type: v.literal("history"),
    ...inRoom,
    before: v.optional(messageId),
    after: v.optional(whole),
    limit: v.optional(
      v.pipe(whole, v.minValue(1, "must be at least 1"), v.maxValue(HISTORY_MAX, "is too large")),
    ),
  }),
  read: v.object({ type: v.literal("read"), ...told, id: messageId }),
  typing: v.object({ type: v.literal("typing"), ...told }),
  auth: v.object({
    type: v.literal("auth"),
    ref,
    token: v.pipe(v.string("must be a string"), v.maxLength(TOKEN_MAX, "is too long")),
  }),
  ping: v.object({ type: v.literal("ping"), ref }),
} as const;

export type CommandType = keyof typeof COMMANDS;
export type CommandOf<T extends CommandType> = v.InferOutput<(typeof COMMANDS)[T]>;
export type Command = { [T in CommandType]: CommandOf<T> }[CommandType];

/** The `ref` of a frame that may otherwise be wrong, so that its error can name it. */
export const REF = v.object({ ref });

/** The plain protocol: what a client of a room's URL without a subprotocol sends. */
export const PLAIN_MESSAGE = v.object({ message: content, clientId: v.optional(clientId) });

/** The `clientId` of a plain frame that may otherwise be wrong, so that its error can name it. */
export const CLIENT_ID = v.object({ clientId });

const error = {
  code: v.picklist(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: v.string(),
  retryable: v.boolean(),
  retryAfterMs: v.optional(v.number()),
};

/** A time as the server writes it: ISO 8601 in UTC. */
export const timestamp = v.pipe(v.string(), v.isoTimestamp());
const id = v.pipe(v.string(), v.uuid());

/** A message as it is shown to a client, in events, replies and over HTTP. Absent fields are those that say nothing. */
export const message = {
  id: messageId,
  version: messageId,
  username: v.string(),
  content: v.string(),
  timestamp,
  clientId: id,
  replyTo: v.optional(messageId),
  editedAt: v.optional(timestamp),
  deletedAt: v.optional(timestamp),
  reactions: v.optional(v.record(v.string(), v.object({ count: v.number(), users: v.array(v.string()) }))),
};

const fields = { room: v.string(), version: whole };

/** chat.v1: what a server sends. A client ignores unknown fields and unknown types. */
export const SERVER_FRAMES = {
  // Replies, which carry the ref of their command.
  ok: v.looseObject({ type: v.literal("ok"), ref }),
  error: v.object({ type: v.literal("error"), ref: v.optional(ref), ...error }),
  // Events.
  welcome: v.object({
    type: v.literal("welcome"),
    user: v.object({ id: v.number(), username: v.string() }),
    expiresAt: timestamp,
    heartbeatMs: v.number(),
    limits: v.object({
      frameBytes: v.number(),
      messageChars: v.number(),
      rooms: v.number(),
    }),
  }),
  joined: v.object({
    type: v.literal("joined"),
    ...fields,
    epoch: v.string(),
    resumed: v.boolean(),
    online: v.optional(v.number()),
    people: v.optional(v.array(v.string())),
    lastRead: v.optional(whole),
    unread: v.optional(whole),
  }),
  message: v.object({
    type: v.literal("message"),
    room: v.string(),
    change: v.picklist(["created", "updated", "deleted"]),
    prev: v.optional(whole),
    replay: v.optional(v.literal(true)),
    ...message,
  }),
  synced: v.object({ type: v.literal("synced"), ...fields }),
  lagging: v.object({ type: v.literal("lagging"), ...fields }),
  presence: v.object({
    type: v.literal("presence"),
    room: v.string(),
    online: v.number(),
    joined: v.optional(v.array(v.string())),
    left: v.optional(v.array(v.string())),
  }),
  typing: v.object({ type: v.literal("typing"), room: v.string(), username: v.string() }),
  read: v.object({ type: v.literal("read"), room: v.string(), id: whole }),
  left: v.object({ type: v.literal("left"), room: v.string(), code: v.number() }),
  expiring: v.object({ type: v.literal("expiring"), at: timestamp }),
  closing: v.object({ type: v.literal("closing"), reason: v.string(), retryAfterMs: v.number() }),
} as const;

export type ServerFrameType = keyof typeof SERVER_FRAMES;
export type ServerFrame = {
  [T in ServerFrameType]: v.InferOutput<(typeof SERVER_FRAMES)[T]>;
}[ServerFrameType];

const ok = { type: v.literal("ok"), ref };
const amended = { ...ok, id: messageId, version: messageId, duplicate: v.optional(v.literal(true)) };

/** chat.v1: what `ok` says to each command. */
export const REPLIES = {
  join: v.object(ok),
  leave: v.object(ok),
  send: v.object({ ...amended, timestamp }),
  edit: v.object(amended),
  delete: v.object(amended),
  react: v.object(amended),
  history: v.object({ ...ok, messages: v.array(v.object(message)), more: v.boolean() }),
  read: v.object(ok),
  typing: v.object(ok),
  auth: v.object({ ...ok, expiresAt: timestamp }),
  ping: v.object(ok),
} as const satisfies Record<CommandType, v.GenericSchema>;

/** The plain protocol: what a server sends. */
export const PLAIN_FRAMES = {
  message: v.object({
    id: messageId,
    room: v.string(),
    username: v.string(),
    message: v.string(),
    timestamp,
    clientId: id,
    duplicate: v.optional(v.literal(true)),
  }),
  error: v.object({ error: v.object({ ...error, clientId: v.optional(id) }) }),
} as const;

import * as v from "valibot";
import { ERRORS, type ErrorCode } from "./codes.ts";
import { HISTORY_MAX, TOKEN_MAX } from "./limits.ts";
import { MEMBER_SETTINGS, ROLES, ROOM_KINDS } from "./membership.ts";
import { emoji } from "./emoji.ts";
import { file } from "./files.ts";
import { acked, content, draft, revision } from "./drafts.ts";
import { notice, person, personName, role, roomSettings, until } from "./people.ts";
import { clientId, messageId, position, room, timestamp, whole } from "./values.ts";
import { continued, follow, followed, narrowed, ofThread, thread } from "./threads.ts";

export { content, draft, revision } from "./drafts.ts";
export { clientId, messageId, type Position, position, room, timestamp, uuid } from "./values.ts";

const flag = v.boolean("must be true or false");
const ref = v.pipe(whole, v.description("Chosen by the client and repeated in the reply."));
/** A command on a room's own URL may omit `room`. */
const inRoom = { ref, room: v.optional(room) };
/** The command gets a reply only if it has a `ref`. */
const unacknowledged = { ...inRoom, ref: v.optional(ref) };

/** chat.v1: frames from clients. Unknown fields are refused in changes, where they would be lost, and ignored elsewhere. */
export const COMMANDS = {
  join: v.object({ type: v.literal("join"), ...inRoom, since: v.optional(position) }),
  leave: v.object({ type: v.literal("leave"), ...inRoom }),
  send: v.strictObject({
    type: v.literal("send"),
    ...inRoom,
    clientId,
    ...draft,
  }),
  edit: v.strictObject({ type: v.literal("edit"), ...inRoom, clientId, id: messageId, ...revision }),
  delete: v.strictObject({ type: v.literal("delete"), ...inRoom, clientId, id: messageId }),
  react: v.strictObject({
    type: v.literal("react"),
    ...inRoom,
    clientId,
    id: messageId,
    emoji,
    on: flag,
  }),
  member: v.object({
    type: v.literal("member"),
    ...inRoom,
    clientId,
    user: personName,
    set: v.picklist(MEMBER_SETTINGS, `must be one of ${MEMBER_SETTINGS.join(", ")}`),
    role: v.optional(role),
    until: v.optional(until),
    heir: v.optional(personName),
  }),
  room: v.object({ type: v.literal("room"), ...inRoom, clientId, ...roomSettings }),
  pin: v.strictObject({ type: v.literal("pin"), ...inRoom, clientId, id: messageId, on: flag }),
  history: v.object({
    type: v.literal("history"),
    ...inRoom,
    before: v.optional(messageId),
    after: v.optional(whole),
    notices: v.optional(flag),
    ...narrowed,
    limit: v.optional(
      v.pipe(
        whole,
        v.minValue(1, "must be at least 1"),
        v.maxValue(HISTORY_MAX, `must be at most ${HISTORY_MAX}`),
      ),
    ),
  }),
  read: v.object({ type: v.literal("read"), ...unacknowledged, id: messageId, back: v.optional(flag) }),
  follow: v.object({ type: v.literal("follow"), ...inRoom, ...follow }),
  typing: v.object({ type: v.literal("typing"), ...unacknowledged }),
  watch: v.object({ type: v.literal("watch"), ref, on: flag }),
  auth: v.object({
    type: v.literal("auth"),
    ref,
    token: v.pipe(
      v.string("must be a string"),
      v.maxLength(TOKEN_MAX, `must have at most ${TOKEN_MAX} characters`),
    ),
  }),
  ping: v.object({ type: v.literal("ping"), ref }),
} as const;

export type CommandType = keyof typeof COMMANDS;
export type CommandOf<T extends CommandType> = v.InferOutput<(typeof COMMANDS)[T]>;
export type Command = { [T in CommandType]: CommandOf<T> }[CommandType];

/** Reads the `ref` of a frame that is otherwise invalid, so that the error frame can carry it. */
export const REF = v.object({ ref });

/** Plain protocol: frames from clients. */
export const PLAIN_MESSAGE = v.object({ message: content, clientId: v.optional(clientId) });

/** Reads the `clientId` of a plain frame that is otherwise invalid, so that the error frame can carry it. */
export const CLIENT_ID = v.object({ clientId });

/** A person: their id, which never changes, and the display name unless it is the username. */
export const user = v.object({ id: v.string(), name: v.optional(v.string()) });

const error = {
  code: v.picklist(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: v.string(),
  retryable: v.boolean(),
  retryAfterMs: v.optional(v.number()),
  claim: v.optional(v.literal(true)),
};

const id = v.pipe(v.string(), v.uuid());

/** The ids and names of the people in the list beside it, in its order. The last ones are missing if they are too long. */
const profiles = v.array(user);

/** A message as clients see it, in events, replies and over HTTP. Fields without a value are omitted. */
export const message = {
  id: messageId,
  version: messageId,
  username: v.string(),
  user,
  content: v.string(),
  timestamp,
  clientId: id,
  data: v.optional(v.record(v.string(), v.unknown())),
  replyTo: v.optional(messageId),
  ...ofThread,
  files: v.optional(v.array(v.object(file))),
  mentions: v.optional(
    v.pipe(
      v.array(v.object(person)),
      v.description("Whom it mentions. Only the first ones, if they are long."),
    ),
  ),
  everyone: v.optional(v.literal(true)),
  editedAt: v.optional(timestamp),
  deletedAt: v.optional(timestamp),
  reactions: v.optional(
    v.record(v.string(), v.object({ count: v.number(), users: v.array(v.string()), profiles })),
  ),
};

const fields = { room: v.string(), version: whole };

/** chat.v1: frames from the server. Clients ignore unknown fields and types. */
export const SERVER_FRAMES = {
  // Replies carry the `ref` of their command.
  ok: v.looseObject({ type: v.literal("ok"), ref }),
  error: v.object({ type: v.literal("error"), ref: v.optional(ref), ...error }),
  // Events have no `ref`.
  welcome: v.object({
    type: v.literal("welcome"),
    user: v.object({
      ...user.entries,
      username: v.string(),
      picture: v.optional(v.string()),
    }),
    expiresAt: timestamp,
    heartbeatMs: v.number(),
    limits: v.object({
      frameBytes: v.number(),
      messageChars: v.number(),
      rooms: v.number(),
      /** The largest file, in bytes. Missing if this server takes no files. */
      fileBytes: v.optional(v.number()),
      /** By name: units a second, and at once. Budgets that are turned off are missing. */
      budgets: v.optional(v.record(v.string(), v.object({ rate: v.number(), burst: v.number() }))),
    }),
  }),
  joined: v.object({
    type: v.literal("joined"),
    ...fields,
    epoch: v.string(),
    resumed: v.boolean(),
    kind: v.picklist(ROOM_KINDS),
    role: v.picklist(ROLES),
    title: v.optional(v.string()),
    topic: v.optional(v.string()),
    archived: v.optional(v.literal(true)),
    history: v.optional(v.literal("joined")),
    membersAdd: v.optional(v.literal(true)),
    receipts: v.optional(v.literal(true)),
    mutedUntil: v.optional(v.nullable(timestamp)),
    from: v.optional(messageId),
    online: v.optional(v.number()),
    people: v.optional(v.array(v.string())),
    profiles: v.optional(profiles),
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
  notice: v.object({
    type: v.literal("notice"),
    room: v.string(),
    prev: v.optional(whole),
    replay: v.optional(v.literal(true)),
    ...notice,
  }),
  synced: v.object({ type: v.literal("synced"), ...fields }),
  lagging: v.object({ type: v.literal("lagging"), ...fields }),
  presence: v.object({
    type: v.literal("presence"),
    room: v.string(),
    online: v.number(),
    joined: v.optional(v.array(v.string())),
    profiles: v.optional(profiles),
    left: v.optional(v.array(v.string())),
  }),
  typing: v.object({ type: v.literal("typing"), room: v.string(), username: v.string(), user }),
  read: v.object({ type: v.literal("read"), room: v.string(), id: whole, back: v.optional(v.literal(true)) }),
  thread: v.object({ type: v.literal("thread"), room: v.string(), ...thread }),
  activity: v.object({
    type: v.literal("activity"),
    room: v.string(),
    id: messageId,
    /** Unread mentions of the person, up to 100. Missing if the new messages do not mention them. */
    mentions: v.optional(whole),
  }),
  rooms: v.object({
    type: v.literal("rooms"),
    room: v.string(),
    change: v.picklist(["added", "removed", "renamed", "changed"]),
  }),
  receipt: v.object({ type: v.literal("receipt"), room: v.string(), id: whole, username: v.string(), user }),
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

/** Its id is that of the notice, or 0 if it changed nothing. */
const ruled = { ...amended, id: whole, version: whole };

/** chat.v1: the `ok` reply to each command. */
export const REPLIES = {
  join: v.object(ok),
  leave: v.object(ok),
  send: v.object({ ...amended, timestamp, ...acked }),
  edit: v.object({ ...amended, ...acked }),
  delete: v.object(amended),
  react: v.object(amended),
  member: v.object(ruled),
  room: v.object(ruled),
  pin: v.object(ruled),
  history: v.object({
    ...ok,
    messages: v.array(v.union([v.object(message), v.object(notice)])),
    more: v.boolean(),
    ...continued,
  }),
  read: v.object(ok),
  follow: v.object({ ...ok, ...followed }),
  typing: v.object(ok),
  watch: v.object(ok),
  auth: v.object({ ...ok, expiresAt: timestamp }),
  ping: v.object(ok),
} as const satisfies Record<CommandType, v.GenericSchema>;

/** Plain protocol: frames from the server. */
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

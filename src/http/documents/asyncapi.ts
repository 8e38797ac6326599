import * as v from "valibot";
import { CLOSE, ERRORS, type ErrorCode } from "../../protocol/codes.ts";
import {
  type CommandType,
  COMMANDS,
  PLAIN_FRAMES,
  PLAIN_MESSAGE,
  position,
  REPLIES,
  SERVER_FRAMES,
  type ServerFrameType,
} from "../../protocol/frames.ts";
import { type JsonSchema, jsonSchemaOf } from "./jsonschema.ts";

export type EventType = Exclude<ServerFrameType, "ok" | "error">;

const COMMAND_SUMMARIES: Readonly<Record<CommandType, string>> = {
  join: "Joins a room. Given a position in since, resumes from it.",
  leave: "Stops the events of a room on this socket. The person stays a member.",
  send: "Posts a message. Idempotent: a resend with the same clientId does not post it again.",
  edit: "Changes the text of your own message.",
  delete: "Deletes your own message, or as a moderator anyone's. A tombstone remains.",
  react: "Adds a reaction to a message or removes it.",
  member: "Adds or removes someone, or changes what they may do in the room. Idempotent by clientId.",
  room: "Changes the room itself, such as its title. Idempotent by clientId.",
  pin: "Pins a message in its room or unpins it. Idempotent by clientId.",
  history: "Reads a page of messages. A page may be shorter than the limit: check the field more.",
  read: "Moves your read mark. Gets a reply only if it has a ref.",
  follow: "Follows a thread or not, or moves your read mark in it. The mark never moves back.",
  typing: "Reports that you are typing. Gets a reply only if it has a ref.",
  watch: "Starts or stops activity: new messages in your rooms that this socket has not joined.",
  auth: "Replaces the socket's token with a newer one of the same person.",
  ping: "Checks that the server responds.",
};

const EVENT_SUMMARIES: Readonly<Record<EventType, string>> = {
  welcome: "The first frame of a socket.",
  joined: "The first frame of a room. Sent again if the server restarts the room.",
  message:
    "The whole state of a message that was posted or changed. Live messages have prev, replayed ones replay.",
  notice:
    "The room itself or who may do what has changed. Live notices have prev, replayed ones replay, and synced follows live ones.",
  synced: "Everything up to this version was delivered. What follows is live.",
  lagging: "The client reads too slowly. The messages it missed follow from the database.",
  presence: "How many people are in the room, and who joined or left.",
  typing: "Someone is typing.",
  read: "Another socket of the same person moved the read mark.",
  thread:
    "A thread has other replies than before, or another socket of the same person follows or has read it.",
  activity: "A room that the socket watches has a new message. At most one a second for each room.",
  rooms: "A room was added to your list or removed from it, renamed, or your role or settings there changed.",
  receipt: "Someone has read up to this message, in a room whose members see each other's read marks.",
  left: "The person is no longer in the room. The close code in code gives the reason.",
  expiring: "The socket's token expires at this time. Send auth with a newer one.",
  closing: "The server is about to close the socket. Reconnect after retryAfterMs.",
};

/**
 * Error codes that reject an upgrade before the socket opens. The plain protocol also rejects upgrades for
 * reasons that concern the person; chat.v1 opens the socket and closes it with a code.
 */
const REFUSALS = [
  "bad_room",
  "unsupported_protocol",
  "invalid",
  "bad_origin",
  "not_found",
  "upgrade_required",
  "rate_limited",
  "busy",
  "internal",
] as const;
const PLAIN_REFUSALS = [
  ...REFUSALS,
  "token_missing",
  "token_invalid",
  "token_expired",
  "session_ended",
  "account_disabled",
  "forbidden",
  "unavailable",
] as const;

interface Message {
  readonly name: string;
  readonly summary: string;
  readonly payload: JsonSchema;
}

interface Ref {
  readonly $ref: string;
}

interface Channel {
  readonly address: string;
  readonly title: string;
  readonly messages: Readonly<Record<string, Ref>>;
  /** Error codes of the HTTP response that rejects an upgrade. */
  readonly "x-refusals": readonly ErrorCode[];
  readonly [more: string]: unknown;
}

export interface AsyncApi {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly channels: Readonly<Record<"socket" | "room" | "plainRoom", Channel>>;
  readonly operations: Readonly<Record<string, unknown>>;
  /**
   * By `command.<type>`, `reply.<command>`, `reply.error`, `event.<type>`, `plain.send`, `plain.message`,
   * `plain.error`.
   */
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
  readonly [more: string]: unknown;
}

/** Returns the AsyncAPI 3 document of the sockets. `receive` means received by the server. */
export function asyncApiOf(version: string): AsyncApi {
  const commands = typed(COMMANDS).map(
    ([type, schema]) => [`command.${type}`, messageOf(type, COMMAND_SUMMARIES[type], schema)] as const,
  );
  const replies = typed(REPLIES).map(
    ([type, schema]) => [`reply.${type}`, messageOf("ok", `The reply to ${type}.`, schema)] as const,
  );
  const { ok: _, error, ...events } = SERVER_FRAMES;
  const failure = [
    "reply.error",
    messageOf("error", "Why a command failed. Has no ref if none could be read.", error),
  ] as const;
  const eventMessages = typed(events).map(
    ([type, schema]) => [`event.${type}`, messageOf(type, EVENT_SUMMARIES[type], schema)] as const,
  );
  const plain = [
    ["plain.send", messageOf("send", "Posts a message.", PLAIN_MESSAGE)],
    [
      "plain.message",
      messageOf("message", "A message of the room, including your own.", PLAIN_FRAMES.message),
    ],
    ["plain.error", messageOf("error", "Why a message was not posted.", PLAIN_FRAMES.error)],
  ] as const;
  const v1 = [...commands, ...replies, failure, ...eventMessages];

  return {
    asyncapi: "3.0.0",
    info: {
      title: "Parley",
      version,
      license: { name: "MIT" },
      description:
        "Chat rooms over WebSockets. With the subprotocol chat.v1, every command gets one reply. Without a subprotocol, a room's URL takes text and sends messages. Clients ignore unknown fields and types.",
    },
    defaultContentType: "application/json",
    channels: {
      socket: {
        address: "/ws/",
        title: "Any number of rooms, chat.v1",
        description: "Join rooms with the join command.",
        messages: refsOf(v1),
        bindings: handshake({ token: TOKEN }),
        "x-subprotocol": "chat.v1",
        "x-refusals": REFUSALS,
      },
      room: {
        address: "/ws/chat/{room}/",
        title: "One room, chat.v1",
        description: "The server joins the room at once. Commands without a room apply to it.",
        parameters: ROOM,
        messages: refsOf(v1),
        bindings: handshake({ token: TOKEN, since: SINCE }),
        "x-subprotocol": "chat.v1",
        "x-refusals": REFUSALS,
      },
      plainRoom: {
        address: "/ws/chat/{room}/",
        title: "One room, plain protocol",
        description: "Connect without a subprotocol.",
        parameters: ROOM,
        messages: refsOf(plain),
        bindings: handshake({ token: TOKEN, since: SINCE }),
        "x-refusals": PLAIN_REFUSALS,
      },
    },
    operations: {
      ...Object.fromEntries(
        (["socket", "room"] as const).flatMap((channel) => [
          ...typed(COMMANDS).map(([type]) => [
            `${channel}.${type}`,
            {
              action: "receive",
              summary: COMMAND_SUMMARIES[type],
              ...on(channel, [`command.${type}`]),
              reply: on(channel, [`reply.${type}`, "reply.error"]),
            },
          ]),
          [
            `${channel}.events`,
            {
              action: "send",
              summary: "Events, and errors without a readable ref.",
              ...on(channel, [...eventMessages.map(([name]) => name), "reply.error"]),
            },
          ],
        ]),
      ),
      "plainRoom.send": {
        action: "receive",
        summary: "Posts a message.",
        ...on("plainRoom", ["plain.send"]),
      },
      "plainRoom.messages": {
        action: "send",
        summary: "The room's messages, and errors.",
        ...on("plainRoom", ["plain.message", "plain.error"]),
      },
    },
    components: { messages: Object.fromEntries([...v1, ...plain]) },
    "x-close-codes": CLOSE,
    "x-error-codes": ERRORS,
  } as AsyncApi;
}

const ROOM = { room: { description: "The room name, percent-encoded as UTF-8." } };
const SINCE = v.optional(position);
const TOKEN = v.optional(
  v.pipe(
    v.string(),
    v.description(
      "An access token. Use this as a last resort; prefer Authorization: Bearer, or bearer.<token> beside chat.v1 in Sec-WebSocket-Protocol.",
    ),
  ),
);

const handshake = (query: v.ObjectEntries) => ({
  ws: { method: "GET", query: jsonSchemaOf(v.object(query)), bindingVersion: "0.1.0" },
});

const messageOf = (name: string, summary: string, schema: v.GenericSchema): Message => ({
  name,
  summary,
  payload: jsonSchemaOf(schema),
});

const refsOf = (messages: readonly (readonly [string, Message])[]): Record<string, Ref> =>
  Object.fromEntries(messages.map(([name]) => [name, { $ref: `#/components/messages/${name}` }]));

const on = (channel: string, messages: readonly string[]) => ({
  channel: { $ref: `#/channels/${channel}` },
  messages: messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
});

/** `Object.entries` with the table's key types. */
const typed = <T extends object>(table: T) => Object.entries(table) as [keyof T & string, v.GenericSchema][];

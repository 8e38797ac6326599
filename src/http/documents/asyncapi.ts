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
  join: "Follows a room, from a position where one is given.",
  leave: "Follows a room no more.",
  send: "Posts a message. Sent again with its clientId, it is there once.",
  edit: "Changes the text of one's own message.",
  delete: "Leaves a tombstone where one's own message was.",
  react: "Gives a reaction, or takes it back.",
  history: "Reads a page of messages; it may end early: go by more.",
  read: "Moves one's read mark. Answered where it has a ref.",
  typing: "Says that one is typing. Answered where it has a ref.",
  auth: "Goes on with a newer token of the same person.",
  ping: "Asks whether the server is there.",
};

const EVENT_SUMMARIES: Readonly<Record<EventType, string>> = {
  welcome: "The first frame of a socket.",
  joined: "The first frame of a room, and again where the server starts it anew.",
  message: "A message that was posted or changed: its whole state. prev live, replay in a replay.",
  synced: "Nothing is missing up to this version; what follows is live.",
  lagging: "The client reads too slowly; what it misses follows from the database.",
  presence: "How many people are in the room, and who came and went.",
  typing: "Someone is typing.",
  read: "Another socket of the same person has moved the read mark.",
  left: "The person is not in the room any more, for the reason that the close code names.",
  expiring: "The token of the socket expires then: send auth.",
  closing: "The server is about to close the socket; connect again after retryAfterMs.",
};

/** What an upgrade is refused with before it opens, whoever asks; the plain protocol, of the person as well. */
const REFUSALS = [
  "bad_room",
  "unsupported_protocol",
  "invalid",
  "bad_origin",
  "not_found",
  "upgrade_required",
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
  /** The problems that an HTTP answer may tell of in the place of an upgrade. */
  readonly "x-refusals": readonly ErrorCode[];
  readonly [more: string]: unknown;
}

export interface AsyncApi {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly channels: Readonly<Record<"socket" | "room" | "plainRoom", Channel>>;
  readonly operations: Readonly<Record<string, unknown>>;
  /** By `command.<type>`, `reply.<command>`, `reply.error`, `event.<type>`, `plain.send`, `plain.message`, `plain.error`. */
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
  readonly [more: string]: unknown;
}

/** The AsyncAPI 3 document of the sockets; `receive` is what the server receives. */
export function asyncApiOf(version: string): AsyncApi {
  const commands = typed(COMMANDS).map(
    ([type, schema]) => [`command.${type}`, messageOf(type, COMMAND_SUMMARIES[type], schema)] as const,
  );
  const replies = typed(REPLIES).map(
    ([type, schema]) => [`reply.${type}`, messageOf("ok", `What ${type} is answered with.`, schema)] as const,
  );
  const { ok: _, error, ...events } = SERVER_FRAMES;
  const refused = [
    "reply.error",
    messageOf("error", "Why it was not done; without ref where none could be read.", error),
  ] as const;
  const told = typed(events).map(
    ([type, schema]) => [`event.${type}`, messageOf(type, EVENT_SUMMARIES[type], schema)] as const,
  );
  const plain = [
    ["plain.send", messageOf("send", "Posts a message.", PLAIN_MESSAGE)],
    [
      "plain.message",
      messageOf("message", "A message of the room, one's own as well.", PLAIN_FRAMES.message),
    ],
    ["plain.error", messageOf("error", "Why a message was not posted.", PLAIN_FRAMES.error)],
  ] as const;
  const v1 = [...commands, ...replies, refused, ...told];

  return {
    asyncapi: "3.0.0",
    info: {
      title: "Parley",
      version,
      license: { name: "MIT" },
      description:
        "Rooms over WebSockets. With the subprotocol chat.v1 every command has one reply; without one, on a room's URL, text goes in and messages come out. Clients ignore fields and types that they do not know.",
    },
    defaultContentType: "application/json",
    channels: {
      socket: {
        address: "/ws/",
        title: "Any rooms, chat.v1",
        description: "Rooms are joined by command.",
        messages: refsOf(v1),
        bindings: handshake({ token: TOKEN }),
        "x-subprotocol": "chat.v1",
        "x-refusals": REFUSALS,
      },
      room: {
        address: "/ws/chat/{room}/",
        title: "A room, chat.v1",
        description: "The room is joined at once; a command that names no room means it.",
        parameters: ROOM,
        messages: refsOf(v1),
        bindings: handshake({ token: TOKEN, since: SINCE }),
        "x-subprotocol": "chat.v1",
        "x-refusals": REFUSALS,
      },
      plainRoom: {
        address: "/ws/chat/{room}/",
        title: "A room, plain",
        description: "Without a subprotocol.",
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
              summary: "What the server says unasked.",
              ...on(channel, [...told.map(([name]) => name), "reply.error"]),
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
        summary: "The messages of the room, and what could not be done.",
        ...on("plainRoom", ["plain.message", "plain.error"]),
      },
    },
    components: { messages: Object.fromEntries([...v1, ...plain]) },
    "x-close-codes": CLOSE,
    "x-error-codes": ERRORS,
  } as AsyncApi;
}

const ROOM = { room: { description: "The name of the room, percent-encoded in UTF-8." } };
const SINCE = v.optional(position);
const TOKEN = v.optional(
  v.pipe(
    v.string(),
    v.description(
      "An access token, the last resort: rather in Authorization: Bearer, or as bearer.<token> beside chat.v1 in Sec-WebSocket-Protocol.",
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

/** `Object.entries` that keeps the names of a table's keys. */
const typed = <T extends object>(table: T) => Object.entries(table) as [keyof T & string, v.GenericSchema][];

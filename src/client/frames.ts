import { ChatError } from "./errors.ts";
import type { EventFrame, Message } from "./message.ts";
import { named } from "./reconnect.ts";

/** The reply to a command: its `ok` with whatever fields, or what went wrong. */
export type Reply = ChatError | Readonly<Record<string, unknown>>;

/** A frame of the server, held against the protocol. */
export type Incoming =
  | { readonly kind: "reply"; readonly ref: number; readonly reply: Reply }
  | { readonly kind: "event"; readonly event: EventFrame }
  /** An error that names no command. */
  | { readonly kind: "error"; readonly error: ChatError }
  /** Of a later protocol: to be ignored. */
  | { readonly kind: "unknown" }
  /** Not of the protocol at all. */
  | { readonly kind: "malformed"; readonly error: ChatError };

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isId = (value: unknown) => isWhole(value) && value > 0;
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const isFlag = (value: unknown) => typeof value === "boolean";

type Check = (value: unknown) => boolean;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));

const isReactions: Check = (value) =>
  isObject(value) && Object.values(value).every(shape({ count: isWhole, users: isTexts }));

const MESSAGE = {
  id: isId,
  version: isId,
  username: isText,
  content: isText,
  timestamp: isText,
  clientId: isText,
  replyTo: optional(isId),
  editedAt: optional(isText),
  deletedAt: optional(isText),
  reactions: optional(isReactions),
};

/** What of each event the client relies on. */
const EVENTS: Readonly<Record<EventFrame["type"], Check>> = {
  welcome: shape({
    user: shape({ id: isNumber, username: isText }),
    expiresAt: isText,
    heartbeatMs: isNumber,
    limits: shape({ frameBytes: isNumber, messageChars: isNumber, rooms: isNumber }),
  }),
  joined: shape({
    room: isText,
    version: isWhole,
    epoch: isText,
    resumed: isFlag,
    online: optional(isWhole),
    people: optional(isTexts),
    lastRead: optional(isWhole),
    unread: optional(isWhole),
  }),
  message: shape({
    ...MESSAGE,
    room: isText,
    change: (value) => value === "created" || value === "updated" || value === "deleted",
    prev: optional(isWhole),
    replay: optional((value) => value === true),
  }),
  synced: shape({ room: isText, version: isWhole }),
  lagging: shape({ room: isText, version: isWhole }),
  presence: shape({ room: isText, online: isWhole, joined: optional(isTexts), left: optional(isTexts) }),
  typing: shape({ room: isText, username: isText }),
  read: shape({ room: isText, id: isWhole }),
  left: shape({ room: isText, code: isNumber }),
  expiring: shape({ at: isText }),
  closing: shape({ reason: isText, retryAfterMs: isNumber }),
};

/** Reads what came over a socket. Never throws. */
export function readFrame(data: unknown): Incoming {
  const frame = isText(data) ? parse(data) : undefined;
  if (!isObject(frame) || !isText(frame.type))
    return malformed("The server sent something that is no frame.");
  const { type, ref } = frame;
  if (type === "ok" || type === "error") {
    const reply = type === "ok" ? frame : errorIn(frame);
    if (isWhole(ref)) return { kind: "reply", ref, reply };
    return reply instanceof ChatError
      ? { kind: "error", error: reply }
      : malformed("The server sent a reply without a ref.");
  }
  if (!Object.hasOwn(EVENTS, type)) return { kind: "unknown" };
  const event = frame as unknown as EventFrame;
  return EVENTS[event.type](frame)
    ? { kind: "event", event }
    : malformed(`The server sent a frame "${event.type}" with fields that do not fit.`);
}

const malformed = (message: string): Incoming => ({
  kind: "malformed",
  error: new ChatError("bad_answer", message),
});

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error of an error frame, or of a problem document (RFC 9457) where there is a `status`. */
export function errorIn(fields: Fields, status?: number): ChatError {
  const { code, message, detail, title, retryable, errors } = fields;
  const text = [message, detail, title].find(isText) ?? "The server gave no reason.";
  return new ChatError(isText(code) ? code : "bad_answer", text, {
    retryable: retryable === true,
    retryAfterMs: named(fields.retryAfterMs) || undefined,
    ...(status !== undefined && { status }),
    ...(isObject(errors) && Object.values(errors).every(isTexts) && { errors: errors as never }),
  });
}

/** The fields of an object, where there is one and they fit. */
export const fits = (value: unknown, fields: Readonly<Record<string, "text" | "whole">>): value is Fields =>
  shape(
    Object.fromEntries(
      Object.entries(fields).map(([name, kind]) => [name, kind === "text" ? isText : isWhole]),
    ),
  )(value);

/** Those of a page's messages that are messages, oldest first. */
export const messagesIn = (value: unknown): Message[] =>
  Array.isArray(value) ? (value.filter(shape(MESSAGE)) as Message[]).toSorted((a, b) => a.id - b.id) : [];

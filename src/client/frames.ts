import { ChatError } from "./errors.ts";
import type { Entry, EventFrame } from "./message.ts";
import { serverDelay } from "./reconnect.ts";

/** The reply to a command: the fields of its `ok`, or an error. */
export type Reply = ChatError | Readonly<Record<string, unknown>>;

/** A parsed frame. All fields are absent if the type is unknown: a newer server sent it, and clients ignore it. */
export interface Incoming {
  readonly ref?: number;
  readonly reply?: Reply;
  readonly event?: EventFrame;
  /** The frame is invalid, or an error that names no command. */
  readonly problem?: ChatError;
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);

function oneOf(...texts: readonly string[]) {
  return (value: unknown) => texts.includes(value as string);
}

const isPerson = shape("id name?");
const isUser = shape("id username name? picture?");
const isNoticeChange = shape(
  "type users:users heir?:user role?:role until? kind?:kind title? topic? history?:history membersAdd?:flag receipts?:flag",
);
const isReaction = shape("count:whole users:texts profiles:people");
const isReplies = shape("count:whole last:object people:users");
export const isFile = shape(
  "id name type size:whole width?:whole height?:whole placeholder? alt? held?:true",
);

/** The kinds of fields in shapes. */
const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  text: isText,
  texts: isTexts,
  whole: isWhole,
  id: (value) => isWhole(value) && value > 0,
  number: Number.isFinite,
  object: isObject,
  flag: (value) => typeof value === "boolean",
  true: (value) => value === true,
  change: oneOf("created", "updated", "deleted"),
  user: isUser,
  users: (value) => Array.isArray(value) && value.every(isUser),
  person: isPerson,
  note: (value) => value === null || isText(value),
  people: (value) => Array.isArray(value) && value.every(isPerson),
  kind: oneOf("open", "private", "direct"),
  role: oneOf("owner", "moderator", "member"),
  history: oneOf("all", "joined"),
  notice: isNoticeChange,
  listed: oneOf("added", "removed", "renamed", "changed"),
  limits: shape("frameBytes:number messageChars:number rooms:number fileBytes?:number"),
  objects: (value) => Array.isArray(value) && value.every(isObject),
  files: (value) => Array.isArray(value) && value.every(isFile),
  replies: isReplies,
  summary: (value) => value === null || isReplies(value),
  message: (value) => isMessage(value),
  reactions: (value) => isObject(value) && Object.values(value).every(isReaction),
};

/**
 * Creates a check for objects with these fields: `name:kind`, or `name` for a text. A `?` after the name makes the field
 * optional. Further fields are allowed.
 */
export function shape(spec: string): (value: unknown) => value is Fields {
  const fields = [...spec.matchAll(/(\w+)(\??):?(\w*)/g)];
  return (value): value is Fields =>
    isObject(value) &&
    fields.every(
      ([, name = "", optional, kind]) =>
        (optional && value[name] === undefined) || KINDS[kind || "text"]?.(value[name]),
    );
}

const MESSAGE =
  "id:id version:id username user:person content timestamp clientId data?:object replyTo?:id mentions?:users everyone?:true thread?:id alsoRoom?:true replies?:replies files?:files editedAt? deletedAt? reactions?:reactions";

const isFrame = shape("type");
const isMessage = shape(MESSAGE);
const NOTICE = "id:id version:id timestamp by:user notice:notice";
const isNotice = shape(NOTICE);

/** The fields of each event that the client relies on. */
const EVENTS: Readonly<Record<EventFrame["type"], ReturnType<typeof shape>>> = {
  welcome: shape("user:user expiresAt heartbeatMs:number limits:limits"),
  joined: shape(
    "room version:whole epoch resumed:flag kind:kind role:role title? topic? archived?:true history?:history membersAdd?:true receipts?:true mutedUntil?:note from?:id online?:whole people?:texts profiles?:people lastRead?:whole unread?:whole",
  ),
  message: shape(`room change:change prev?:whole replay?:true ${MESSAGE}`),
  notice: shape(`room prev?:whole replay?:true ${NOTICE}`),
  synced: shape("room version:whole"),
  lagging: shape("room version:whole"),
  presence: shape("room online:whole joined?:texts profiles?:people left?:texts"),
  typing: shape("room username user:person"),
  read: shape("room id:whole back?:true"),
  receipt: shape("room id:whole username user:person"),
  thread: shape("room id:id version?:id replies?:summary following?:flag lastRead?:whole"),
  left: shape("room code:number"),
  activity: shape("room id:id"),
  rooms: shape("room change:listed"),
  expiring: shape("at"),
  closing: shape("reason retryAfterMs:number"),
};

/** Parses what arrived on a socket. Never throws. */
export function parseFrame(data: unknown): Incoming {
  const frame = isText(data) ? parse(data) : undefined;
  if (!isFrame(frame)) return malformed();
  const { type, ref } = frame as { type: string; ref?: unknown };
  const problem = type === "error" ? errorIn(frame) : undefined;
  if (problem && !isWhole(ref)) return { problem };
  if (type === "ok" || problem) return isWhole(ref) ? { ref, reply: problem ?? frame } : malformed(type);
  if (!Object.hasOwn(EVENTS, type)) return {};
  const event = frame as unknown as EventFrame;
  return EVENTS[event.type](frame) ? { event } : malformed(type);
}

const malformed = (type = "no type"): Incoming => ({
  problem: new ChatError("bad_answer", `The server sent an invalid frame: ${type}.`),
});

export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the error in an error frame or, with a `status`, in a problem document (RFC 9457). */
export function errorIn(fields: Fields, status?: number): ChatError {
  const { code, message, detail, title, retryable, errors } = fields;
  const text = [message, detail, title].find(isText) ?? "The server gave no reason.";
  return new ChatError(isText(code) ? code : "bad_answer", text, {
    retryable: retryable === true,
    retryAfterMs: serverDelay(fields.retryAfterMs),
    claim: fields.claim === true || undefined,
    status,
    errors: isObject(errors) && Object.values(errors).every(isTexts) ? (errors as never) : undefined,
  });
}

/** Returns the valid messages and notices of a page, oldest first. */
export const entriesIn = (value: unknown): Entry[] =>
  Array.isArray(value)
    ? (value.filter((one) => isMessage(one) || isNotice(one)) as unknown as Entry[]).sort(
        (a, b) => a.id - b.id,
      )
    : [];

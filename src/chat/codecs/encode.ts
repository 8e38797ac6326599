import type { Message, Person as Mentioned, Reaction, Replies } from "../../message.ts";
import type { Person } from "../../person.ts";
import type { ServerFrame } from "../../protocol/frames.ts";

/** A frame as text. The type says what may be sent; tests check every frame against its schema. */
export const encode = (frame: ServerFrame): string => JSON.stringify(frame);

type MessageFrame = ServerFrame & { type: "message" };
/** What an event says besides its message. */
type MessageEvent = Pick<MessageFrame, "type" | "room" | "change" | "prev" | "replay">;

type ShownReplies = NonNullable<MessageFrame["replies"]>;
type ShownFile = NonNullable<MessageFrame["files"]>[number];

/** A message as clients see it. Fields without a value are left out. */
export interface ShownMessage {
  readonly id: number;
  readonly version: number;
  readonly username: string;
  readonly user: Person;
  readonly content: string;
  readonly timestamp: string;
  readonly clientId: string;
  data?: Record<string, unknown>;
  replyTo?: number;
  thread?: number;
  alsoRoom?: true;
  files?: ShownFile[];
  mentions?: { id: string; username: string; name?: string }[];
  everyone?: true;
  editedAt?: string;
  deletedAt?: string;
  reactions?: Record<string, { count: number; users: string[]; profiles: Person[] }>;
  replies?: ShownReplies;
}

export function shown(message: Message): ShownMessage {
  const result = shownWithoutJson(message);
  if (message.data !== null) result.data = JSON.parse(message.data) as Record<string, unknown>;
  if (message.files !== null) result.files = JSON.parse(message.files) as ShownFile[];
  return result;
}

/** Encodes an event about a message. Its data and files are JSON already: to parse and write them again would cost more than the rest. */
export function encodeMessage(event: MessageEvent, message: Message): string {
  const { data, files } = message;
  const frame = encode({ ...event, ...shownWithoutJson(message) });
  if (data === null && files === null) return frame;
  const more = `${data === null ? "" : `,"data":${data}`}${files === null ? "" : `,"files":${files}`}`;
  return `${frame.slice(0, -1)}${more}}`;
}

/** A notice as clients see it; undefined if the message is none. */
export function shownNotice({ id, version, timestamp, username, user, notice }: Message) {
  if (!notice) return undefined;
  const { fence: _, users, heir, ...change } = notice;
  return {
    id,
    version,
    timestamp,
    by: { id: user.id, username, ...(user.name !== undefined && { name: user.name }) },
    notice: { ...change, users: users.map(shownPerson), ...(heir && { heir: shownPerson(heir) }) },
  };
}

/**
 * Encodes what happened to a message, for readers of the log of all events, with the cursor to continue after it. It depends on
 * nothing but the message, so whoever reads it again gets the same bytes.
 */
export function encodeEvent(room: string, message: Message, cursor: string): string {
  const noted = shownNotice(message);
  const change =
    message.deletedAt !== null ? "deleted" : message.id === message.version ? "created" : "updated";
  const event = noted
    ? encode({ type: "notice", room, ...noted })
    : encodeMessage({ type: "message", room, change }, message);
  return `${event.slice(0, -1)},"cursor":"${cursor}"}`;
}

/** A message or a notice of a page, as clients see it. */
export const shownAny = (message: Message) => shownNotice(message) ?? shown(message);

const shownPerson = ({ id, username, name }: Mentioned) => ({
  id,
  username,
  ...(name !== null && name !== username && { name }),
});

function shownWithoutJson(message: Message): ShownMessage {
  const { id, version, username, user, content, timestamp, clientId, replyTo, thread, editedAt, deletedAt } =
    message;
  const result: ShownMessage = { id, version, username, user, content, timestamp, clientId };
  if (replyTo !== null) result.replyTo = replyTo;
  if (thread !== null) {
    result.thread = thread.root;
    if (thread.alsoRoom) result.alsoRoom = true;
  }
  if (editedAt !== null) result.editedAt = editedAt;
  if (deletedAt !== null) result.deletedAt = deletedAt;
  if (message.mentions !== null) {
    const { people, everyone } = message.mentions;
    if (people.length > 0) result.mentions = people.map(shownPerson);
    if (everyone) result.everyone = true;
  }
  if (message.reactions.length > 0) result.reactions = byEmoji(message.reactions);
  if (message.replies) result.replies = shownReplies(message.replies);
  return result;
}

export const shownReplies = ({ count, more, last, people }: Replies): ShownReplies => ({
  count,
  ...(more && { more }),
  last,
  people: people.map((person) => ({ ...person })),
});

/** `{emoji: {count, users}}`. */
const byEmoji = (reactions: readonly Reaction[]) =>
  Object.fromEntries(
    reactions.map(({ emoji, count, users, profiles }) => [
      emoji,
      { count, users: [...users], profiles: [...profiles] },
    ]),
  );

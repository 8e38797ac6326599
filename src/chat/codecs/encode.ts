import type { Message, Person as Mentioned, Reaction } from "../../message.ts";
import type { Person } from "../../person.ts";
import type { ServerFrame } from "../../protocol/frames.ts";

/** A frame as text. The type says what may be sent; tests check every frame against its schema. */
export const encode = (frame: ServerFrame): string => JSON.stringify(frame);

type MessageFrame = ServerFrame & { type: "message" };
/** What an event says besides its message. */
type MessageEvent = Pick<MessageFrame, "type" | "room" | "change" | "prev" | "replay">;

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
  editedAt?: string;
  deletedAt?: string;
  reactions?: Record<string, { count: number; users: string[]; profiles: Person[] }>;
}

export function shown(message: Message): ShownMessage {
  const result = shownWithoutData(message);
  if (message.data !== null) result.data = JSON.parse(message.data) as Record<string, unknown>;
  return result;
}

/** Encodes an event about a message. Its data is JSON already: to parse and write it again would cost more than the rest. */
export function encodeMessage(event: MessageEvent, message: Message): string {
  const frame = encode({ ...event, ...shownWithoutData(message) });
  return message.data === null ? frame : `${frame.slice(0, -1)},"data":${message.data}}`;
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

/** A message or a notice of a page, as clients see it. */
export const shownAny = (message: Message) => shownNotice(message) ?? shown(message);

const shownPerson = ({ id, username, name }: Mentioned) => ({
  id,
  username,
  ...(name !== null && name !== username && { name }),
});

function shownWithoutData(message: Message): ShownMessage {
  const { id, version, username, user, content, timestamp, clientId, replyTo, editedAt, deletedAt } = message;
  const result: ShownMessage = { id, version, username, user, content, timestamp, clientId };
  if (replyTo !== null) result.replyTo = replyTo;
  if (editedAt !== null) result.editedAt = editedAt;
  if (deletedAt !== null) result.deletedAt = deletedAt;
  if (message.reactions.length > 0) result.reactions = byEmoji(message.reactions);
  return result;
}

/** `{emoji: {count, users}}`. */
const byEmoji = (reactions: readonly Reaction[]) =>
  Object.fromEntries(
    reactions.map(({ emoji, count, users, profiles }) => [
      emoji,
      { count, users: [...users], profiles: [...profiles] },
    ]),
  );

import type { Message, Reaction } from "../../message.ts";
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

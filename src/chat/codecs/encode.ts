import type { Message, Reaction } from "../../message.ts";
import type { ServerFrame } from "../../protocol/frames.ts";

/** The two ways in which a room's messages are written: a topic each, encoded once for all its subscribers. */
export type Format = "v1" | "plain";

export const topicOf = (format: Format, room: string) => `${format}:${room}`;

/** A frame as text. The type says what may be sent; tests hold every frame against its schema. */
export const encode = (frame: ServerFrame): string => JSON.stringify(frame);

/** What a client is shown of a message. What says nothing is left out. */
export interface ShownMessage {
  readonly id: number;
  readonly version: number;
  readonly username: string;
  readonly content: string;
  readonly timestamp: string;
  readonly clientId: string;
  replyTo?: number;
  editedAt?: string;
  deletedAt?: string;
  reactions?: Record<string, { count: number; users: string[] }>;
}

export function shown(message: Message): ShownMessage {
  const { id, version, username, content, timestamp, clientId, replyTo, editedAt, deletedAt } = message;
  const result: ShownMessage = { id, version, username, content, timestamp, clientId };
  if (replyTo !== null) result.replyTo = replyTo;
  if (editedAt !== null) result.editedAt = editedAt;
  if (deletedAt !== null) result.deletedAt = deletedAt;
  if (message.reactions.length > 0) result.reactions = byEmoji(message.reactions);
  return result;
}

/** `{emoji: {count, users}}`. */
const byEmoji = (reactions: readonly Reaction[]) =>
  Object.fromEntries(reactions.map(({ emoji, count, users }) => [emoji, { count, users: [...users] }]));

/** `created`: its id lies beyond `known`, what the reader had before. */
const changeOf = (message: Message, known: number) => {
  if (message.deletedAt !== null) return "deleted";
  return message.id > known ? "created" : "updated";
};

/** A change as it happens, after `prev`: the version that the room released before; `known`: before its whole range. */
export const liveEvent = (room: string, message: Message, prev: number, known: number) =>
  encode({ type: "message", room, change: changeOf(message, known), prev, ...shown(message) });

/** A change that a reader who stood at `since` has missed. */
export const replayEvent = (room: string, message: Message, since: number) =>
  encode({ type: "message", room, change: changeOf(message, since), replay: true, ...shown(message) });

/** A message as the plain protocol has it. */
export function plainEvent(room: string, message: Message, duplicate = false) {
  const { id, username, content, timestamp, clientId } = message;
  const event = { id, room, username, message: content, timestamp, clientId };
  return JSON.stringify(duplicate ? { ...event, duplicate } : event);
}

import * as v from "valibot";

/** Who reacted with one emoji to one message. */
export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** The names of the first 20 of them. */
  readonly users: readonly string[];
}

/** A message in its present state, as the database has it. Times are ISO 8601 in UTC, to the microsecond. */
export interface Message {
  /** The version at which it was posted: its place in the room. */
  readonly id: number;
  /** The version of its latest change. */
  readonly version: number;
  readonly username: string;
  /** The uuid that its sender gave it. */
  readonly clientId: string;
  readonly content: string;
  readonly replyTo: number | null;
  readonly timestamp: string;
  readonly editedAt: string | null;
  /** Set: a tombstone; its content is empty. */
  readonly deletedAt: string | null;
  /** By emoji, in code point order. */
  readonly reactions: readonly Reaction[];
}

const version = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** A {@link Message} that comes from another node. */
export const MESSAGE = v.object({
  id: version,
  version,
  username: v.string(),
  clientId: v.string(),
  content: v.string(),
  replyTo: v.nullable(version),
  timestamp: v.string(),
  editedAt: v.nullable(v.string()),
  deletedAt: v.nullable(v.string()),
  reactions: v.array(
    v.object({
      emoji: v.string(),
      count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      users: v.array(v.string()),
    }),
  ),
}) satisfies v.GenericSchema<unknown, Message>;

/** How large a message is in characters; as a frame it is larger. */
export const lengthOf = ({ content, reactions }: Message): number =>
  content.length + (reactions.length > 0 ? JSON.stringify(reactions).length : 0);

/** Bytes of a frame beside what is the message's own: its keys, and a room's name of the greatest length. */
const ENVELOPE = 384;

/** How many bytes a message takes as a frame, at most. */
export const bytesOf = (message: Message): number => ENVELOPE + Buffer.byteLength(JSON.stringify(message));

/** A contiguous range of a room's versions, `from` to `to`, and the last state of each message it changed, by version. */
export interface RoomChange {
  readonly epoch: string;
  readonly room: string;
  readonly from: number;
  readonly to: number;
  readonly states: readonly Message[];
}

import * as v from "valibot";

/** The reactions to one message with one emoji. */
export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** The usernames of the first 20 people who reacted. */
  readonly users: readonly string[];
}

/** The current state of a message. Times are ISO 8601 in UTC, to the microsecond. */
export interface Message {
  /** The room's version at which it was posted, which is its position in the room. */
  readonly id: number;
  /** The room's version at its latest change. */
  readonly version: number;
  readonly username: string;
  /** The UUID that its sender chose. */
  readonly clientId: string;
  readonly content: string;
  /** The JSON text of an object that belongs to the product. It is never interpreted. */
  readonly data: string | null;
  readonly replyTo: number | null;
  readonly timestamp: string;
  readonly editedAt: string | null;
  /** If set, the message is a tombstone and its content is empty and its data is gone. */
  readonly deletedAt: string | null;
  /** Sorted by emoji, in code point order. */
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
  data: v.nullable(v.string()),
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

/** Returns the size of a message in characters, without the overhead of a frame. */
export const lengthOf = ({ content, data, reactions }: Message): number =>
  content.length + (data?.length ?? 0) + (reactions.length > 0 ? JSON.stringify(reactions).length : 0);

/** Bytes of a frame besides the message: its keys, and a room name of maximum length. */
const ENVELOPE = 384;

/** Returns an upper bound of a message's size as a frame, in bytes. */
export const bytesOf = (message: Message): number => ENVELOPE + Buffer.byteLength(JSON.stringify(message));

/** A contiguous range of a room's versions, with the last state of each changed message, by version. */
export interface RoomChange {
  readonly epoch: string;
  readonly room: string;
  readonly from: number;
  readonly to: number;
  readonly states: readonly Message[];
}

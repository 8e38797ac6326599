import * as v from "valibot";
import { bytesIn, fitting, PERSON, type Person as User, type PersonShown, sizeOf } from "./person.ts";
import {
  HISTORIES,
  type History,
  NOTICE_TYPES,
  type NoticeType,
  type Role,
  ROLES,
  ROOM_KINDS,
  type RoomKind,
  USERS_MAX,
} from "./protocol/membership.ts";
import { MENTIONS_BYTES, MENTIONS_MAX } from "./protocol/mentions.ts";

/** The reactions to one message with one emoji. */
export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** The usernames of the first 20 people who reacted. */
  readonly users: readonly string[];
  /** The ids and names of `users`, in their order. The last ones are missing if they are too long: see {@link withProfiles}. */
  readonly profiles: readonly User[];
}

/** Someone whom a notice or a message names, by their present names. */
export interface Person {
  readonly userId: number;
  /** The id by which clients know them. */
  readonly id: string;
  readonly username: string;
  /** What people see; null: the username. */
  readonly name: string | null;
}

/** What a message that is no text says has changed in its room. Its sender did it. */
export interface Notice {
  readonly type: NoticeType;
  /** Whom it is about, at most {@link USERS_MAX}. */
  readonly users: readonly Person[];
  /** The member who became an owner, because the last one left. */
  readonly heir?: Person | undefined;
  readonly role?: Role | undefined;
  /** When a mute ends; absent: when someone ends it. */
  readonly until?: string | undefined;
  readonly kind?: RoomKind | undefined;
  readonly title?: string | undefined;
  readonly topic?: string | undefined;
  readonly history?: History | undefined;
  readonly membersAdd?: boolean | undefined;
  readonly receipts?: boolean | undefined;
  /** The message that was pinned or unpinned. */
  readonly message?: number | undefined;
  /** The room's fence after the change, if it moved. Before, it was one less. */
  readonly fence?: number | undefined;
}

/** Where a reply in a thread belongs. */
export interface Threaded {
  /** The first message of the thread. */
  readonly root: number;
  /** It is part of the room's main conversation too. */
  readonly alsoRoom: boolean;
}

/** The replies to a message in its thread, without deleted ones. */
export interface Replies {
  /** At most `REPLIES_MAX`. */
  readonly count: number;
  /** There are more than that. */
  readonly more: boolean;
  readonly last: { readonly id: number; readonly timestamp: string };
  /** The people who replied last, the latest first, at most `REPLIERS_MAX`. */
  readonly people: readonly PersonShown[];
}

/** Whom a message mentions. */
export interface Mentions {
  /** By user id. Only the first ones, if their ids and names are too long: see {@link fittingMentions}. */
  readonly people: readonly Person[];
  /** It mentions everyone who was a member of the room when it was posted. */
  readonly everyone: boolean;
}

/** The current state of a message. Times are ISO 8601 in UTC, to the microsecond. */
export interface Message {
  /** The room's version at which it was posted, which is its position in the room. */
  readonly id: number;
  /** The room's version at its latest change. */
  readonly version: number;
  readonly username: string;
  readonly user: User;
  /** The UUID that its sender chose. */
  readonly clientId: string;
  readonly content: string;
  /** The JSON text of an object that belongs to the product. It is never interpreted. */
  readonly data: string | null;
  readonly replyTo: number | null;
  /** Null: it is no reply in a thread. */
  readonly thread: Threaded | null;
  /** The JSON text of its files as clients see them; null: it has none. */
  readonly files: string | null;
  /** Null: it mentions nobody. */
  readonly mentions: Mentions | null;
  readonly timestamp: string;
  readonly editedAt: string | null;
  /** If set, the message is a tombstone and its content is empty and its data, files and mentions are gone. */
  readonly deletedAt: string | null;
  /** Sorted by emoji, in code point order. */
  readonly reactions: readonly Reaction[];
  /** A change of the room itself or of who may do what. Such a message has no text and never changes. */
  readonly notice: Notice | null;
  /** On pages of history: the replies in its thread, if there are any. */
  readonly replies?: Replies | undefined;
}

const version = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const person = v.object({
  userId: version,
  id: v.string(),
  username: v.string(),
  name: v.nullable(v.string()),
});

const notice = v.object({
  type: v.picklist(NOTICE_TYPES),
  users: v.pipe(v.array(person), v.maxLength(USERS_MAX)),
  heir: v.optional(person),
  role: v.optional(v.picklist(ROLES)),
  until: v.optional(v.string()),
  kind: v.optional(v.picklist(ROOM_KINDS)),
  title: v.optional(v.string()),
  topic: v.optional(v.string()),
  history: v.optional(v.picklist(HISTORIES)),
  membersAdd: v.optional(v.boolean()),
  receipts: v.optional(v.boolean()),
  message: v.optional(version),
  fence: v.optional(version),
}) satisfies v.GenericSchema<unknown, Notice>;

/** Whether a message is part of its room's main conversation, and not of a thread alone. */
export const isMain = ({ thread }: Pick<Message, "thread">): boolean => thread === null || thread.alsoRoom;

/** A {@link Message} that comes from another node. */
export const MESSAGE = v.object({
  id: version,
  version,
  username: v.string(),
  user: PERSON,
  clientId: v.string(),
  content: v.string(),
  data: v.nullable(v.string()),
  replyTo: v.nullable(version),
  thread: v.nullable(v.object({ root: version, alsoRoom: v.boolean() })),
  files: v.nullable(v.string()),
  mentions: v.nullable(
    v.object({ people: v.pipe(v.array(person), v.maxLength(MENTIONS_MAX)), everyone: v.boolean() }),
  ),
  timestamp: v.string(),
  editedAt: v.nullable(v.string()),
  deletedAt: v.nullable(v.string()),
  reactions: v.array(
    v.object({
      emoji: v.string(),
      count: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      users: v.array(v.string()),
      profiles: v.array(PERSON),
    }),
  ),
  notice: v.nullable(notice),
}) satisfies v.GenericSchema<unknown, Message>;

/** {@link Replies} that come from another node. */
export const REPLIES = v.object({
  count: version,
  more: v.boolean(),
  last: v.object({ id: version, timestamp: v.string() }),
  people: v.array(
    v.pipe(
      v.object({
        id: v.string(),
        username: v.string(),
        name: v.optional(v.string()),
        picture: v.optional(v.string()),
      }),
      v.transform((person) => person as PersonShown),
    ),
  ),
}) satisfies v.GenericSchema<unknown, Replies>;

/** The most bytes that the ids and names of people who reacted take in one message, so that it fits in a frame. */
const PROFILES_BYTES = 12 * 1024;

/** Returns reactions as they are shown, with as many of their people's ids and names as fit into a message. */
export function withProfiles(reactions: readonly Reaction[]): readonly Reaction[] {
  let left = PROFILES_BYTES;
  return reactions.map((reaction) => {
    const profiles = fitting(reaction.profiles, left);
    for (const person of profiles) left -= sizeOf(person);
    if (profiles.length < reaction.profiles.length) left = 0;
    return profiles === reaction.profiles ? reaction : { ...reaction, profiles };
  });
}

/** Returns mentions as they are shown, with as many people as fit into a message; null if there are none. */
export function fittingMentions(people: readonly Person[], everyone: boolean): Mentions | null {
  if (people.length === 0 && !everyone) return null;
  let left = MENTIONS_BYTES;
  const end = people.findIndex(({ id, username, name }) => {
    left -= bytesIn(id) + bytesIn(username) + (name === null ? 0 : bytesIn(name)) + MENTION_BYTES;
    return left < 0;
  });
  return { people: end < 0 ? people : people.slice(0, end), everyone };
}

/** The bytes of a mention besides the texts in it, also on the bus. */
const MENTION_BYTES = 70;

/** Returns the size of a message in characters, without the overhead of a frame. */
export const lengthOf = ({ content, data, files, mentions, reactions, notice, replies }: Message): number =>
  content.length +
  (data?.length ?? 0) +
  (files?.length ?? 0) +
  (mentions === null ? 0 : JSON.stringify(mentions).length) +
  (reactions.length > 0 ? JSON.stringify(reactions).length : 0) +
  (notice === null ? 0 : JSON.stringify(notice).length) +
  (replies === undefined ? 0 : JSON.stringify(replies).length);

/** Bytes of a frame besides the message: its keys, and a room name of maximum length. */
const ENVELOPE = 357;

/** Bytes of the link with which plain clients find its files, for a room name of maximum length. */
const LINK = 1024;

/** Bytes that frames do not have if a message is no reply, and if it mentions nobody. */
const NO_THREAD = '"thread":null,'.length;
const NO_MENTIONS = '"mentions":null,'.length;

/** Returns an upper bound of a message's size as a frame, in bytes. */
export const bytesOf = (message: Message): number =>
  ENVELOPE -
  (message.thread === null ? NO_THREAD : 0) -
  (message.mentions === null ? NO_MENTIONS : 0) +
  (message.files === null ? 0 : LINK) +
  Buffer.byteLength(JSON.stringify(message));

/** A contiguous range of a room's versions, with the last state of each changed message, by version. */
export interface RoomChange {
  readonly epoch: string;
  readonly room: string;
  readonly from: number;
  readonly to: number;
  readonly states: readonly Message[];
}

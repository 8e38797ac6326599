import type { Refusal } from "../errors.ts";
import type { Message } from "../message.ts";
import type { Named } from "../person.ts";
import type { ModerationStore } from "./moderationports.ts";
import type { Change, Outcome } from "./change.ts";
import type { KeptJournal } from "./eventports.ts";
import type { ListStore } from "./lists.ts";
import type { ThreadStore } from "./threadports.ts";
import type { SearchStore } from "./searchports.ts";
import type { SavedStore } from "./saved.ts";
import type { SentFile } from "./screenports.ts";
import type { WatchStore } from "./watch.ts";
import type { Variant } from "../protocol/files.ts";
import type { Membership } from "./rights.ts";

/**
 * One WebSocket, as this folder needs it. Sends and publishes of one tick arrive in the order of the calls, and a
 * subscriber gets exactly what is published between its `subscribe` and its `unsubscribe`.
 */
export interface Socket {
  /** Queues a frame. Past the runtime's hard limit the socket is cut. */
  send(frame: string): void;
  /** Bytes waiting to be written. The newest publishes may not be among them yet: see {@link Fanout.hidden}. */
  buffered(): number;
  /** Call it once per topic, and undo it once. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Stops reading. Frames that were already read may still arrive. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
}

export interface Fanout {
  /** Sends a frame to all subscribers of a topic. Returns true if at least one of them has bytes waiting. */
  publish(topic: string, frame: string): boolean;
  /** Writes all it can. Returns an upper bound of the published bytes that a socket's `buffered` does not show yet. */
  hidden(): number;
}

/** Why a commit failed. `duplicate` and `invalid`: nothing was committed. `unknown`: it may have been. */
export class CommitFailure extends Error {
  override readonly name = "CommitFailure";
  constructor(
    readonly kind: "duplicate" | "invalid" | "unknown",
    cause: unknown,
  ) {
    super(`commit failed (${kind})`, { cause });
  }
}

export interface Committed {
  readonly epoch: string;
  /**
   * One for each change, in their order. Refused changes were not written. null: not committed, because the rights of its
   * sender have to be read again; commit it carefully.
   */
  readonly outcomes: readonly (Outcome | null)[];
}

/** A page of a room's changes: the room's counter and its messages in one snapshot, bounded in bytes. */
export interface Page {
  readonly epoch: string;
  /** The room's counter; 0 for a room without messages. */
  readonly counter: number;
  /** The room's fence in the same snapshot; 0 for a room in which nobody ever lost a right. */
  readonly fence: number;
  readonly messages: readonly Message[];
  /** The page holds everything after the requested version up to this one. */
  readonly end: number;
}

/** One page of a room's history by message id. */
export interface HistoryPage {
  readonly epoch: string;
  readonly counter: number;
  /** The room's fence in the last snapshot that it was read from. */
  readonly fence: number;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** There are more messages in the direction in which it was read. */
  readonly more: boolean;
  /** The last id that was examined in that direction: the next page begins there. It may be that of no message. */
  readonly edge: number;
}

/** A pinned message, and who pinned it. */
export interface Pin {
  readonly message: Message;
  /** The version of the notice that pinned it. */
  readonly version: number;
  readonly at: string;
  readonly by: Named;
}

/** Pinned messages of a room, the latest pin first. */
export interface PinPage extends Omit<HistoryPage, "messages" | "edge"> {
  readonly pins: readonly Pin[];
}

/** How much a page may hold. It holds one message at least, if there is any. */
export interface Bounds {
  readonly messages: number;
  /** Of texts and reactions, and about as many as the rest takes. */
  readonly bytes: number;
}

/** Which messages of a room someone sees. */
export interface View {
  /** The first id. Defaults to 1. */
  readonly from?: number | undefined;
  /** Whether to include notices. Defaults to true. */
  readonly notices?: boolean | undefined;
  /** Only the main conversation. A page examines a bounded number of ids then, and may be short although there are more. */
  readonly main?: boolean | undefined;
  /** Only the replies in the thread that begins with this message. */
  readonly thread?: number | undefined;
  /** Whether messages show the replies in their threads. */
  readonly replies?: boolean | undefined;
}

/** The counters and fences of rooms in one snapshot; 0 for rooms that do not exist. */
export interface Counters {
  readonly epoch: string;
  readonly versions: ReadonlyMap<string, number>;
  readonly fences: ReadonlyMap<string, number>;
}

export interface MessageStore {
  /** How many commits may run in parallel. A room always uses the same lane. */
  readonly lanes: number;
  /**
   * Commits changes in order. Each takes its room's next version. A change that was committed before (same sender, room
   * and clientId) gets its first ack again, whatever its sender may do by now. A room's new versions are one contiguous
   * range. A post makes its sender a member of an open room in the same commit.
   * `careful`: some of the changes may have been committed before. Without it, such a batch fails as `duplicate`. Every
   * change has an outcome then, decided by what its sender may do in that very commit.
   * @throws {CommitFailure}
   */
  commit(lane: number, changes: readonly Change[], careful: boolean): Promise<Committed>;
  /**
   * Reads, without locking anything, the outcome of a change that was committed before; undefined: there is none. Anyone
   * who lost their rights gets the ack of a retry this way. @throws {Refusal} unavailable.
   */
  answered(change: Change): Promise<Outcome | undefined>;
  /** Messages that changed after version `after`, by version. */
  changesSince(room: string, after: number): Promise<Page>;
  /** Messages that were posted after version `after`, by id, in their present state. */
  postsSince(room: string, after: number): Promise<Page>;
  /** Messages by id, as many as fit: the first ones after an id, or the last ones before it. */
  messages(
    room: string,
    range: { readonly after: number } | { readonly before: number },
    bounds: Bounds,
    view?: View,
  ): Promise<HistoryPage>;
  /** Pinned messages with this id or a later one, pinned before a version: as many as fit. */
  pinned(room: string, range: PinRange): Promise<PinPage>;
  counters(rooms: readonly string[]): Promise<Counters>;
}

/** Which pins of a room to read. */
export interface PinRange {
  /** The version of the last pin of the page before. */
  readonly before: number;
  /** The first message that the reader sees. */
  readonly from: number;
}

/** One person in one room. */
export interface Seat {
  readonly userId: number;
  readonly room: string;
}

export const seatKey = ({ userId, room }: Seat) => `${userId} ${room}`;

/** How far someone has read in a room. */
export interface Reading {
  /** The id of the last message that they have read. */
  readonly lastRead: number;
  /** Messages of others after it, at most {@link UNREAD_MAX}. */
  readonly unread: number;
}

/** Unread messages are counted up to this; beyond, there are "more". */
export const UNREAD_MAX = 100;

/** Someone who joins a room. */
export interface Joining extends Seat {
  /** Whether to create the room if it does not exist. Defaults to true. */
  readonly mayCreate?: boolean;
}

export interface Joined extends Reading {
  /** The room did not exist before. Of several people who join it together, one creates it. */
  readonly created?: true;
}

/** Where a read mark is to be. It moves as little as possible: not at all if it is between these ids. */
export interface MarkRange {
  readonly min: number;
  readonly max: number;
}

/** Everything up to this message is read. */
export const readTo = (id: number): MarkRange => ({ min: id, max: Number.MAX_SAFE_INTEGER });

/** Where a read mark is now, and whether this write moved it. */
export interface Marked {
  readonly lastRead: number;
  readonly moved: boolean;
  /** It moved back. */
  readonly back?: true;
}

/** The rooms that a person is banned from, and those that they left within the last minutes. */
export type Departures = ReadonlyMap<string, "banned" | "left">;

/** All methods reject with a {@link Refusal} `unavailable` if the database does not respond. */
export interface MemberStore {
  /**
   * Makes people members of rooms, creating the rooms that do not exist yet. What was posted before is not unread for a
   * new member. Nobody becomes a member of a room that is not open this way. Results keep the input order; null: the room
   * does not exist and may not be created; a refusal `busy`: another transaction holds what this seat needs; `forbidden` or
   * `not_found`: only others can make this person a member.
   */
  join(seats: readonly Joining[]): Promise<readonly (Joined | Refusal | null)[]>;
  /** Reads memberships, all in one snapshot. Keeps the input order. */
  memberships(seats: readonly Seat[]): Promise<readonly Membership[]>;
  /** Ends a membership of an open room. Resolves to false if there was none. */
  leave(seat: Seat): Promise<boolean>;
  /**
   * Moves read marks, never past the room's end. Makes nobody a member. How far someone has read is kept if their mark moves
   * back. Keeps the input order; a refusal as for `join`.
   */
  mark(marks: readonly (Seat & MarkRange)[]): Promise<readonly (Marked | Refusal)[]>;
  /** Reads, for each person, the rooms that they may no longer be in. Keeps the input order. */
  departures(userIds: readonly number[]): Promise<readonly Departures[]>;
}

/** Finds people. Methods reject with a {@link Refusal} `unavailable` if the database does not respond. */
export interface PersonStore {
  /** By `<id>`, `@<username>` or `me`, which is the person who asks. Keeps the input order; null: nobody is called that. */
  find(names: readonly string[], me: number): Promise<readonly (number | null)[]>;
}

/** A file as it may be offered to someone. */
export interface FileForms {
  readonly id: string;
  /** Its stored forms, with their sizes in bytes. */
  readonly sizes: Readonly<Partial<Record<Variant, number>>>;
}

/** Which files of a room someone may see. */
export interface FileLookup {
  /**
   * Finds files of messages from `from` on, and those that the person has not sent yet. Returns the room's fence in the
   * same snapshot. @throws {Refusal} unavailable.
   */
  visible(
    seat: Seat,
    from: number,
    ids: readonly string[],
  ): Promise<{ readonly fence: number; readonly files: readonly FileForms[] }>;
  /** Finds those of some files that are the person's and were not sent yet. @throws {Refusal} unavailable. */
  unsent(userId: number, ids: readonly string[]): Promise<readonly SentFile[]>;
}

/** Everything that this folder stores. */
export interface ChatStore {
  readonly messages: MessageStore;
  readonly members: MemberStore;
  readonly threads: ThreadStore;
  readonly people: PersonStore;
  readonly lists: ListStore;
  readonly watch: WatchStore;
  readonly moderation: ModerationStore;
  readonly files: FileLookup;
  /** Absent: nobody can search. */
  readonly search?: SearchStore | undefined;
  readonly saved: SavedStore;
  /** Absent: nobody can read events. */
  readonly journal?: KeptJournal | undefined;
}

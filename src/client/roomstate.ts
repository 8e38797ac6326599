import type { Pins } from "./kept/pins.ts";
import type { FileBytes, UploadedFile, UploadOptions } from "./attachments.ts";
import type { FilesQuery, FileUrls } from "./files/urls.ts";
import type { RoomChanges } from "./roomchanges.ts";
import type { ChatError } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type {
  Entry,
  JoinedFrame,
  LaggingFrame,
  LeftFrame,
  Message,
  MessageFrame,
  NoticeFrame,
  PresenceFrame,
  ReadFrame,
  ReceiptFrame,
  RoomFrame,
  SyncedFrame,
  ThreadFrame,
  TypingFrame,
  User,
} from "./message.ts";
import type { Bans, Members } from "./people/members.ts";
import type { RoomRequests } from "./people/requests.ts";
import type { Change } from "./change.ts";
import type { OutboxRoom, Settled } from "./outbox.ts";
import type { Store } from "./subject.ts";

/** The state of a room. */
export interface RoomState extends Facts {
  readonly name: string;
  /**
   * `idle`: nobody is subscribed. `offline`: continues when the connection is back. `out`: the person cannot be in the room,
   * or left it for good: see `error`.
   */
  readonly state: "idle" | "offline" | "joining" | "catching_up" | "live" | "out";
  /** Why the state is `out`. If the person is added again, the room is joined again by itself. */
  readonly error: ChatError | undefined;
  /** The first id that this person may see: 1 if they see everything. */
  readonly from: number;
  /** The room's messages without gaps, oldest first, each in its latest state. Deleted messages stay, with empty content. */
  readonly messages: readonly Message[];
  /** The same with the notices between them. `entry.notice` tells them apart. */
  readonly entries: readonly Entry[];
  /** Whether there are older entries, which `older()` loads. */
  readonly more: boolean;
  /** Ids of people whose messages a page may fold: those whom this person blocks, except in direct rooms. */
  readonly folded: readonly string[];
  /** Messages of this client that are not in the list yet, in order. */
  readonly waiting: readonly Waiting[];
  /** The number of people in the room. */
  readonly online: number;
  /** At most 100 of them. */
  readonly people: readonly User[];
  /** Other people who are typing. */
  readonly typing: readonly User[];
  /** The id up to which this person has read. */
  readonly lastRead: number;
  /** Unread messages of other people. 100 means 100 or more. */
  readonly unread: number;
}

export type Waiting = Extract<Change, { type: "send" }> & {
  /** It was not sent yet: `withdraw` can take it back. */
  readonly unsent?: true | undefined;
};

export interface RoomEvents {
  /** A message was posted or changed, now or while the client was away. */
  readonly message: MessageFrame;
  readonly joined: JoinedFrame;
  readonly synced: SyncedFrame;
  readonly lagging: LaggingFrame;
  readonly presence: PresenceFrame;
  readonly typing: TypingFrame;
  readonly read: ReadFrame;
  readonly receipt: ReceiptFrame;
  readonly thread: ThreadFrame;
  readonly left: LeftFrame;
  /** The room or who may do what there has changed, now or while the client was away. */
  readonly notice: NoticeFrame;
  /** The outcome of a change is known. Includes changes of an earlier run. */
  readonly settled: Settled;
}

/** Selects a page by a message id: at most one of `before`, `after` and `around`. Without one, the newest page. */
export interface HistoryQuery {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  /** Only the replies in the thread that begins with this message. */
  readonly thread?: number | undefined;
  /** Only the main conversation, without replies that are in threads alone. */
  readonly main?: boolean | undefined;
  /** Whether the page's `entries` have notices. */
  readonly notices?: boolean | undefined;
  /** 1 to 1,000. Defaults to 100. With `around`, half of them on each side. A page can be shorter. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface OlderQuery {
  /** Approximate; 1 to 1,000. Defaults to 100. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A page of a room's history, oldest first. */
export interface HistoryPage {
  /** The messages and, if the query asks for them, the notices. */
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Whether there are messages before this page. */
  readonly older: boolean;
  /** Whether there are messages after this page. */
  readonly newer: boolean;
}

/**
 * A room of the chat. It is joined while someone is subscribed to it (`subscribe`, `on`, an iteration), and until 10 seconds
 * after the last one is gone. It is also joined while changes wait, and from `join` until `leave`.
 */
export interface Room
  extends RoomChanges, RoomRequests, Store<RoomState>, AsyncDisposable, AsyncIterable<MessageFrame> {
  readonly name: string;
  readonly members: Members;
  readonly bans: Bans;
  /** The pinned messages of the room. */
  readonly pins: Pins;
  /** Listening to `settled` alone does not join the room. */
  on<T extends keyof RoomEvents>(type: T, listener: (event: RoomEvents[T]) => void): () => void;
  /** Iterates over messages as they are posted and changed, until `leave` or an aborted signal. */
  events(options?: { signal?: AbortSignal }): AsyncIterableIterator<MessageFrame>;
  /**
   * Uploads a file, which can then be sent here once, within a day. Repeated until its outcome is known. A file that is too large
   * for the server is refused before it is sent. @throws {ChatError} @throws the reason of `signal`.
   */
  upload(file: FileBytes, options?: UploadOptions): Promise<UploadedFile>;
  /**
   * Returns addresses from which files can be loaded, by the ids of the files. Those that this person may not see are missing.
   * Calls of one moment share requests. An address is given out for 4 minutes, and works for at least one more.
   * @throws {ChatError} @throws the reason of `signal`.
   */
  files(ids: readonly string[], query?: FilesQuery): Promise<ReadonlyMap<string, FileUrls>>;
  /**
   * Takes back a change that was not sent yet, whose promise then fails with `withdrawn`. Returns false if the server may have
   * it already.
   */
  withdraw(clientId: string): boolean;
  /** Moves the read mark to this message. @throws {ChatError} */
  read(id: number, options?: { signal?: AbortSignal }): Promise<void>;
  /**
   * Moves the read mark back: this message and those after it are unread again, on all devices of the person. Others still
   * see that they were read. @throws {ChatError}
   */
  markUnread(id: number, options?: { signal?: AbortSignal }): Promise<void>;
  /** Shows others that the person is typing. Call it with each key: it sends at most one frame every 2 seconds. */
  typing(): void;
  /** Loads the page before the list into the list. @throws {ChatError} @throws the reason of `signal`. */
  older(query?: OlderQuery): Promise<void>;
  /** Reads a page of the history without changing the list. @throws {ChatError} */
  history(query?: HistoryQuery): Promise<HistoryPage>;
  /** Returns the thread that begins with this message: the same object for the same message. */
  thread(id: number): Thread;
  /**
   * Joins the room, also after an error or after leaving it for good, and returns it. It stays joined until `leave` or, if
   * someone is subscribed, until the last subscription ends.
   */
  join(): Room;
  /** Stops following the room at once. The person stays a member, and waiting changes are still sent. */
  leave(): void;
}

/**
 * A thread. What one can do in a room, one can do here: `send` replies in the thread, `history` and `older` page through it, and
 * `read` moves its own read mark, which never moves back. It keeps its room joined while someone is subscribed.
 */
export interface Thread
  extends Omit<Room, keyof Store<RoomState> | "markUnread" | "thread">, Store<ThreadState> {
  /** The id of the first message. */
  readonly id: number;
  /** Follows the thread, or no longer if `on` is false. @throws {ChatError} */
  follow(on?: boolean): Promise<void>;
}

/** The state of a thread. What is not listed here is that of its room. */
export interface ThreadState extends RoomState {
  /** The first message. Undefined while it is loading. */
  readonly root: Message | undefined;
  /** The first message, if nothing is missing before the replies, and the replies, oldest first. */
  readonly messages: readonly Message[];
  /** Whether the person wants to know about replies. */
  readonly following: boolean;
  /** The id of the last reply that the person has read. */
  readonly lastRead: number;
}

export interface RoomOptions {
  /** How many messages to load at first. 0 loads none. Defaults to 50. */
  readonly history?: number;
  /** How many messages and notices the list keeps, not counting pages loaded by `older()`. Defaults to 1,000. */
  readonly keep?: number;
}

/** The side of a room that the chat uses. */
export interface RoomInside extends OutboxRoom {
  readonly room: Room;
  /** A socket was opened: joins the room if it is wanted. */
  connected(): void;
  disconnected(): void;
  take(frame: RoomFrame): void;
  settled(settled: Settled): void;
  /** The person was added to the room, or may do something else there. */
  admitted(): void;
  /** The server accepted a newer token. */
  renewed(): void;
  /** Forgets everything, because another person signed in. */
  drop(): void;
  close(why: ChatError): void;
}

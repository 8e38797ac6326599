import type { ChatError } from "./errors.ts";
import type {
  Data,
  JoinedFrame,
  LaggingFrame,
  LeftFrame,
  Message,
  MessageFrame,
  NoticeFrame,
  Person,
  PresenceFrame,
  ReadFrame,
  RoomFrame,
  SyncedFrame,
  TypingFrame,
} from "./message.ts";
import type { Ack, Change, OutboxRoom, Settled } from "./outbox.ts";

/** The state of a room. */
export interface RoomState {
  readonly name: string;
  /** `offline`: continues when the connection is back. `out`: not in the room, see `error`. */
  readonly state: "offline" | "joining" | "catching_up" | "live" | "out";
  /** Why the state is `out`. Undefined if the room was left with `leave()`. */
  readonly error: ChatError | undefined;
  /** The room's messages without gaps, oldest first, each in its latest state. Deleted messages stay, with empty content. */
  readonly messages: readonly Message[];
  /** Whether there are older messages, which `older()` loads. */
  readonly more: boolean;
  /** Messages of this client that are not in the list yet, in order. */
  readonly waiting: readonly Waiting[];
  /** The number of people in the room. */
  readonly online: number;
  /** The usernames of at most 100 of them. */
  readonly people: readonly string[];
  /** The ids and names of people in `people` and `typing`, by username. A few may be missing. */
  readonly profiles: ReadonlyMap<string, Person>;
  /** The usernames of other people who are typing. */
  readonly typing: readonly string[];
  /** The id up to which this person has read. */
  readonly lastRead: number;
  /** Unread messages of other people. 100 means 100 or more. */
  readonly unread: number;
}

export type Waiting = Extract<Change, { type: "send" }>;

export interface RoomEvents {
  /** A message was posted or changed, now or while the client was away. */
  readonly message: MessageFrame;
  readonly joined: JoinedFrame;
  readonly synced: SyncedFrame;
  readonly lagging: LaggingFrame;
  readonly presence: PresenceFrame;
  readonly typing: TypingFrame;
  readonly read: ReadFrame;
  readonly left: LeftFrame;
  /** The room itself or who may do what in it has changed. */
  readonly notice: NoticeFrame;
  /** The outcome of a change is known. Includes changes of an earlier run. */
  readonly settled: Settled;
}

export interface ChangeOptions {
  /** The UUID of the change. Defaults to a random one. */
  readonly clientId?: string;
  /** Gives up the change. If it is in flight, it may be committed nevertheless. */
  readonly signal?: AbortSignal;
}
export interface SendOptions extends ChangeOptions {
  /** The id of the message that this one replies to. */
  readonly replyTo?: number;
  readonly data?: Data | undefined;
}
export interface EditOptions extends ChangeOptions {
  /** Replaces the message's data; null takes it away. Without it, the message keeps what it has. */
  readonly data?: Data | null | undefined;
}

/** Selects a page by a message id: at most one of `before`, `after` and `around`. Without one, the newest page. */
export interface HistoryQuery {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  /** 1 to 1,000. Defaults to 100. With `around`, half of them on each side. A page can be shorter. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A page of a room's history, oldest first. */
export interface HistoryPage {
  readonly messages: readonly Message[];
  /** Whether there are messages before this page. */
  readonly older: boolean;
  /** Whether there are messages after this page. */
  readonly newer: boolean;
}

/** A room of the chat. */
export interface Room extends AsyncDisposable, AsyncIterable<MessageFrame> {
  readonly name: string;
  /** Returns the room's state: the same object until something changes. */
  snapshot(): RoomState;
  /** Calls `listener` after each change of the state. Returns a function that stops it. */
  subscribe(listener: () => void): () => void;
  on<T extends keyof RoomEvents>(type: T, listener: (event: RoomEvents[T]) => void): () => void;
  /** Iterates over messages as they are posted and changed, until `leave` or an aborted signal. */
  events(options?: { signal?: AbortSignal }): AsyncIterableIterator<MessageFrame>;
  /** Posts a message. Resolves once it is committed, however often the connection breaks. @throws {ChatError} */
  send(content: string, options?: SendOptions): Promise<Ack>;
  /** Changes the text of a message of this person. @throws {ChatError} */
  edit(id: number, content: string, options?: EditOptions): Promise<Ack>;
  /** Deletes a message of this person; a tombstone stays. @throws {ChatError} */
  delete(id: number, options?: ChangeOptions): Promise<Ack>;
  /** Adds a reaction, or removes it if `on` is false. @throws {ChatError} */
  react(id: number, emoji: string, on?: boolean, options?: ChangeOptions): Promise<Ack>;
  /** Moves the read mark to this message. @throws {ChatError} */
  read(id: number): Promise<void>;
  /** Shows others that the person is typing. Call it with each key: it sends at most one frame every 2 seconds. */
  typing(): void;
  /** Loads the page before the list into the list. `limit` is approximate; it defaults to 100. @throws {ChatError} */
  older(limit?: number): Promise<void>;
  /** Reads a page of the history without changing the list. @throws {ChatError} */
  history(query?: HistoryQuery): Promise<HistoryPage>;
  /** Stops following the room. The person stays a member, and waiting changes are still sent. */
  leave(): void;
}

export interface RoomOptions {
  /** How many messages to load at first. 0 loads none. Defaults to 50. */
  readonly history?: number;
  /** How many messages the list keeps, not counting pages loaded by `older()`. Defaults to 1,000. */
  readonly keep?: number;
}

/** The side of a room that the chat uses. */
export interface RoomInside extends OutboxRoom {
  readonly room: Room;
  /** The application wants to be in the room. */
  open(): void;
  /** A socket was opened: joins the room if it is wanted. */
  connected(): void;
  disconnected(): void;
  take(frame: RoomFrame): void;
  /** Forgets everything, because another person signed in. */
  drop(): void;
  close(why: ChatError): void;
}

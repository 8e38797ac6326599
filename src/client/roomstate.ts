import type { ChatError } from "./errors.ts";
import type {
  JoinedFrame,
  LaggingFrame,
  LeftFrame,
  Message,
  MessageFrame,
  PresenceFrame,
  ReadFrame,
  RoomFrame,
  SyncedFrame,
  TypingFrame,
} from "./message.ts";
import type { Ack, Change, OutboxRoom, Settled } from "./outbox.ts";

/** A room as it stands. */
export interface RoomState {
  readonly name: string;
  /** `offline`: as it was; it goes on when the connection is back. `out`: not in it, see `error`. */
  readonly state: "offline" | "joining" | "catching_up" | "live" | "out";
  /** Why it is `out`. */
  readonly error: ChatError | undefined;
  /** Everything from the first of them on, oldest first, each in its latest state. Deleted ones are there, empty. */
  readonly messages: readonly Message[];
  /** There are older ones: `older()` puts them into the list. */
  readonly more: boolean;
  /** What this client sends and is not in the list yet, in its order. */
  readonly waiting: readonly Waiting[];
  /** How many people are here, and the names of at most 100 of them. */
  readonly online: number;
  readonly people: readonly string[];
  /** Who else is typing. */
  readonly typing: readonly string[];
  /** The id up to which this person has read. */
  readonly lastRead: number;
  /** Messages of others after it; 100 stands for as many or more. */
  readonly unread: number;
}

export type Waiting = Extract<Change, { type: "send" }>;

export interface RoomEvents {
  /** A message that was posted or changed, those missed meanwhile too. */
  readonly message: MessageFrame;
  readonly joined: JoinedFrame;
  readonly synced: SyncedFrame;
  readonly lagging: LaggingFrame;
  readonly presence: PresenceFrame;
  readonly typing: TypingFrame;
  readonly read: ReadFrame;
  readonly left: LeftFrame;
  /** Something that was to be done is done, or is not going to be; what an earlier run of the page began too. */
  readonly settled: Settled;
}

export interface SendOptions {
  /** The id of the message that this one answers. */
  readonly replyTo?: number;
  /** A UUID that the message keeps for ever; without it one is made. */
  readonly clientId?: string;
  /** Gives it up. It may be committed all the same, if it is on its way. */
  readonly signal?: AbortSignal;
}
export type ChangeOptions = Omit<SendOptions, "replyTo">;

/** Which page: at most one of `before`, `after` and `around`, message ids; none: the newest. */
export interface HistoryQuery {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  /** 1 to 1,000; 100 where it is not given; around a message half of them on each side. A page may be shorter. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A page of a room's history, oldest first. */
export interface HistoryPage {
  readonly messages: readonly Message[];
  /** There is more before the first of them, after the last one. */
  readonly older: boolean;
  readonly newer: boolean;
}

/** A room that one is in. */
export interface Room extends AsyncDisposable, AsyncIterable<MessageFrame> {
  readonly name: string;
  /** What is to be shown; the same object until something has changed. */
  snapshot(): RoomState;
  /** Calls back after each change of the snapshot. The answer ends it. */
  subscribe(listener: () => void): () => void;
  on<T extends keyof RoomEvents>(type: T, listener: (event: RoomEvents[T]) => void): () => void;
  /** The room's messages as they come, as an iteration. */
  events(options?: { signal?: AbortSignal }): AsyncIterableIterator<MessageFrame>;
  /** Settles once the message is committed, through any disconnection. @throws {ChatError} */
  send(content: string, options?: SendOptions): Promise<Ack>;
  /** Changes the text of one's own message. @throws {ChatError} */
  edit(id: number, content: string, options?: ChangeOptions): Promise<Ack>;
  /** Leaves a tombstone where one's own message was. @throws {ChatError} */
  delete(id: number, options?: ChangeOptions): Promise<Ack>;
  /** Gives a reaction, or takes it back. @throws {ChatError} */
  react(id: number, emoji: string, on?: boolean, options?: ChangeOptions): Promise<Ack>;
  /** Moves the read mark to this message. @throws {ChatError} */
  read(id: number): Promise<void>;
  /** Says that the person is typing; call it with each key. */
  typing(): void;
  /** Puts the page before the list into it, of about so many messages. @throws {ChatError} */
  older(limit?: number): Promise<void>;
  /** A page of the history beside the list. @throws {ChatError} */
  history(query?: HistoryQuery): Promise<HistoryPage>;
  /** Is in it no longer. What waits to be sent is sent all the same. */
  leave(): void;
}

export interface RoomOptions {
  /** How many messages to begin with; 0: none before what comes. 50 where it is not given. */
  readonly history?: number;
  /** How many messages the list keeps as new ones come, besides what was paged back to. 1,000 where not given. */
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

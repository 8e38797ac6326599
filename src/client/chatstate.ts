import type { Blocks } from "./people/blocks.ts";
import type { ConnectionState } from "./connection.ts";
import type { Conversations } from "./rooms/conversations.ts";
import type { ChatError } from "./errors.ts";
import type { NewRoom } from "./people/founding.ts";
import type { Limits, User } from "./message.ts";
import type { Settled } from "./outbox.ts";
import type { Page } from "./page.ts";
import type { Pages } from "./people/pages.ts";
import type { Ports, WebSocketClass } from "./ports.ts";
import type { Profile } from "./people/profile.ts";
import type { ChangeOptions } from "./roomchanges.ts";
import type { Mention } from "./rooms/mentions.ts";
import type { RoomsQuery, RoomSummary } from "./rooms/roomlist.ts";
import type { Room, RoomOptions } from "./roomstate.ts";
import type { FoundPage, SearchOptions } from "./search/search.ts";
import type { Account, SessionInfo, TokenSource } from "./session.ts";
import type { ChatStorage } from "./storage.ts";
import type { Push } from "./push/push.ts";
import type { Saved } from "./kept/saved.ts";
import type { ListedThread, ThreadsQuery } from "./threads/list.ts";
import type { Store } from "./subject.ts";

/** The state of a chat. */
export interface ChatState {
  readonly connection: ConnectionState;
  /** The signed-in account. Undefined if nobody is signed in, or if `tokens` is in use. */
  readonly account: Account | undefined;
  /** The person of the connection, as the server knows them: `me.id` tells one's own messages. It outlasts a cut. */
  readonly me: User | undefined;
  /** The server's limits, once it has been reached. */
  readonly limits: Limits | undefined;
}

export interface ChatEvents {
  readonly connection: ConnectionState;
  /** Someone signed in or out. `error` is set if the server ended the session. */
  readonly session: { readonly account: Account | undefined; readonly error: ChatError | undefined };
  /** The outcome of a change in any room is known. Includes changes of an earlier run. */
  readonly settled: Settled;
  /** The server sent an invalid frame, or a token could not be renewed ahead of time. */
  readonly problem: ChatError;
}

export interface ChatOptions {
  /**
   * The server's address: `https://chat.example.com`. In a browser it can be relative to the page: `/`. Elsewhere, whatever
   * needs the server fails with `invalid` if it is relative.
   */
  readonly url: string;
  /** Keeps tokens and unsent changes for the next run, for example `localStorage`. */
  readonly storage?: ChatStorage | undefined;
  /** Returns tokens of your own product, instead of logging in with an account of the server. */
  readonly tokens?: TokenSource | undefined;
  /** The most changes that may wait in the outbox. Defaults to 200. */
  readonly outbox?: number | undefined;
  /** The WebSocket class, for runtimes without a global one, such as Node 20: the one of `ws` or of undici. */
  readonly webSocket?: WebSocketClass | undefined;
  /** Replacements for the network, the clock and other parts of the system. Each has a default. */
  readonly ports?: Partial<Ports>;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface TokenOptions extends CallOptions {
  /** A token that was refused, so that another one is needed. */
  readonly refused?: string;
}

export interface Sessions extends Pages<SessionInfo> {
  end(id: string, options?: CallOptions): Promise<void>;
  endOthers(options?: CallOptions): Promise<void>;
}

export interface LeaveOptions extends CallOptions {
  /** The member who becomes an owner, if this person is the last one: their id, or `@` and their username. */
  readonly heir?: string;
}

/** A client of one server, for one person at a time. Every failure is a {@link ChatError}. */
export interface Chat extends Store<ChatState>, AsyncDisposable {
  /** The person of the connection: `me` of the state as a store of its own. */
  readonly me: Store<User | undefined>;
  on<T extends keyof ChatEvents>(type: T, listener: (event: ChatEvents[T]) => void): () => void;
  /** Resolves once the storage is read, with whether someone is signed in. */
  readonly ready: Promise<boolean>;
  /** Creates an account and signs in with it. `invite` is the token of a registration link. */
  register(
    who: Credentials & { readonly username?: string; readonly invite?: string },
    options?: CallOptions,
  ): Promise<Account>;
  login(who: Credentials, options?: CallOptions): Promise<Account>;
  /** Forgets the person and the outbox at once, then ends the session on the server. */
  logout(options?: CallOptions): Promise<void>;
  /**
   * Sets the display name and the picture of this person's account. Others see them with the next message.
   * @throws {ChatError} `invalid`; `forbidden` if `tokens` is in use: the tokens say what their person is called.
   */
  setProfile(profile: Profile, options?: CallOptions): Promise<void>;
  /** The account's sessions, most recently used first. */
  readonly sessions: Sessions;
  /** Returns the list of this person's rooms: the same one each time. */
  rooms(): Conversations;
  /** The threads that this person follows and that have unread replies, by their last reply, newest first. */
  readonly threads: Pages<ListedThread, ThreadsQuery>;
  /** Pushes, which arrive while no page is open. */
  readonly push: Push;
  /** The messages that the person saved for themselves. */
  readonly saved: Saved;
  /** The messages that mention this person and that they may read, newest first. Loaded again when there are others. */
  readonly mentions: Pages<Mention>;
  /**
   * Reads a page of this person's rooms, or with `all` of every room that they may enter, and the cursor of the next one.
   * @throws {ChatError}
   */
  listRooms(query?: RoomsQuery): Promise<Page<RoomSummary>>;
  /**
   * Searches for messages, newest first, in this person's rooms or in one room. PROTOCOL.md says what a query may contain.
   * @throws {ChatError} `invalid` if the query cannot be understood; its `errors.q` says why. `search_off` if the server
   * has no search.
   */
  search(query: string, options?: SearchOptions): Promise<FoundPage>;
  /**
   * Ends this person's membership of a room, which then leaves their list of rooms. On all of their connections the room
   * goes to state `out` with the error `left`. Changes that still wait for the room are given up. The request is repeated
   * until its outcome is known.
   * @throws {ChatError}
   */
  leaveRoom(name: string, options?: LeaveOptions): Promise<void>;
  /**
   * Creates a private room, of which this person is the owner. The request is repeated until its outcome is known.
   * @throws {ChatError}
   */
  create(room?: NewRoom): Promise<Room>;
  /**
   * Returns the direct room of this person and others, and creates it if there is none: the same people always share one.
   * Up to seven others, each by their id, or by `@` and their username. @throws {ChatError}
   */
  direct(people: readonly string[], options?: CallOptions): Promise<Room>;
  /** Uses the token of an invitation: makes this person a member of its room. @throws {ChatError} */
  redeem(token: string, options?: ChangeOptions): Promise<Room>;
  /** The people whom this person blocks. */
  readonly blocks: Blocks;
  /**
   * Returns an access token for requests of your own, other than `refused`.
   * @throws {ChatError} `signed_out`; `token_failed`; the server's refusal to renew the token.
   */
  token(options?: TokenOptions): Promise<string>;
  /**
   * Gets a newer token, because this person's rights have changed, and joins the rooms that the last one did not allow.
   * Resolves when the server has accepted the token. Waits while there is no connection.
   * @throws {ChatError} `token_failed`, also if there is no newer token; `disconnected` if nothing needs a connection yet;
   * the server's refusal of the token.
   */
  renew(options?: CallOptions): Promise<void>;
  /** Connects, even if the connection is `closed`. Whatever needs a connection for the first time connects by itself. */
  connect(): void;
  /**
   * Returns a room, and does nothing else: it is joined when someone subscribes to it. The same name returns the same room,
   * with the options of the first call. If the name is invalid, the room goes to state `out` once it is joined.
   */
  room(name: string, options?: RoomOptions): Room;
  /** Ends the connection for good. Unsent changes are rejected here; if a storage keeps them, the next run sends them. */
  close(): Promise<void>;
}

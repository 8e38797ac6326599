import { baseOf, spelled } from "./address.ts";
import { type Conversations, createConversations } from "./conversations.ts";
import { createConnection } from "./connection.ts";
import type { ChatEvents, ChatState } from "./chatstate.ts";
import { createEmitter } from "./emitter.ts";
import { ChatError } from "./errors.ts";
import { createHttp } from "./http.ts";
import type { RoomFrame, User, WelcomeFrame } from "./message.ts";
import { createOutbox } from "./outbox.ts";
import { type Ports, systemPorts } from "./ports.ts";
import { type Profile, setProfile } from "./profile.ts";
import { createQueries } from "./queries.ts";
import { leftError } from "./reconnect.ts";
import { createRoom } from "./room.ts";
import { listIn, listRooms, type RoomsPage, type RoomsQuery } from "./roomlist.ts";
import type { Room, RoomInside, RoomOptions } from "./roomstate.ts";
import { type Account, createSession, type SessionInfo, type TokenSource } from "./session.ts";
import { type ChatStorage, createSlot } from "./storage.ts";
import { createSubject } from "./subject.ts";

export interface ChatOptions {
  /** The server's address: `https://chat.example.com`. In a browser it can be relative to the page: `/`. */
  readonly url: string;
  /** Keeps tokens and unsent changes for the next run, for example `localStorage`. */
  readonly storage?: ChatStorage;
  /** Returns tokens of your own product, instead of logging in with an account of the server. */
  readonly tokens?: TokenSource;
  /** The most changes that may wait in the outbox. Defaults to 200. */
  readonly outbox?: number;
  /** Replacements for the network, the clock and other parts of the system, for tests. */
  readonly ports?: Partial<Ports>;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A client of one server, for one person at a time. Every failure is a {@link ChatError}. */
export interface Chat extends AsyncDisposable {
  snapshot(): ChatState;
  subscribe(listener: () => void): () => void;
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
  logout(): Promise<void>;
  /**
   * Sets the display name and the picture of this person's account. Others see them with the next message.
   * @throws {ChatError} `invalid`; `forbidden` if `tokens` is in use: the tokens say what their person is called.
   */
  setProfile(profile: Profile, options?: CallOptions): Promise<void>;
  readonly sessions: {
    /** Lists the account's sessions, most recently used first. */
    list(options?: CallOptions): Promise<readonly SessionInfo[]>;
    end(id: string, options?: CallOptions): Promise<void>;
    endOthers(options?: CallOptions): Promise<void>;
  };
  /** Returns the list of this person's rooms, which stays up to date from now on. It is the same list each time. */
  rooms(): Conversations;
  /**
   * Reads a page of this person's rooms, or with `all` of every room that they may enter, and the cursor of the next one.
   * @throws {ChatError}
   */
  listRooms(query?: RoomsQuery): Promise<RoomsPage>;
  /**
   * Ends this person's membership of a room, which then leaves their list of rooms. On all of their connections the room
   * goes to state `out` with the error `left`. Changes that still wait for the room are given up.
   * @throws {ChatError}
   */
  leaveRoom(name: string, options?: CallOptions): Promise<void>;
  /**
   * Returns an access token for requests of your own, other than `refused`.
   * @throws {ChatError} `signed_out`; `token_failed`; the server's refusal to renew the token.
   */
  token(refused?: string): Promise<string>;
  /** Connects, even if the connection is `closed`. Opening a room connects by itself. */
  connect(): void;
  /**
   * Joins a room as soon as there is a connection, until `leave`. The same name returns the same room, with the options of
   * the first call. If the name is invalid, the room goes to state `out`.
   */
  room(name: string, options?: RoomOptions): Room;
  /** Ends the connection for good. Unsent changes are rejected here; if a storage keeps them, the next run sends them. */
  close(): Promise<void>;
}

export function createChat(options: ChatOptions): Chat {
  const ports: Ports = { ...systemPorts(), ...options.ports };
  const base = baseOf(options.url);
  const emitter = createEmitter<ChatEvents>();
  const rooms = new Map<string, RoomInside>();
  let wanted = false;
  let closed: ChatError | undefined;
  let user: User | undefined;
  let account: Account | undefined;

  const slot = (name: string) => createSlot(options.storage, `parley ${base.href} ${name}`);
  const kept = slot("outbox");
  const http = createHttp(base, ports);
  const session = createSession({
    http,
    slot: slot("session"),
    tokens: options.tokens,
    locks: options.storage && ports.locks,
    lock: `parley ${base.href}`,
    clock: ports.clock,
    changed: signed,
  });

  const each = (what: "connected" | "disconnected" | "drop") => {
    for (const room of rooms.values()) room[what]();
    conversations[what]();
  };

  const view = createSubject<ChatState>(() => ({
    connection: connection.state,
    account,
    // Whoever signs in is known once the server says so.
    me: session.signedIn && (!account || account.username === user?.username) ? user : undefined,
  }));

  const connection = createConnection({
    url: new URL("ws/", base).href.replace(/^http/, "ws"),
    ports,
    token: session.token,
    changed(state) {
      if (state.state !== "open") each("disconnected");
      view.changed();
      emitter.emit("connection", state);
    },
    welcome,
    event(event) {
      if (event.type === "activity" || event.type === "rooms") {
        const isIn = "change" in event && (event.change === "added" || event.change === "changed");
        if (isIn) rooms.get(event.room)?.admitted();
        return conversations.take(event);
      }
      if (!("room" in event)) return;
      rooms.get(event.room)?.take(event as RoomFrame);
      conversations.joined(event as RoomFrame);
    },
    problem: (error) => emitter.emit("problem", error),
  });

  const queries = createQueries(ports, connection);
  const outbox = createOutbox({
    slot: kept,
    max: options.outbox ?? 200,
    ports,
    connection,
    room: (name) => rooms.get(name),
  });

  const conversations = createConversations({
    session,
    ports,
    connection,
    room: (name) => rooms.get(name)?.room.snapshot(),
    connect: () => !wanted && connect(),
  });

  const insideOf = (name: string, roomOptions?: RoomOptions): RoomInside => {
    const known = rooms.get(name);
    if (known) return known;
    const me = () => user?.id;
    const room = createRoom({ ...roomOptions, name, ports, connection, outbox, queries, me });
    rooms.set(name, room);
    return room;
  };

  function welcome(frame: WelcomeFrame) {
    const other = user && user.id !== frame.user.id;
    ({ user } = frame);
    view.changed();
    if (other) each("drop");
    outbox.own(user.id);
    if (other) void outbox.load();
    // The outbox needs its rooms joined.
    for (const name of outbox.rooms()) insideOf(name);
    each("connected");
    queries.pump();
    outbox.pump();
  }

  function signed(next: Account | undefined, error?: ChatError) {
    const other = account?.email !== next?.email;
    account = next;
    connection.stop(error);
    if (other) each("drop");
    view.changed();
    emitter.emit("session", { account: next, error });
    start();
  }

  const start = () => {
    if (wanted && !closed && session.signedIn) connection.start();
  };

  const connect = () => {
    wanted = true;
    start();
  };

  const load = async () => {
    await session.load();
    await outbox.load();
    if (outbox.rooms().length > 0) connect();
    return session.signedIn;
  };

  const remove = async (path: string, call?: CallOptions) => {
    await session.request("DELETE", path, call);
  };

  const guard = () => {
    if (closed) throw closed;
  };

  const close = async () => {
    if (closed) return;
    closed = new ChatError("closed", "The chat was closed.");
    connection.stop(closed);
    outbox.close(closed);
    queries.close(closed);
    for (const room of rooms.values()) room.close(closed);
    // Wait until the storage has everything.
    await kept.read().catch(() => {});
  };

  return {
    snapshot: view.snapshot,
    subscribe: view.subscribe,
    on: emitter.on,
    ready: load(),
    register: (who, call) =>
      session.enter("account/reg/", { ...call, body: { ...who, password2: who.password } }),
    login: ({ email, password }, call) =>
      session.enter("account/login/", { ...call, body: { email, password } }),
    async logout() {
      outbox.clear(new ChatError("signed_out", "Logged out."));
      const refresh = await session.leave();
      await kept.read().catch(() => {});
      if (refresh) await http("POST", "account/logout/", { body: { refresh } });
    },
    async setProfile(profile, call) {
      const stored = await setProfile(session, profile, call);
      connection.renew();
      if (!user || stored?.user.id !== user.id) return;
      user = { ...user, name: stored.user.name, picture: stored.picture ?? undefined };
      view.changed();
    },
    sessions: {
      async list(call) {
        const { body } = await session.request("GET", "account/sessions/", call);
        return listIn(body) as SessionInfo[];
      },
      end: (id, call) => remove(`account/sessions/${encodeURIComponent(id)}/`, call),
      endOthers: (call) => remove("account/sessions/", call),
    },
    rooms() {
      guard();
      conversations.open();
      return conversations;
    },
    listRooms: (query) => listRooms(session, query),
    async leaveRoom(name, call) {
      const room = spelled(name);
      await remove(`rooms/${encodeURIComponent(room)}/members/me/`, call);
      rooms.get(room)?.close(leftError(4505));
    },
    token: session.token,
    connect() {
      guard();
      connect();
    },
    room(name, roomOptions) {
      guard();
      const inside = insideOf(spelled(name), roomOptions);
      inside.open();
      // A connection that was closed for good stays closed until someone calls `connect`.
      if (!wanted) connect();
      return inside.room;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

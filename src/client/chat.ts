import { abortable } from "./abort.ts";
import { addressOf, spelled } from "./address.ts";
import { createConversations } from "./conversations.ts";
import { createConnection } from "./connection.ts";
import type { CallOptions, Chat, ChatEvents, ChatOptions, ChatState } from "./chatstate.ts";
import { createBlocks } from "./blocks.ts";
import { asyncDispose } from "./dispose.ts";
import { createEmitter } from "./emitter.ts";
import { ChatError } from "./errors.ts";
import { createFounding } from "./founding.ts";
import { createHttp } from "./http.ts";
import { createBans, createMembers } from "./members.ts";
import type { RoomFrame, User, WelcomeFrame } from "./message.ts";
import { createOutbox } from "./outbox.ts";
import { createPages, listIn, type PageQuery, plain, roomPath } from "./pages.ts";
import { createPlaces } from "./places.ts";
import { portsOf } from "./ports.ts";
import { setProfile } from "./profile.ts";
import { createQuery } from "./query.ts";
import { leftError } from "./reconnect.ts";
import { createRegistry } from "./registry.ts";
import { createRequests } from "./requests.ts";
import { createRoom } from "./room.ts";
import { listRooms } from "./roomlist.ts";
import type { Room, RoomOptions } from "./roomstate.ts";
import { type Account, createSession, type Request, type SessionInfo } from "./session.ts";
import { createSteady } from "./steady.ts";
import { createSlot } from "./storage.ts";
import { createSubject, partOf } from "./subject.ts";

/**
 * Creates a client. It connects once something needs a connection.
 * @throws {ChatError} `unsupported` if this runtime lacks something; `invalid` if `url` is not a URL.
 */
export function createChat(options: ChatOptions): Chat {
  const ports = portsOf(options);
  const address = addressOf(options.url);
  const { base } = address;
  const emitter = createEmitter<ChatEvents>();
  let wanted = false;
  let closed: ChatError | undefined;
  let user: User | undefined;
  let account: Account | undefined;
  /** How many rooms a socket can be in. */
  let limit = Infinity;

  const slot = (name: string) => createSlot(options.storage, `parley ${base.href} ${name}`);
  const kept = slot("outbox");
  const http = createHttp(address, ports);
  const session = createSession({
    http,
    slot: slot("session"),
    tokens: options.tokens,
    locks: options.storage && ports.locks,
    lock: `parley ${base.href}`,
    clock: ports.clock,
    changed: signed,
  });

  const eachRoom = (what: "connected" | "disconnected" | "drop" | "renewed" | "changed") => {
    for (const room of rooms.all()) room[what]();
  };

  const each = (what: "connected" | "disconnected" | "drop") => {
    eachRoom(what);
    conversations[what]();
    if (what === "disconnected") return;
    blocks[what]();
    sessions[what]();
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
    renewed: () => eachRoom("renewed"),
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

  const steady = createSteady(ports);
  const query = createQuery(steady, connection);
  /** Makes a request that is idempotent, until its outcome is known. */
  const repeat: Request = (method, path, { signal: given, ...call } = {}) =>
    steady.run((signal) => session.request(method, path, { ...call, signal }), given);
  const founding = createFounding(repeat, ports.uuid);
  const blocks = createBlocks(session, repeat, () => eachRoom("changed"));
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
    connect: need,
    closed: () => closed !== undefined,
  });

  const places = createPlaces(() => limit);
  const rooms = createRegistry((name, roomOptions) =>
    createRoom({
      ...roomOptions,
      name,
      ports,
      connection,
      places,
      outbox,
      query,
      members: createMembers(name, session),
      bans: createBans(name, session),
      requests: createRequests(name, session, repeat, ports.uuid),
      me: () => user?.id,
      blocked: blocks.ids,
      closed: () => closed,
      used(room) {
        rooms.used(room);
        need();
      },
    }),
  );

  function welcome(frame: WelcomeFrame) {
    const other = user && user.id !== frame.user.id;
    // The same object if nothing changed.
    if (JSON.stringify(user) !== JSON.stringify(frame.user)) ({ user } = frame);
    limit = Math.max(1, frame.limits.rooms);
    view.changed();
    if (other) each("drop");
    outbox.own(frame.user.id);
    if (other) void outbox.load();
    // The outbox needs its rooms joined.
    for (const name of outbox.rooms()) rooms.of(name);
    each("connected");
    outbox.pump();
    steady.wake();
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
    if (!wanted || closed || !session.signedIn) return;
    if (address.error) giveUp(address.error);
    else connection.start();
  };

  /** Rejects whatever needs the connection, now and from now on. */
  const giveUp = (error: ChatError) => {
    connection.stop(error);
    outbox.close(error);
    steady.close(error);
  };

  const connect = () => {
    wanted = true;
    start();
  };

  /** Something needs the connection. One that was closed for good stays closed until someone calls `connect`. */
  function need() {
    if (!wanted) connect();
  }

  const load = async () => {
    await session.load();
    await outbox.load();
    if (outbox.rooms().length > 0) connect();
    return session.signedIn;
  };

  const sessions = createPages(
    plain(async ({ signal }: PageQuery = {}) => {
      const { body } = await session.request("GET", "account/sessions/", { signal });
      return { items: listIn(body) as SessionInfo[] };
    }),
  );

  const endSessions = async (which: string, call?: CallOptions) => {
    await session.request("DELETE", `account/sessions/${which}`, call);
    await sessions.renew();
  };

  const room = (name: string, roomOptions?: RoomOptions): Room => rooms.of(spelled(name), roomOptions).room;

  const close = async () => {
    if (closed) return;
    closed = new ChatError("closed", "The chat was closed.");
    giveUp(closed);
    for (const room of rooms.all()) room.close(closed);
    conversations.close();
    // Wait until the storage has everything.
    await kept.read().catch(() => {});
  };

  view.initial(); // while nothing has happened
  return {
    ...view,
    me: partOf(view, ({ me }) => me),
    on: emitter.on,
    ready: load(),
    register: (who, call) =>
      session.enter("account/reg/", { ...call, body: { ...who, password2: who.password } }),
    login: ({ email, password }, call) =>
      session.enter("account/login/", { ...call, body: { email, password } }),
    async logout(call) {
      outbox.clear(new ChatError("signed_out", "Logged out."));
      const refresh = await session.leave();
      await kept.read().catch(() => {});
      if (refresh) await http("POST", "account/logout/", { ...call, body: { refresh } });
    },
    async setProfile(profile, call) {
      const stored = await setProfile(session, profile, call);
      connection.renew().catch(() => {});
      if (!user || stored?.user.id !== user.id) return;
      user = { ...user, name: stored.user.name, picture: stored.picture ?? undefined };
      view.changed();
    },
    sessions: Object.assign(sessions, {
      end: (id: string, call?: CallOptions) => endSessions(`${encodeURIComponent(id)}/`, call),
      endOthers: (call?: CallOptions) => endSessions("", call),
    }),
    rooms: () => conversations,
    listRooms: (query) => listRooms(session, query),
    async leaveRoom(name, { heir, signal } = {}) {
      const left = spelled(name);
      const query = new URLSearchParams({ clientId: ports.uuid(), ...(heir !== undefined && { heir }) });
      const path = `${roomPath(left, "members/me")}?${query}`;
      await repeat("DELETE", path, { signal });
      rooms.get(left)?.close(leftError(4505, left));
    },
    token: ({ refused, signal } = {}) => abortable(session.token(refused), signal),
    async renew({ signal } = {}) {
      if (closed) throw closed;
      await abortable(connection.renew(), signal);
    },
    connect() {
      if (closed) throw closed;
      connect();
    },
    room,
    create: async (fresh = {}) => room(await founding.create(fresh)),
    direct: async (people, { signal } = {}) => room(await founding.direct(people, signal)),
    redeem: async (token, { clientId, signal } = {}) => room(await founding.redeem(token, clientId, signal)),
    blocks,
    close,
    [asyncDispose]: close,
  };
}

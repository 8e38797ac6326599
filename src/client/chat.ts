// Long because all parts of the client are put together here.

import { abortable } from "./abort.ts";
import { addressOf, spelled } from "./address.ts";
import { NOBODY } from "./content.ts";
import { createConnection } from "./connection.ts";
import type { Chat, ChatEvents, ChatOptions, ChatState } from "./chatstate.ts";
import { asyncDispose } from "./dispose.ts";
import { createEmitter } from "./emitter.ts";
import { ChatError } from "./errors.ts";
import { createHttp } from "./http.ts";
import { createLaterList, methodsOf, once } from "./later.ts";
import { createLaterRooms } from "./laterrooms.ts";
import type { Limits, RoomFrame, User, WelcomeFrame } from "./message.ts";
import { createOutbox } from "./outbox.ts";
import { part } from "./parts.ts";
import { createPlaces } from "./places.ts";
import { portsOf } from "./ports.ts";
import { createQuery } from "./query.ts";
import { leftError } from "./reconnect.ts";
import { createRegistry } from "./registry.ts";
import { createRoom } from "./room.ts";
import type { Room, RoomOptions } from "./roomstate.ts";
import { type Account, createSession, type Request } from "./session.ts";
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
  let limits: Limits | undefined;

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
    if (what === "disconnected") return conversations.made?.disconnected();
    (conversations.made ?? conversations)[what]();
    for (const list of [blocks, sessions, threads, saved, mentions]) list[what]();
  };

  const view = createSubject<ChatState>(() => ({
    connection: connection.state,
    account,
    limits,
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
      threads.notice(event as never);
      mentions.notice(event as never);
      if (event.type === "activity" || event.type === "rooms") {
        if ("change" in event && ["added", "changed"].includes(event.change))
          rooms.get(event.room)?.admitted();
        return conversations.made?.take(event);
      }
      if (!("room" in event)) return;
      rooms.get(event.room)?.take(event as RoomFrame);
      conversations.made?.joined(event as RoomFrame);
    },
    problem: (error) => emitter.emit("problem", error),
  });

  const steady = createSteady(ports);
  const query = createQuery(steady, connection);
  /** Makes a request that is idempotent, until its outcome is known. */
  const repeat: Request = (method, path, { signal: given, ...call } = {}) =>
    steady.run((signal) => session.request(method, path, { ...call, signal }), given);
  const files = once(async () =>
    (await part("files")).createFiles({
      address,
      ports,
      ownFetch: !!options.ports?.fetch,
      session,
      steady,
      repeat,
      chat: view,
      need,
    }),
  );
  const people = once(async () => {
    const made = (await part("people")).createPeople({
      session,
      repeat,
      uuid: ports.uuid,
      changed() {
        blocked = made.blocks.ids();
        eachRoom("changed");
      },
    });
    return made;
  });
  /** Ids of people whom the person blocks. */
  let blocked = NOBODY;
  const blocks = createLaterList(async () => (await people()).blocks);
  const sessions = createLaterList(async () => (await people()).sessions);
  const threads = createLaterList(async () => (await part("threads")).createThreadList(session, ports.clock));
  const saved = createLaterList(async () => (await part("kept")).createSaved(session, repeat));
  const push = once(async () => (await part("push")).createPush(session, repeat));
  const mentions = createLaterList(async () =>
    (await part("rooms")).createMentions(session, ports.clock, () => user?.id),
  );
  const outbox = createOutbox({
    slot: kept,
    max: options.outbox ?? 200,
    ports,
    connection,
    room: (name) => rooms.get(name),
    settled(settled) {
      rooms.get(settled.change.room)?.settled(settled);
      emitter.emit("settled", settled);
    },
    upload: async ({ room, files: those = [] }, signal, report) =>
      (await steady.run(files, signal)).uploadAll(room, those, signal, report),
  });

  const { list, inside: conversations } = createLaterRooms({
    session,
    ports,
    connection,
    room: (name) => rooms.get(name)?.room.snapshot(),
    connect: need,
    me: () => user?.id,
    closed: () => closed !== undefined,
  });
  const places = createPlaces(() => Math.max(1, limits?.rooms ?? Infinity));
  const rooms = createRegistry((name, roomOptions) =>
    createRoom({
      ...roomOptions,
      name,
      ports,
      connection,
      places,
      outbox,
      query,
      people,
      files,
      threads: { session, repeat, me: () => user?.id },
      me: () => user?.id,
      blocked: () => blocked,
      closed: () => closed,
      marked: () => conversations.made?.marked(),
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
    ({ limits } = frame);
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

  const room = (name: string, roomOptions?: RoomOptions): Room => rooms.of(spelled(name), roomOptions).room;

  const close = async () => {
    if (closed) return;
    closed = new ChatError("closed", "The chat was closed.");
    giveUp(closed);
    for (const room of rooms.all()) room.close(closed);
    conversations.made?.close();
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
      const stored = await (await people()).setProfile(profile, call);
      connection.renew().catch(() => {});
      if (!user || stored?.user.id !== user.id) return;
      user = { ...user, name: stored.user.name, picture: stored.picture ?? undefined };
      view.changed();
    },
    sessions: { ...sessions, ...methodsOf(sessions.use, "end", "endOthers") },
    saved: { ...saved, ...methodsOf(saved.use, "add", "remove", "in") },
    push: methodsOf(push, "state", "subscribe", "unsubscribe", "remove", "setQuietHours"),
    rooms: () => list,
    threads,
    mentions,
    listRooms: async (query) => (await part("rooms")).listRooms(session, query),
    search: async (text, query) => (await part("search")).search(session, text, query),
    async leaveRoom(name, options) {
      const left = spelled(name);
      await (await people()).leave(left, options);
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
    create: async (fresh = {}) => room(await (await people()).create(fresh)),
    direct: async (those, { signal } = {}) => room(await (await people()).direct(those, signal)),
    redeem: async (token, { clientId, signal } = {}) =>
      room(await (await people()).redeem(token, clientId, signal)),
    blocks: { ...blocks, ...methodsOf(blocks.use, "add", "remove") },
    close,
    [asyncDispose]: close,
  };
}

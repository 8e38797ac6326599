import { type ChangeOptions, createChanges } from "./roomchanges.ts";
import type { Connection } from "./connection.ts";
import { createContent, NOBODY } from "./content.ts";
import { asyncDispose } from "./dispose.ts";
import { createEmitter } from "./emitter.ts";
import type { ChatError } from "./errors.ts";
import { createFeed } from "./feed.ts";
import { createHistory } from "./history.ts";
import { createHolds } from "./holds.ts";
import type { JoinedFrame, MessageFrame, RoomFrame } from "./message.ts";
import type { Change, ChangeFields } from "./change.ts";
import type { Outbox } from "./outbox.ts";
import { part } from "./parts.ts";
import type { Places } from "./places.ts";
import type { Ports } from "./ports.ts";
import type { Query } from "./query.ts";
import type { Room, RoomEvents, RoomInside, RoomOptions, RoomState, Waiting } from "./roomstate.ts";
import { createStream } from "./stream.ts";
import type { Files } from "./files/files.ts";
import type { People } from "./people/people.ts";
import { createLaterList, methodsOf, once } from "./later.ts";
import { createRoomThreads, type ThreadParts } from "./roomthreads.ts";
import { createSubject } from "./subject.ts";

interface Options extends RoomOptions {
  readonly name: string;
  readonly ports: Pick<Ports, "clock" | "random" | "uuid">;
  readonly connection: Pick<Connection, "open" | "ask" | "renewal">;
  readonly places: Places;
  readonly outbox: Outbox;
  readonly query: Query;
  readonly people: () => Promise<People>;
  readonly files: () => Promise<Files>;
  readonly threads: ThreadParts;
  /** The id of the signed-in person. */
  readonly me: () => string | undefined;
  /** Ids of people whom the person blocks. */
  readonly blocked: () => readonly string[];
  /** Why the chat was closed. */
  readonly closed: () => ChatError | undefined;
  /** Called before the room needs a connection or has listeners: from then on, it is kept. */
  used(room: RoomInside): void;
  /** The person's read mark was moved here. */
  marked(): void;
}

/** The client sends at most one `typing` in this time, in milliseconds. */
const TYPING_MS = 2_000;

export function createRoom(options: Options): RoomInside {
  const { name, ports, connection, outbox, me, blocked } = options;
  const later = once(async () => (await options.people()).of(name));
  const members = createLaterList(async () => (await later()).members);
  const bans = createLaterList(async () => (await later()).bans);
  const invitations = createLaterList(async () => (await later()).invitations);
  const reports = createLaterList(async () => (await later()).reports);
  const pins = createLaterList(async () => {
    const { session, repeat } = options.threads;
    return (await part("kept")).createPins(name, session, repeat, ports.uuid);
  });
  const urls = once(async () => (await options.files()).urls(name));
  const lists = [members, bans, invitations, reports, pins];
  const { history: first = 50, keep = 1_000 } = options;
  const { clock } = ports;
  const content = createContent({
    keep,
    clock,
    me,
    blocked,
    rolls: [members, bans],
    changed: () => view.changed(),
  });
  const { list } = content;
  const emitter = createEmitter<RoomEvents & { readonly end: undefined }>();
  /** The application called `join` without being subscribed: only `leave` ends that. */
  let kept = false;
  /** Committed messages that the list does not have yet. */
  let acked: { readonly change: Waiting; readonly version: number }[] = [];
  let typedAt = -Infinity;

  const feed = createFeed({
    name,
    ports,
    connection,
    list,
    places: options.places,
    closed: options.closed,
    held: () => kept || holds.held,
    busy: () => outbox.waiting(name).length > 0,
    ended(error) {
      content.away();
      if (!error) return;
      history.wake();
      outbox.refused(name, error);
    },
    changed: () => view.changed(),
  });

  const state = (): RoomState => ({
    name,
    state: feed.state(),
    error: feed.error,
    ...content.state(),
    waiting: [
      ...acked.map(({ change }) => change),
      ...outbox.waiting(name).filter((change): change is Waiting => change.type === "send"),
    ],
  });
  const view = createSubject(state, { ...state(), state: "idle", folded: NOBODY, waiting: [] });

  const reading = once(async () =>
    (await part("reading")).createReading({ name, query: options.query, version: () => list.version }),
  );
  const history = createHistory({
    name,
    list,
    query: options.query,
    joined() {
      if (feed.error) throw feed.error;
      return feed.joined;
    },
    changed: view.changed,
  });

  const use = () => options.used(inside);

  const open = (again: boolean) => {
    use();
    feed.open(again);
  };

  const holds = createHolds({
    clock,
    closed: () => options.closed() !== undefined,
    open: () => open(false),
    close: () => kept || feed.close(),
  });

  const joined = (frame: JoinedFrame) => {
    const resumed = content.joined(
      frame,
      outbox.waiting(name).filter((one) => one.type === "read"),
    );
    if (!resumed) acked = [];
    feed.entered();
    history.wake();
    outbox.entered(name, frame.epoch);
    if (!resumed && first > 0 && list.more) history.older({ limit: first }).catch(() => {});
  };

  const take = (frame: RoomFrame): void => {
    if (!feed.accepts(frame.type)) return;
    switch (frame.type) {
      case "joined":
        joined(frame);
        break;
      case "message":
      case "notice": {
        const what = content.entry(frame);
        if (what === "gap" || what === "moved") feed.rejoin();
        if (what === "gap" || what === "old") return;
        // A replay can be the result of a gap, so it does not count as progress.
        if (!frame.replay) feed.progressed();
        break;
      }
      case "left":
        feed.left(frame.code);
        break;
      default:
        if (frame.type === "synced") feed.caughtUp(true);
        if (frame.type === "lagging") feed.caughtUp(false);
        content.take(frame);
    }
    acked = acked.filter(({ version }) => version > list.version);
    view.changed();
    pins.notice(frame as never);
    emitter.emit(frame.type, frame as never);
  };

  const change = (fields: ChangeFields, { clientId, signal }: ChangeOptions = {}) => {
    const whole = { ...fields, room: name, clientId: clientId?.toLowerCase() ?? ports.uuid() } as Change;
    use();
    feed.wish();
    const ack = outbox.add(whole, signal);
    feed.changing();
    return ack;
  };

  const room: Room = {
    ...createChanges(change),
    ...methodsOf(later, "invite", "revoke", "report", "resolve"),
    ...holds.over(view),
    name,
    members,
    bans,
    invitations,
    reports,
    pins: { ...pins, ...methodsOf(pins.use, "add", "remove") },
    on(type, listener) {
      const start = () => emitter.on(type, listener);
      if (type !== "settled") return holds.during(start);
      use();
      return start();
    },
    events({ signal } = {}) {
      const stream = createStream<MessageFrame>(signal);
      return stream.iterate([room.on("message", stream.push), emitter.on("end", stream.end)]);
    },
    [Symbol.asyncIterator]: () => room.events(),
    upload: async (file, query) => (await options.files()).upload(name, file, query),
    files: async (ids, query) => (await urls())(ids, query),
    withdraw: outbox.withdraw,
    async read(id, more) {
      if (content.read(id)) {
        view.changed();
        options.marked();
      }
      await change({ type: "read", id }, more);
    },
    async markUnread(id, more) {
      if (content.back(id - 1)) view.changed();
      await change({ type: "read", id, back: true }, more);
    },
    typing() {
      const now = clock.monotonic();
      if (!feed.joined || now - typedAt < TYPING_MS) return;
      typedAt = now;
      connection.ask({ type: "typing", room: name }, () => {});
    },
    older: (query) => history.older(query).finally(holds.take()),
    async history(query) {
      use();
      return (await reading())(query);
    },
    join() {
      kept ||= !holds.held;
      open(true);
      return room;
    },
    leave() {
      kept = false;
      if (!feed.opened) return;
      emitter.emit("end", undefined);
      feed.close();
    },
    thread: (id) => threads.thread(id),
    [asyncDispose]: async () => room.leave(),
  };
  const threads = createRoomThreads(room, options.threads);

  const inside: RoomInside = {
    room,
    get epoch() {
      return list.epoch;
    },
    get joinedEpoch() {
      return feed.joined ? list.epoch : undefined;
    },
    get refusal() {
      return feed.error;
    },
    connected() {
      feed.connected();
      for (const list of [...lists, threads]) list.connected();
    },
    disconnected: feed.disconnected,
    take,
    admitted: () => feed.admitted(content.state().kind),
    renewed: feed.renewed,
    settled(settled) {
      const { change: done, ack } = settled;
      if (ack && done.type === "send" && feed.joined && ack.version > list.version)
        acked.push({ change: done, version: ack.version });
      emitter.emit("settled", settled);
      feed.settled();
      view.changed();
    },
    changed: view.changed,
    drop() {
      content.drop();
      for (const list of lists) list.drop();
      acked = [];
      feed.drop();
      view.changed();
    },
    close(why) {
      kept = false;
      holds.forget();
      feed.end(why);
      emitter.emit("end", undefined);
    },
  };
  return inside;
}

import type { Connection } from "./connection.ts";
import { createEmitter } from "./emitter.ts";
import { ChatError } from "./errors.ts";
import { createHistory } from "./history.ts";
import { createList } from "./list.ts";
import { createMarks } from "./marks.ts";
import type { JoinedFrame, MessageFrame, RoomFrame } from "./message.ts";
import type { Change, ChangeFields, Outbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { createPresence } from "./presence.ts";
import type { Queries } from "./queries.ts";
import { afterClose, backoff, leftError, pauseAfter } from "./reconnect.ts";
import type {
  ChangeOptions,
  Room,
  RoomEvents,
  RoomInside,
  RoomOptions,
  RoomState,
  Waiting,
} from "./roomstate.ts";
import { createStream } from "./stream.ts";
import { createSubject } from "./subject.ts";

interface Options extends RoomOptions {
  readonly name: string;
  readonly ports: Pick<Ports, "clock" | "random" | "uuid">;
  readonly connection: Pick<Connection, "open" | "ask">;
  readonly outbox: Outbox;
  readonly queries: Queries;
  /** The id of the signed-in person. */
  readonly me: () => string | undefined;
}

/** The client sends at most one `typing` in this time, in milliseconds. */
const TYPING_MS = 2_000;

export function createRoom(options: Options): RoomInside {
  const { name, ports, connection, outbox, queries, me, history: first = 50, keep = 1_000 } = options;
  const { clock, random } = ports;
  const list = createList(keep);
  const presence = createPresence(clock, () => view.changed());
  const marks = createMarks(list, me);
  const emitter = createEmitter<RoomEvents & { readonly end: undefined }>();
  /** The application wants to be in the room. */
  let opened = false;
  /** Progress on the current socket: `join` sent, `ok` received, `joined` received. */
  let phase: "out" | "asked" | "answered" | "in" = "out";
  let live = false;
  let error: ChatError | undefined;
  /** Rises when the reply to an earlier join no longer matters. */
  let joins = 0;
  /** Failed joins and gaps since the last progress. */
  let failures = 0;
  let cancelRetry = () => {};
  /** Committed messages that the list does not have yet. */
  let acked: { readonly change: Waiting; readonly version: number }[] = [];
  let typedAt = -Infinity;

  const wanted = () => opened || outbox.waiting(name).length > 0;

  const stateNow = (): RoomState["state"] => {
    if (error || !wanted()) return "out";
    if (!connection.open) return "offline";
    if (phase !== "in") return "joining";
    return live ? "live" : "catching_up";
  };

  const view = createSubject<RoomState>(() => ({
    name,
    state: stateNow(),
    error,
    messages: list.messages,
    more: list.more,
    waiting: [
      ...acked.map(({ change }) => change),
      ...outbox.waiting(name).filter((change): change is Waiting => change.type === "send"),
    ],
    ...presence.state(),
    ...marks.state(),
  }));

  const history = createHistory({
    name,
    list,
    queries,
    joined() {
      if (error) throw error;
      return phase === "in";
    },
    changed: view.changed,
  });

  const out = (why: ChatError | undefined) => {
    joins++;
    phase = "out";
    live = false;
    error = why;
    presence.clear();
    if (!why) return;
    history.wake();
    outbox.refused(name, why);
  };

  const retry = (ms: number) => {
    cancelRetry();
    cancelRetry = clock.after(ms, () => phase === "out" && join());
  };

  const join = () => {
    cancelRetry();
    if (!connection.open || !wanted() || error) return;
    const ticket = ++joins;
    phase = "asked";
    live = false;
    const { since } = list;
    connection.ask({ type: "join", room: name, since }, (reply) => {
      if (ticket !== joins) return;
      if (!(reply instanceof ChatError)) return void (phase = "answered");
      phase = "out";
      if (reply.code === "disconnected") return;
      if (reply.retryable) return retry(pauseAfter(reply, failures++, random()));
      out(reply);
      view.changed();
    });
  };

  /** Joins again from the list's version, because something is missing. Backs off if the last attempt did not help. */
  const rejoin = () => {
    phase = "out";
    live = false;
    if (failures++ === 0) join();
    else retry(backoff(failures, random()));
    view.changed();
  };

  const joined = (frame: JoinedFrame) => {
    const resumed = list.joined(frame);
    if (!resumed) acked = [];
    phase = "in";
    live = false;
    presence.joined(frame);
    marks.joined(frame, resumed);
    history.wake();
    outbox.entered(name, frame.epoch);
    if (!resumed && first > 0 && list.more) history.older(first).catch(() => {});
  };

  /** Leaves the room on the server once neither the application nor the outbox needs it. */
  const leaveUnwanted = () => {
    if (wanted() || phase === "out") return;
    connection.ask({ type: "leave", room: name }, () => {});
    out(undefined);
  };

  const take = (frame: RoomFrame): void => {
    // Until the reply to the join and the `joined` that follows it, frames belong to the earlier feed.
    if (phase !== "in" && !(phase === "answered" && frame.type === "joined")) return;
    switch (frame.type) {
      case "joined":
        joined(frame);
        break;
      case "message": {
        const what = list.message(frame);
        if (what === "old") return;
        if (what === "gap") return rejoin();
        // A replay can be the result of a gap, so it does not count as progress.
        if (!frame.replay) failures = 0;
        presence.quiet(frame.username);
        marks.message(frame);
        break;
      }
      case "synced":
        list.synced(frame.version);
        live = true;
        break;
      case "lagging":
        live = false;
        break;
      case "presence":
        presence.update(frame);
        break;
      case "typing":
        if (frame.user.id !== me()) presence.typing(frame.username, frame.user);
        break;
      case "read":
        marks.read(frame.id);
        break;
      case "left":
        if (afterClose(frame.code) === "back") rejoin();
        else out(leftError(frame.code));
    }
    acked = acked.filter(({ version }) => version > list.version);
    view.changed();
    emitter.emit(frame.type, frame as never);
  };

  const change = (fields: ChangeFields, { clientId, signal }: ChangeOptions = {}) => {
    const whole = { ...fields, room: name, clientId: clientId?.toLowerCase() ?? ports.uuid() } as Change;
    const ack = outbox.add(whole, signal);
    // The outbox needs the room joined, even if the application is not in it.
    if (phase === "out") join();
    return ack;
  };

  const room: Room = {
    name,
    snapshot: view.snapshot,
    subscribe: view.subscribe,
    on: emitter.on,
    events({ signal } = {}) {
      const stream = createStream<MessageFrame>(signal);
      const offs = [emitter.on("message", stream.push), emitter.on("end", stream.end)];
      return stream.iterate(() => offs.forEach((off) => off()));
    },
    [Symbol.asyncIterator]: () => room.events(),
    send: (content, { data, replyTo, ...more } = {}) =>
      change({ type: "send", content, data, replyTo }, more),
    edit: (id, content, { data, ...more } = {}) => change({ type: "edit", id, content, data }, more),
    delete: (id, more) => change({ type: "delete", id }, more),
    react: (id, emoji, on = true, more) => change({ type: "react", id, emoji, on }, more),
    async read(id) {
      if (marks.read(id)) view.changed();
      await change({ type: "read", id });
    },
    typing() {
      const now = clock.monotonic();
      if (phase !== "in" || now - typedAt < TYPING_MS) return;
      typedAt = now;
      connection.ask({ type: "typing", room: name }, () => {});
    },
    older: history.older,
    history: history.read,
    leave() {
      if (!opened) return;
      opened = false;
      emitter.emit("end", undefined);
      leaveUnwanted();
      view.changed();
    },
    [Symbol.asyncDispose]: async () => room.leave(),
  };

  return {
    room,
    get epoch() {
      return list.epoch;
    },
    get joinedEpoch() {
      return phase === "in" ? list.epoch : undefined;
    },
    open() {
      if (opened && !error) return;
      opened = true;
      error = undefined;
      failures = 0;
      if (phase === "out") join();
      view.changed();
    },
    connected() {
      failures = 0;
      join();
      view.changed();
    },
    disconnected() {
      cancelRetry();
      out(error);
      view.changed();
    },
    take,
    settled(settled) {
      const { change: done, ack } = settled;
      if (ack && done.type === "send" && phase === "in" && ack.version > list.version)
        acked.push({ change: done, version: ack.version });
      emitter.emit("settled", settled);
      leaveUnwanted();
      view.changed();
    },
    changed: view.changed,
    drop() {
      list.drop();
      marks.drop();
      acked = [];
      error = undefined;
      view.changed();
    },
    close(why) {
      cancelRetry();
      opened = false;
      out(why);
      emitter.emit("end", undefined);
      view.changed();
    },
  };
}

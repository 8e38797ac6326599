import { type ChangeOptions, createChanges } from "./roomchanges.ts";
import type { Connection } from "./connection.ts";
import { createContent } from "./content.ts";
import { asyncDispose } from "./dispose.ts";
import { createEmitter } from "./emitter.ts";
import { ChatError } from "./errors.ts";
import { createHistory } from "./history.ts";
import type { MembersInside } from "./members.ts";
import type { JoinedFrame, MessageFrame, RoomFrame } from "./message.ts";
import type { Change, ChangeFields } from "./change.ts";
import type { Outbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import type { Queries } from "./queries.ts";
import { afterClose, backoff, leftError, pauseAfter } from "./reconnect.ts";
import type { Room, RoomEvents, RoomInside, RoomOptions, RoomState, Waiting } from "./roomstate.ts";
import type { RoomRequests } from "./requests.ts";
import { createStream } from "./stream.ts";
import { createSubject } from "./subject.ts";

interface Options extends RoomOptions {
  readonly name: string;
  readonly ports: Pick<Ports, "clock" | "random" | "uuid">;
  readonly connection: Pick<Connection, "open" | "ask">;
  readonly outbox: Outbox;
  readonly queries: Queries;
  readonly members: MembersInside;
  readonly requests: RoomRequests;
  /** The id of the signed-in person. */
  readonly me: () => string | undefined;
  /** Ids of people whom the person blocks. */
  readonly blocked: () => ReadonlySet<string>;
}

/** The client sends at most one `typing` in this time, in milliseconds. */
const TYPING_MS = 2_000;

export function createRoom(options: Options): RoomInside {
  const { name, ports, connection, outbox, queries, members, me, blocked } = options;
  const { history: first = 50, keep = 1_000 } = options;
  const { clock, random } = ports;
  const content = createContent({ keep, clock, me, blocked, members, changed: () => view.changed() });
  const { list } = content;
  const emitter = createEmitter<RoomEvents & { readonly end: undefined }>();
  /** The application wants to be in the room. */
  let opened = false;
  /** Progress on the current socket: `join` sent, `ok` received, `joined` received. */
  let phase: "out" | "asked" | "answered" | "in" = "out";
  let live = false;
  let error: ChatError | undefined;
  /** Why the person was put out of the room, since the last `joined`. */
  let departure: ChatError | undefined;
  /** The person was added since the last `joined`, so what says that they are out may be older. */
  let readmitted = false;
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
    ...content.state(),
    waiting: [
      ...acked.map(({ change }) => change),
      ...outbox.waiting(name).filter((change): change is Waiting => change.type === "send"),
    ],
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
    content.away();
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
    connection.ask({ type: "join", room: name, since: list.since }, (reply) => {
      if (ticket !== joins) return;
      if (!(reply instanceof ChatError)) return void (phase = "answered");
      phase = "out";
      if (reply.code === "disconnected") return;
      if (reply.retryable) return retry(pauseAfter(reply, failures++, random()));
      // Anyone who was in the room before may come back.
      if (list.epoch) departure ??= reply;
      refused(departure ?? reply);
      view.changed();
    });
  };

  /** The person may not be in the room, unless they were added after the server found that out. */
  const refused = (why: ChatError) => {
    // Anyone who left wants to stay out, and joining an open room would make them a member again.
    const back = readmitted && why.code !== "left";
    readmitted = false;
    out(back ? undefined : why);
    if (back) join();
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
    const resumed = content.joined(frame);
    if (!resumed) acked = [];
    phase = "in";
    live = readmitted = false;
    departure = undefined;
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
      case "message":
      case "notice": {
        const what = content.entry(frame);
        if (what === "gap" || what === "moved") rejoin();
        if (what === "gap" || what === "old") return;
        // A replay can be the result of a gap, so it does not count as progress.
        if (!frame.replay) failures = 0;
        break;
      }
      case "left":
        if (afterClose(frame.code) === "back") rejoin();
        else refused((departure = leftError(frame.code, name)));
        break;
      default:
        if (frame.type === "synced") live = true;
        if (frame.type === "lagging") live = false;
        content.take(frame);
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
    ...createChanges(change),
    ...options.requests,
    name,
    members,
    snapshot: view.snapshot,
    subscribe: view.subscribe,
    on: emitter.on,
    events({ signal } = {}) {
      const stream = createStream<MessageFrame>(signal);
      return stream.iterate([emitter.on("message", stream.push), emitter.on("end", stream.end)]);
    },
    [Symbol.asyncIterator]: () => room.events(),
    async read(id) {
      if (content.read(id)) view.changed();
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
    [asyncDispose]: async () => room.leave(),
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
      error = departure = undefined;
      failures = 0;
      if (phase === "out") join();
      view.changed();
    },
    connected() {
      failures = 0;
      // Nobody says what happened while there was no connection.
      if (departure && departure.code !== "left") error = undefined;
      join();
      view.changed();
    },
    disconnected() {
      cancelRetry();
      out(error);
      view.changed();
    },
    take,
    admitted() {
      if (error?.code === "left" && content.state().kind === "open") return;
      readmitted = true;
      if (!opened || !error) return;
      error = undefined;
      join();
      view.changed();
    },
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
      content.drop();
      acked = [];
      error = departure = undefined;
      readmitted = false;
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

import { createEmitter } from "./emitter.ts";
import { ChatError } from "./errors.ts";
import { messagesIn, type Reply } from "./frames.ts";
import { createHere } from "./here.ts";
import { createList } from "./list.ts";
import type { JoinedFrame, MessageFrame, RoomFrame } from "./message.ts";
import type { Change, Outbox, Settled } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { createMarks } from "./marks.ts";
import { afterClose, backoff, pauseAfter } from "./reconnect.ts";
import type { Requests } from "./requests.ts";
import type { ChangeOptions, Room, RoomEvents, RoomOptions, RoomState, Waiting } from "./roomstate.ts";
import { createStream } from "./stream.ts";
import { createSubject } from "./subject.ts";

/** The side of a room that the chat sees. */
export interface RoomInside {
  readonly room: Room;
  /** Of the copy. */
  readonly epoch: string | undefined;
  /** As this socket has said it. */
  readonly epochNow: string | undefined;
  /** The application wants to be in it. */
  open(): void;
  /** The socket is there: joins where that is wanted. */
  opened(): void;
  /** The socket is gone. */
  lost(): void;
  take(frame: RoomFrame): void;
  settled(settled: Settled): void;
  changed(): void;
  /** Forgets what it has: somebody else is here. */
  drop(): void;
  close(): void;
}

interface Options extends RoomOptions {
  readonly name: string;
  readonly ports: Pick<Ports, "clock" | "random" | "uuid">;
  readonly outbox: Outbox;
  readonly requests: Requests;
  readonly connected: () => boolean;
  /** One's own name. */
  readonly me: () => string | undefined;
  ask(command: Readonly<Record<string, unknown>>, reply: (reply: Reply) => void): void;
}

const TYPING_MS = 2_000;

export function createRoom(options: Options): RoomInside {
  const { name, ports, outbox, requests, connected, me, history: first = 50, keep = 1_000 } = options;
  const { clock } = ports;
  const list = createList(keep);
  const here = createHere(clock, () => view.changed());
  const marks = createMarks(list, me);
  const emitter = createEmitter<RoomEvents & { readonly end: undefined }>();
  let opened = false;
  let closed = false;
  /** Where it is on this socket: asked to join, answered, and in it once `joined` has come. */
  let phase: "out" | "asked" | "answered" | "in" = "out";
  let live = false;
  let error: ChatError | undefined;
  let joins = 0;
  /** Failed attempts, and gaps, since something went well. */
  let failures = 0;
  let cancelRetry = () => {};
  /** Committed, but not in the list yet. */
  let acked: { readonly change: Waiting; readonly version: number }[] = [];
  let entering = createGate();
  let paging: Promise<void> | undefined;
  let typedAt: number | undefined;

  const wanted = () => opened || outbox.waiting(name).length > 0;

  const view = createSubject<RoomState>(() => ({
    name,
    state:
      error || !wanted()
        ? "out"
        : !connected()
          ? "offline"
          : phase !== "in"
            ? "joining"
            : live
              ? "live"
              : "catching_up",
    error,
    messages: list.messages,
    more: list.more,
    waiting: [
      ...acked.map(({ change }) => change),
      ...outbox.waiting(name).filter((change): change is Waiting => change.type === "send"),
    ],
    ...here.state(),
    ...marks.state(),
  }));

  const out = (why: ChatError | undefined) => {
    phase = "out";
    live = false;
    error = why;
    here.clear();
    if (!why) return;
    entering.reject(why);
    entering = createGate();
  };

  const retry = (ms: number) => {
    cancelRetry();
    cancelRetry = clock.after(ms, () => phase === "out" && join());
  };

  const join = () => {
    cancelRetry();
    if (!connected() || !wanted() || error) return;
    const ticket = ++joins;
    phase = "asked";
    live = false;
    const { since } = list;
    options.ask({ type: "join", room: name, since }, (reply) => {
      if (ticket !== joins) return;
      if (!(reply instanceof ChatError)) return void (phase = "answered");
      phase = "out";
      if (reply.code === "disconnected") return;
      if (reply.retryable) return retry(pauseAfter(reply, failures++, ports.random()));
      out(reply);
      outbox.refused(name, reply);
      view.changed();
    });
  };

  /** Something is missing: again from where the copy stands. At once, unless that has just not helped. */
  const rejoin = () => {
    phase = "out";
    live = false;
    if (failures++ === 0) join();
    else retry(backoff(failures, ports.random()));
    view.changed();
  };

  const joined = (frame: JoinedFrame) => {
    const resumed = list.joined(frame);
    if (!resumed) acked = [];
    phase = "in";
    live = false;
    here.joined(frame);
    marks.joined(frame, resumed);
    entering.resolve();
    entering = createGate();
    outbox.entered(name, frame.epoch);
    if (!resumed && first > 0 && list.more) room.older(first).catch(() => {});
  };

  /** Leaves where nothing is wanted of the room any more. */
  const quit = () => {
    if (wanted() || phase === "out") return;
    joins++; // the answer to a join that is under way means nothing any more
    options.ask({ type: "leave", room: name }, () => {});
    out(undefined);
  };

  const message = (frame: MessageFrame) => {
    // Progress, unless it is the replay that a gap has brought.
    if (!frame.replay) failures = 0;
    here.quiet(frame.username);
    marks.message(frame);
  };

  const take = (frame: RoomFrame): void => {
    // What comes before the answer to our join, and the `joined` after it, belongs to what was before.
    if (phase !== "in" && !(phase === "answered" && frame.type === "joined")) return;
    switch (frame.type) {
      case "joined":
        joined(frame);
        break;
      case "message": {
        const what = list.message(frame);
        if (what === "old") return;
        if (what === "gap") return rejoin();
        message(frame);
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
        here.presence(frame);
        break;
      case "typing":
        if (frame.username !== me()) here.typing(frame.username);
        break;
      case "read":
        marks.read(frame.id);
        break;
      case "left":
        if (afterClose(frame.code) === "back") rejoin();
        else
          out(
            new ChatError(
              frame.code === 4503 ? "removed" : "forbidden",
              `The server has ended it (${frame.code}).`,
            ),
          );
    }
    acked = acked.filter(({ version }) => version > list.version);
    view.changed();
    emitter.emit(frame.type, frame as never);
  };

  const change = (
    fields: DistributiveOmit<Change, "room" | "clientId">,
    { clientId, signal }: ChangeOptions = {},
  ) => {
    if (closed) return Promise.reject(error);
    const whole = { ...fields, room: name, clientId: clientId?.toLowerCase() ?? ports.uuid() } as Change;
    const ack = outbox.add(whole, signal);
    // What waits in a room that one is not in is sent after it is joined.
    if (phase === "out") join();
    return ack;
  };

  const page = async (limit: number): Promise<void> => {
    for (;;) {
      if (error) throw error;
      if (phase !== "in") await entering.promise;
      if (!list.more) return;
      const { generation, from } = list;
      list.awaitPage(true);
      const answer = await ask({ before: from, limit });
      // Dropped meanwhile, or on another socket, which may be about to say that it is to be dropped.
      if (list.generation !== generation || phase !== "in") continue;
      list.page(answer.messages, answer.more);
      return view.changed();
    }
  };

  const ask = async (fields: Readonly<Record<string, number | undefined>>, signal?: AbortSignal) => {
    if (closed) throw error;
    const { messages, more } = await requests.ask({ type: "history", room: name, ...fields }, signal);
    return { messages: messagesIn(messages), more: more === true };
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
    send: (content, { replyTo, ...more } = {}) => change({ type: "send", content, replyTo }, more),
    edit: (id, content, more) => change({ type: "edit", id, content }, more),
    delete: (id, more) => change({ type: "delete", id }, more),
    react: (id, emoji, on = true, more) => change({ type: "react", id, emoji, on }, more),
    async read(id) {
      if (marks.read(id)) view.changed();
      await change({ type: "read", id });
    },
    typing() {
      const now = clock.monotonic();
      if (phase !== "in" || (typedAt !== undefined && now - typedAt < TYPING_MS)) return;
      typedAt = now;
      options.ask({ type: "typing", room: name }, () => {});
    },
    older: (limit = 100) =>
      (paging ??= page(clamp(limit)).finally(() => {
        paging = undefined;
        list.awaitPage(false);
      })),
    async history({ before, after, around, limit: wantedLimit = 100, signal } = {}) {
      const limit = clamp(wantedLimit);
      if (around !== undefined) {
        const half = Math.ceil(limit / 2);
        const [head, tail] = await Promise.all([
          ask({ before: around, limit: half }, signal),
          ask({ after: Math.max(0, around - 1), limit: half }, signal),
        ]);
        return { messages: [...head.messages, ...tail.messages], older: head.more, newer: tail.more };
      }
      const { messages, more } = await ask(
        { limit, after, before: after === undefined ? before : undefined },
        signal,
      );
      return after !== undefined
        ? { messages, older: after > 0, newer: more }
        : { messages, older: more, newer: before !== undefined && before <= list.version };
    },
    leave() {
      if (!opened) return;
      opened = false;
      emitter.emit("end", undefined);
      quit();
      view.changed();
    },
    async [Symbol.asyncDispose]() {
      room.leave();
    },
  };

  return {
    room,
    get epoch() {
      return list.epoch;
    },
    get epochNow() {
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
    opened() {
      phase = "out";
      failures = 0;
      join();
      view.changed();
    },
    lost() {
      cancelRetry();
      joins++;
      phase = "out";
      live = false;
      here.clear();
      view.changed();
    },
    take,
    settled(settled) {
      const { change: done, ack } = settled;
      if (ack && done.type === "send" && phase === "in" && ack.version > list.version)
        acked.push({ change: done, version: ack.version });
      emitter.emit("settled", settled);
      quit();
    },
    changed: view.changed,
    drop() {
      list.drop();
      marks.drop();
      acked = [];
      error = undefined;
      view.changed();
    },
    close() {
      cancelRetry();
      opened = false;
      closed = true;
      out(new ChatError("closed", "The chat was closed."));
      emitter.emit("end", undefined);
      view.changed();
    },
  };
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Something to wait for, perhaps by nobody. */
function createGate() {
  const gate = Promise.withResolvers<void>();
  gate.promise.catch(() => {});
  return gate;
}

const clamp = (limit: number) => Math.min(1_000, Math.max(1, Math.floor(limit) || 1));

import { ChatError, errorOf } from "./errors.ts";
import { fits, parse, type Reply } from "./frames.ts";
import type { Clock } from "./ports.ts";
import { backoff } from "./reconnect.ts";
import type { Slot } from "./storage.ts";

/** What is to be done in a room, until it is settled. Its `clientId` makes it one change, however often it is sent. */
export type Change = { readonly room: string; readonly clientId: string } & (
  | { readonly type: "send"; readonly content: string; readonly replyTo?: number | undefined }
  | { readonly type: "edit"; readonly id: number; readonly content: string }
  | { readonly type: "delete"; readonly id: number }
  | { readonly type: "react"; readonly id: number; readonly emoji: string; readonly on: boolean }
  | { readonly type: "read"; readonly id: number }
);

/** The change is committed. */
export interface Ack {
  readonly clientId: string;
  /** The message's. */
  readonly id: number;
  readonly version: number;
  /** Of a message that was sent: when it was committed. */
  readonly timestamp?: string | undefined;
  /** It had been committed before. */
  readonly duplicate?: true | undefined;
}

/** How a change came out. */
export interface Settled {
  readonly change: Change;
  readonly result: Ack | ChatError;
}

interface Entry {
  change: Change;
  /** The epoch that ids in it belong to, where that was known. */
  epoch: string | undefined;
  /** Whose it is, where that was known. */
  user: number | undefined;
  inFlight: boolean;
  resolve(ack: Ack): void;
  reject(error: unknown): void;
}

export interface Outbox {
  /** Those that wait, in their order. */
  waiting(room: string): readonly Change[];
  /** The rooms of those that wait. */
  rooms(): string[];
  /** @throws {ChatError} how the server refused it; `outbox_full`, `stale_epoch`, `closed`. */
  add(change: Change, signal?: AbortSignal): Promise<Ack>;
  /** Reads what an earlier run has left. */
  load(): Promise<void>;
  /** Sends what can be sent now. */
  pump(): void;
  /** It is this person's turn: what others left is not sent for them. */
  own(user: number): void;
  /** A room has this history now: ids of another one mean nothing. */
  entered(room: string, epoch: string): void;
  /** A room cannot be joined, so that it is not known what ids mean there. */
  refused(room: string, error: ChatError): void;
  /** Gives up everything; `forget`: in the storage too. */
  clear(error: ChatError, forget: boolean): void;
}

interface OutboxOptions {
  readonly slot: Slot;
  /** The most that may wait. */
  readonly max: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly open: () => boolean;
  ask(command: Readonly<Record<string, unknown>>, reply: (reply: Reply) => void): void;
  /** The epoch of a room, where this socket has said it. */
  epochNow(room: string): string | undefined;
  /** The epoch of the copy of a room. */
  epochOf(room: string): string | undefined;
  changed(room: string): void;
  settled(settled: Settled): void;
}

/** Keeps what is to be sent until it is settled, and sends it again through whatever happens, each room in its order. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { slot, clock } = options;
  let entries: Entry[] = [];
  let user: number | undefined;
  let refusals = 0;
  /** The server wants a pause. */
  let pause: (() => void) | undefined;

  const kept = ({ change, epoch, user: whose }: Entry) => ({ change, epoch, user: whose });

  /** Other tabs keep theirs in the same place: only what is ours is touched. */
  const store = (change: (items: Stored[]) => Stored[]) =>
    slot.update((text) => {
      const items = change(read(text));
      return items.length > 0 ? JSON.stringify(items) : undefined;
    });
  const storeLater = (change: (items: Stored[]) => Stored[]) => void store(change).catch(() => {});
  const without = (clientId: string) => (items: Stored[]) =>
    items.filter((item) => item.change.clientId !== clientId);

  const settle = (entry: Entry, result: Ack | ChatError) => {
    const index = entries.indexOf(entry);
    if (index === -1) return;
    entries.splice(index, 1);
    storeLater(without(entry.change.clientId));
    if (result instanceof ChatError) entry.reject(result);
    else entry.resolve(result);
    options.settled({ change: entry.change, result });
    options.changed(entry.change.room);
  };

  const answered = (entry: Entry, reply: Reply) => {
    entry.inFlight = false;
    if (reply instanceof ChatError) {
      if (reply.code === "disconnected") return; // sent again on the next socket
      if (!reply.retryable) settle(entry, reply);
      else hold(reply);
    } else {
      refusals = 0;
      const ack = ackOf(entry.change, reply);
      settle(entry, ack ?? new ChatError("bad_answer", "The server's answer says nothing."));
    }
    pump();
  };

  /** Nothing is sent for as long as the server has named, and longer the more often it refuses. */
  const hold = ({ retryAfterMs = 0 }: ChatError) => {
    if (pause) return;
    const ms = Math.max(retryAfterMs, backoff(refusals++, options.random()));
    pause = clock.after(ms, () => {
      pause = undefined;
      pump();
    });
  };

  const pump = () => {
    if (pause || !options.open()) return;
    // One at a time in each room: what is refused and sent again would else come after what was behind it.
    const busy = new Set<string>();
    for (const entry of [...entries]) {
      const { change, epoch } = entry;
      if (pause || busy.has(change.room) || !entries.includes(entry)) continue;
      busy.add(change.room);
      // Until the room is joined, nobody knows whether an id still means the same message.
      if (entry.inFlight || (namesMessage(change) && epoch && options.epochNow(change.room) !== epoch))
        continue;
      entry.inFlight = true;
      options.ask(commandOf(change), (reply) => answered(entry, reply));
    }
  };

  const enqueue = (entry: Omit<Entry, "inFlight">) => entries.push({ ...entry, inFlight: false });

  return {
    waiting: (room) => entries.flatMap(({ change }) => (change.room === room ? change : [])),
    rooms: () => [...new Set(entries.map(({ change }) => change.room))],
    add(change, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (change.type === "read") {
        // The later mark says all that an earlier one would.
        const earlier = entries.find(
          (entry) => !entry.inFlight && entry.change.type === "read" && entry.change.room === change.room,
        );
        if (earlier) settle(earlier, { clientId: earlier.change.clientId, id: change.id, version: 0 });
      }
      if (entries.length >= options.max)
        return Promise.reject(new ChatError("outbox_full", `${options.max} changes wait already.`));
      const epoch = options.epochOf(change.room);
      const { promise, resolve, reject } = Promise.withResolvers<Ack>();
      enqueue({ change, epoch, user, resolve, reject });
      const entry = entries.at(-1) as Entry;
      store((items) => [...items, kept(entry)]).catch((error: unknown) => {
        // One that is on its way needs no keeping.
        if (!entry.inFlight)
          settle(entry, new ChatError("outbox_full", `It cannot be kept: ${errorOf(error).message}`));
      });
      if (signal) {
        const abort = () => {
          const index = entries.indexOf(entry);
          if (index === -1) return;
          reject(signal.reason);
          entries.splice(index, 1);
          storeLater(without(change.clientId));
          options.changed(change.room);
          pump();
        };
        signal.addEventListener("abort", abort);
        const done = () => signal.removeEventListener("abort", abort);
        promise.then(done, done);
      }
      options.changed(change.room);
      pump();
      return promise;
    },
    async load() {
      const items = read(await slot.read().catch(() => undefined));
      const here = new Set(entries.map(({ change }) => change.clientId));
      const earlier = items
        .filter(({ change }) => !here.has(change.clientId))
        .filter((item) => user === undefined || item.user === undefined || item.user === user)
        .slice(0, options.max)
        .map((item) => ({ ...item, inFlight: false, resolve() {}, reject() {} }));
      entries.unshift(...earlier);
      for (const { change } of earlier) options.changed(change.room);
      pump();
    },
    pump,
    own(next) {
      user = next;
      const others = entries.filter((entry) => entry.user !== undefined && entry.user !== next);
      entries = entries.filter((entry) => !others.includes(entry));
      for (const { change, reject } of others) {
        reject(new ChatError("signed_out", "Somebody else is signed in now."));
        options.changed(change.room);
      }
      for (const entry of entries) entry.user = next;
    },
    entered(room, epoch) {
      for (const entry of [...entries]) {
        if (entry.change.room !== room || entry.epoch === undefined || entry.epoch === epoch) continue;
        if (entry.change.type === "send") {
          const { replyTo: _, ...change } = entry.change;
          Object.assign(entry, { change, epoch });
          storeLater((items) =>
            items.map((item) => (item.change.clientId === change.clientId ? kept(entry) : item)),
          );
          options.changed(room);
        } else
          settle(entry, new ChatError("stale_epoch", "The room has another history since: its ids changed."));
      }
      pump();
    },
    refused(room, error) {
      for (const entry of [...entries])
        if (entry.change.room === room && entry.epoch && namesMessage(entry.change)) settle(entry, error);
      pump();
    },
    clear(error, forget) {
      pause?.();
      pause = undefined;
      const given = entries;
      entries = [];
      if (forget) {
        const ids = new Set(given.map(({ change }) => change.clientId));
        storeLater((items) => items.filter(({ change }) => !ids.has(change.clientId)));
      }
      for (const { change, reject } of given) {
        reject(error);
        options.changed(change.room);
      }
    },
  };
}

/** A read mark needs no client id: it only ever moves on. */
function commandOf(change: Change): Readonly<Record<string, unknown>> {
  if (change.type !== "read") return change;
  const { clientId: _, ...command } = change;
  return command;
}

const namesMessage = (change: Change) => change.type !== "send" || change.replyTo !== undefined;

function ackOf(
  { type, clientId, ...change }: Change,
  reply: Readonly<Record<string, unknown>>,
): Ack | undefined {
  if (type === "read") return { clientId, id: "id" in change ? change.id : 0, version: 0 };
  if (!fits(reply, { id: "whole", version: "whole" })) return undefined;
  const { id, version, timestamp, duplicate } = reply as unknown as Ack;
  return {
    clientId,
    id,
    version,
    ...(typeof timestamp === "string" && { timestamp }),
    ...(duplicate === true && { duplicate }),
  };
}

interface Stored {
  readonly change: Change;
  readonly epoch: string | undefined;
  readonly user: number | undefined;
}

/** What was kept, as far as it can be read. */
function read(text: string | undefined): Stored[] {
  const items = parse(text ?? "");
  return Array.isArray(items) ? items.filter(isStored) : [];
}

function isStored(item: unknown): item is Stored {
  const { change, epoch = "", user = 0 } = (item ?? {}) as Record<string, unknown>;
  return (
    fits(change, { type: "text", room: "text", clientId: "text" }) &&
    fits({ epoch, user }, { epoch: "text", user: "whole" }) &&
    (change.type === "send"
      ? typeof change.content === "string"
      : ["edit", "delete", "react", "read"].includes(change.type as string) && fits(change, { id: "whole" }))
  );
}

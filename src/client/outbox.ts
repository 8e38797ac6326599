import { onAbort } from "./abort.ts";
import type { Connection } from "./connection.ts";
import { ChatError, errorOf, unexpected } from "./errors.ts";
import { parse, type Reply, shape } from "./frames.ts";
import type { Ports } from "./ports.ts";
import { pauseAfter } from "./reconnect.ts";
import type { Slot } from "./storage.ts";

/** What is to be done in a room, until it is settled. Its `clientId` makes it one change, however often it is sent. */
export type Change = { readonly room: string; readonly clientId: string } & (
  | { readonly type: "send"; readonly content: string; readonly replyTo?: number | undefined }
  | { readonly type: "edit"; readonly id: number; readonly content: string }
  | { readonly type: "delete"; readonly id: number }
  | { readonly type: "react"; readonly id: number; readonly emoji: string; readonly on: boolean }
  | { readonly type: "read"; readonly id: number }
);

/** What a caller says about a change. */
export type ChangeFields = DistributiveOmit<Change, "room" | "clientId">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

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
  /** It is committed. */
  readonly ack?: Ack | undefined;
  /** It is not, as a rule a {@link ChatError}. */
  readonly error?: unknown;
}

/** What is kept of a change. */
interface Item {
  readonly change: Change;
  /** The epoch that ids in it belong to, where that was known. */
  readonly epoch?: string | undefined;
  /** Whose it is, where that was known. */
  readonly user?: number | undefined;
}

interface Entry {
  item: Item;
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
  /** Gives up everything, in the storage too. */
  clear(error: ChatError): void;
  /** Gives up everything for good, but leaves the storage to the next run. */
  close(error: ChatError): void;
}

/** What the outbox needs of a room. */
export interface OutboxRoom {
  /** The epoch of the room's list. */
  readonly epoch: string | undefined;
  /** The same, but only while the room is joined on the current socket. */
  readonly joinedEpoch: string | undefined;
  changed(): void;
  settled(settled: Settled): void;
}

interface OutboxOptions {
  readonly slot: Slot;
  /** The most that may wait. */
  readonly max: number;
  readonly ports: Pick<Ports, "clock" | "random">;
  readonly connection: Pick<Connection, "open" | "ask">;
  room(name: string): OutboxRoom | undefined;
}

/** Keeps what is to be sent until it is settled, and sends it again through whatever happens, each room in its order. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { slot, connection } = options;
  const { clock, random } = options.ports;
  let entries: Entry[] = [];
  let user: number | undefined;
  let refusals = 0;
  /** The server wants a pause. */
  let pause: (() => void) | undefined;
  let closed: ChatError | undefined;

  /** Other tabs keep theirs in the same place: only what is ours is touched. */
  const store = (change: (items: Item[]) => Item[]) =>
    slot.update((text) => {
      const items = change(read(text));
      return items.length > 0 ? JSON.stringify(items) : undefined;
    });

  /** `forget`: in the storage too. */
  const settle = (entry: Entry, ack: Ack | undefined, error?: unknown, forget = true) => {
    if (!entries.includes(entry)) return;
    const { change } = entry.item;
    entries = entries.filter((other) => other !== entry);
    if (forget)
      store((items) => items.filter((item) => item.change.clientId !== change.clientId)).catch(() => {});
    if (ack) entry.resolve(ack);
    else entry.reject(error);
    const room = options.room(change.room);
    room?.settled({ change, ack, error: ack ? undefined : error });
  };

  const answered = (entry: Entry, reply: Reply) => {
    entry.inFlight = false;
    if (reply instanceof ChatError) {
      if (reply.code === "disconnected") return; // sent again on the next socket
      if (reply.retryable) hold(reply);
      else settle(entry, undefined, reply);
    } else {
      refusals = 0;
      settle(entry, ackOf(entry.item.change, reply), unexpected());
    }
    pump();
  };

  /** Nothing is sent for as long as the server has named, and longer the more often it refuses. */
  const hold = (error: ChatError) => {
    if (pause) return;
    pause = clock.after(pauseAfter(error, refusals++, random()), () => {
      pause = undefined;
      pump();
    });
  };

  const pump = () => {
    if (pause || !connection.open) return;
    // One at a time in each room: what is refused and sent again would else come after what was behind it.
    const busy = new Set<string>();
    for (const entry of entries) {
      const { change, epoch } = entry.item;
      if (pause || busy.has(change.room) || !entries.includes(entry)) continue;
      busy.add(change.room);
      // Until the room is joined, nobody knows whether an id still means the same message.
      if (
        entry.inFlight ||
        (namesMessage(change) && epoch && options.room(change.room)?.joinedEpoch !== epoch)
      )
        continue;
      entry.inFlight = true;
      connection.ask(change, (reply) => answered(entry, reply));
    }
  };

  const clear = (error: ChatError, forget = true) => {
    pause?.();
    pause = undefined;
    for (const entry of entries) settle(entry, undefined, error, forget);
  };

  const ofRoom = (room: string) => entries.filter(({ item }) => item.change.room === room);

  return {
    waiting: (room) => ofRoom(room).map(({ item }) => item.change),
    rooms: () => [...new Set(entries.map(({ item }) => item.change.room))],
    async add(change, signal) {
      if (closed) throw closed;
      const { promise, resolve, reject } = Promise.withResolvers<Ack>();
      const item = { change, epoch: options.room(change.room)?.epoch, user };
      const entry: Entry = { item, inFlight: false, resolve, reject };
      const off = onAbort(signal, () => {
        settle(entry, undefined, signal?.reason);
        pump();
      });
      if (change.type === "read") {
        // The later mark says all that an earlier one would.
        const earlier = ofRoom(change.room).find((one) => !one.inFlight && one.item.change.type === "read");
        if (earlier) settle(earlier, { clientId: change.clientId, id: change.id, version: 0 });
      }
      if (entries.length >= options.max)
        throw new ChatError("outbox_full", `${options.max} changes wait already.`);
      entries.push(entry);
      store((items) => [...items, item]).catch((error: unknown) => {
        // One that is on its way needs no keeping.
        const { message } = errorOf(error);
        if (!entry.inFlight)
          settle(entry, undefined, new ChatError("outbox_full", `It cannot be kept: ${message}`));
      });
      options.room(change.room)?.changed();
      pump();
      return promise.finally(off);
    },
    async load() {
      const items = read(await slot.read().catch(() => undefined));
      const here = new Set(entries.map(({ item }) => item.change.clientId));
      const earlier = items
        .filter(({ change, user: whose = user }) => !here.has(change.clientId) && whose === (user ?? whose))
        .slice(0, options.max)
        .map((item) => ({ item, inFlight: false, resolve() {}, reject() {} }));
      entries = [...earlier, ...entries];
      for (const { item } of earlier) options.room(item.change.room)?.changed();
      pump();
    },
    pump,
    own(next) {
      user = next;
      for (const entry of entries) {
        const { user: whose = next } = entry.item;
        if (whose === next) entry.item = { ...entry.item, user: next };
        else settle(entry, undefined, new ChatError("signed_out", "Somebody else is signed in."), false);
      }
    },
    entered(room, epoch) {
      for (const entry of ofRoom(room)) {
        const { change, epoch: old = epoch } = entry.item;
        if (old === epoch) continue;
        if (change.type === "send") {
          // What is kept need not say so: by its old epoch it is treated like this again.
          entry.item = { ...entry.item, change: { ...change, replyTo: undefined }, epoch };
          options.room(room)?.changed();
        } else settle(entry, undefined, new ChatError("stale_epoch", "The room's history is another one."));
      }
      pump();
    },
    refused(room, error) {
      for (const entry of ofRoom(room))
        if (
          !entry.inFlight &&
          (error.code === "left" || (entry.item.epoch && namesMessage(entry.item.change)))
        )
          settle(entry, undefined, error);
      pump();
    },
    clear,
    close(error) {
      closed = error;
      clear(error, false);
    },
  };
}

const namesMessage = (change: Change) => change.type !== "send" || change.replyTo !== undefined;

function ackOf(change: Change, reply: Readonly<Record<string, unknown>>): Ack | undefined {
  const { clientId } = change;
  if (change.type === "read") return { clientId, id: change.id, version: 0 };
  const { id, version, timestamp, duplicate } = reply as unknown as Ack;
  return isAck(reply) ? { clientId, id, version, timestamp, duplicate } : undefined;
}

const isAck = shape("id:id version:id timestamp? duplicate?:true");
const isChange = shape("type room clientId id?:id content? replyTo?:id");

/** What was kept, as far as it can be read. */
function read(text: string | undefined): Item[] {
  const items = parse(text ?? "");
  return Array.isArray(items) ? items.filter(isItem) : [];
}

function isItem(item: unknown): item is Item {
  const { change } = (item ?? {}) as Record<string, unknown>;
  return (
    isChange(change) &&
    (change.type === "send"
      ? typeof change.content === "string"
      : ["edit", "delete", "react", "read"].includes(change.type as string) && change.id !== undefined)
  );
}

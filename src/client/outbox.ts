import { onAbort } from "./abort.ts";
import type { Connection } from "./connection.ts";
import { type Ack, ackOf, type Change, type Item, itemsIn, namesMessage } from "./change.ts";
import { deferred } from "./deferred.ts";
import { ChatError, errorOf, unexpected } from "./errors.ts";
import type { Reply } from "./frames.ts";
import type { Ports } from "./ports.ts";
import { pauseAfter } from "./reconnect.ts";
import type { Slot } from "./storage.ts";

/** The outcome of a change: either `ack` or `error` is set. */
export interface Settled {
  readonly change: Change;
  readonly ack?: Ack | undefined;
  /** A {@link ChatError}, or the reason of an aborted signal. */
  readonly error?: unknown;
}

interface Entry {
  item: Item;
  inFlight: boolean;
  /** The count of newer tokens when it was added. */
  readonly renewals: number;
  resolve(ack: Ack): void;
  reject(error: unknown): void;
}

export interface Outbox {
  /** The room's waiting changes, in order. */
  waiting(room: string): readonly Change[];
  /** The rooms that have waiting changes. */
  rooms(): string[];
  /** Resolves when the change is committed. @throws {ChatError} the server's refusal; `outbox_full`, `stale_epoch`, `closed`. */
  add(change: Change, signal?: AbortSignal): Promise<Ack>;
  /** Loads the changes that an earlier run left in the storage. */
  load(): Promise<void>;
  /** Sends whatever can be sent now. */
  pump(): void;
  /** This person is connected now. Changes of other people are rejected, but stay in the storage. */
  own(user: string): void;
  /** The room was joined and has this epoch. Changes with ids of another epoch are rejected as `stale_epoch`. */
  entered(room: string, epoch: string): void;
  /** The room cannot be joined. Rejects changes that depend on that; if the person left, all that are not in flight. */
  refused(room: string, error: ChatError): void;
  /** Rejects all changes and removes them from the storage. */
  clear(error: ChatError): void;
  /** Rejects all changes, now and from now on, but leaves the storage to the next run. */
  close(error: ChatError): void;
}

/** What the outbox needs of a room. */
export interface OutboxRoom {
  /** The epoch of the room's list. */
  readonly epoch: string | undefined;
  /** The same, but only while the room is joined on the current socket. */
  readonly joinedEpoch: string | undefined;
  /** Why the room is not joined and will not be by itself. */
  readonly refusal: ChatError | undefined;
  changed(): void;
  settled(settled: Settled): void;
}

interface OutboxOptions {
  readonly slot: Slot;
  /** The most changes that may wait. */
  readonly max: number;
  readonly ports: Pick<Ports, "clock" | "random">;
  readonly connection: Pick<Connection, "open" | "ask" | "renewal">;
  room(name: string): OutboxRoom | undefined;
}

/** Keeps each change until its outcome is known and retries it across connections. Each room's changes stay in order. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { slot, connection } = options;
  const { clock, random } = options.ports;
  let entries: Entry[] = [];
  let user: string | undefined;
  let refusals = 0;
  /** Ends the pause that the server asked for. */
  let pause: (() => void) | undefined;
  let closed: ChatError | undefined;

  /** Other tabs use the same slot, so change only the items of this one. */
  const store = (change: (items: Item[]) => Item[]) =>
    slot.update((text) => {
      const items = change(itemsIn(text));
      return items.length > 0 ? JSON.stringify(items) : undefined;
    });

  /** `forget`: also remove the change from the storage. */
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

  const answered = (entry: Entry, reply: Reply, isFinal = false) => {
    if (reply instanceof ChatError && reply.claim && !isFinal)
      return void connection.renewal.cover(entry.renewals).then((again) => {
        if (!again) return answered(entry, reply, true);
        entry.inFlight = false;
        pump();
      });
    entry.inFlight = false;
    const isError = reply instanceof ChatError;
    if (isError && reply.code === "disconnected") return; // Sent again on the next socket.
    if (isError && reply.retryable) hold(reply);
    else {
      // A refusal for good is progress too.
      refusals = 0;
      if (isError) settle(entry, undefined, reply);
      else settle(entry, ackOf(entry.item.change, reply), unexpected());
    }
    pump();
  };

  /** Pauses for as long as the server asked, and longer with each refusal. */
  const hold = (error: ChatError) => {
    if (pause) return;
    pause = clock.after(pauseAfter(error, refusals++, random()), () => {
      pause = undefined;
      pump();
    });
  };

  const pump = () => {
    if (pause || !connection.open) return;
    // One change at a time per room: otherwise a retry would arrive after the changes behind it.
    const busy = new Set<string>();
    for (const entry of entries) {
      const { change, epoch } = entry.item;
      if (pause || busy.has(change.room) || !entries.includes(entry)) continue;
      busy.add(change.room);
      if (entry.inFlight) continue;
      const room = options.room(change.room);
      // Ids are only valid in their epoch, which is known once the room is joined.
      if (namesMessage(change) && epoch && room?.joinedEpoch !== epoch) {
        if (!room?.refusal) continue;
        settle(entry, undefined, room.refusal);
        busy.delete(change.room);
        continue;
      }
      entry.inFlight = true;
      connection.ask({ ...change }, (reply) => answered(entry, reply));
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
      const { promise, resolve, reject } = deferred<Ack>();
      const item = { change, epoch: options.room(change.room)?.epoch, user };
      const renewals = connection.renewal.count;
      const entry: Entry = { item, inFlight: false, renewals, resolve, reject };
      const off = onAbort(signal, () => {
        settle(entry, undefined, signal?.reason);
        pump();
      });
      if (change.type === "read") {
        // The later mark includes the earlier one.
        const earlier = ofRoom(change.room).find((one) => !one.inFlight && one.item.change.type === "read");
        if (earlier) settle(earlier, { clientId: change.clientId, id: change.id, version: 0 });
      }
      if (entries.length >= options.max) throw new ChatError("outbox_full", "The outbox is full.");
      entries.push(entry);
      store((items) => [...items, item]).catch((error: unknown) => {
        // A change in flight is not lost if it cannot be stored.
        const { message } = errorOf(error);
        if (!entry.inFlight)
          settle(entry, undefined, new ChatError("outbox_full", `The change was not stored: ${message}`));
      });
      options.room(change.room)?.changed();
      pump();
      return promise.finally(off);
    },
    async load() {
      const items = itemsIn(await slot.read().catch(() => undefined));
      const here = new Set(entries.map(({ item }) => item.change.clientId));
      const earlier = items
        .filter(({ change, user: whose = user }) => !here.has(change.clientId) && whose === (user ?? whose))
        .slice(0, options.max)
        .map((item) => ({ item, inFlight: false, renewals: 0, resolve() {}, reject() {} }));
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
        else settle(entry, undefined, new ChatError("signed_out", "Another person is signed in."), false);
      }
    },
    entered(room, epoch) {
      for (const entry of ofRoom(room)) {
        const { change, epoch: old = epoch } = entry.item;
        if (old === epoch) continue;
        if (change.type === "send" || !("id" in change)) {
          // The storage can keep the old item: its old epoch leads to the same result.
          const kept = change.type === "send" ? { ...change, replyTo: undefined } : change;
          entry.item = { ...entry.item, change: kept, epoch };
          options.room(room)?.changed();
        } else settle(entry, undefined, new ChatError("stale_epoch", "The room's history was replaced."));
      }
      pump();
    },
    refused(room, error) {
      if (error.code === "left")
        for (const entry of ofRoom(room)) if (!entry.inFlight) settle(entry, undefined, error);
      pump();
    },
    clear,
    close(error) {
      closed = error;
      clear(error, false);
    },
  };
}

import { onAbort } from "./abort.ts";
import type { Connection } from "./connection.ts";
import { sendable, type WaitingFile } from "./attachments.ts";
import { type Ack, ackOf, type Change, type Item, itemOf, itemsIn, isBound, namesMessage } from "./change.ts";
import { deferred } from "./deferred.ts";
import { ChatError, unexpected } from "./errors.ts";
import type { Reply } from "./frames.ts";
import type { MarkMove } from "./marks.ts";
import type { Ports } from "./ports.ts";
import { pauseAfter } from "./reconnect.ts";
import type { Slot } from "./storage.ts";
import type { Outbox, OutboxRoom, Settled } from "./outboxstate.ts";

export type { Outbox, OutboxRoom, Settled } from "./outboxstate.ts";

interface Entry {
  item: Item;
  inFlight?: boolean;
  /** Ends the uploads of its files, which it waits for. */
  uploads?: AbortController | undefined;
  /** Its files were uploaded again, because the server did not have them any more. */
  again?: boolean;
  /** The count of newer tokens when it was added. */
  readonly renewals: number;
  /** Whoever asked for it in this run. */
  readonly resolve?: (ack: Ack) => void;
  readonly reject?: (error: unknown) => void;
}

interface OutboxOptions {
  readonly slot: Slot;
  /** The most changes that may wait. */
  readonly max: number;
  readonly ports: Pick<Ports, "clock" | "random">;
  readonly connection: Pick<Connection, "open" | "ask" | "renewal">;
  room(name: string): OutboxRoom | undefined;
  settled(settled: Settled): void;
  /** Uploads the files of a message that are not uploaded yet. `report` gets all its files after each change. */
  upload(
    change: Sending,
    signal: AbortSignal,
    report: (files: readonly WaitingFile[]) => void,
  ): Promise<void>;
}

type Sending = Extract<Change, { readonly type: "send" }>;

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

  /**
   * Stores a change as it is now, or removes it. Other tabs use the same slot, so nothing else in it changes. What cannot be
   * stored is sent nevertheless, and lives as long as the page.
   */
  const store = (entry: Entry, isKept = false) =>
    void slot
      .update((text) => {
        const items = itemsIn(text);
        const at = items.findIndex(({ change }) => change.clientId === entry.item.change.clientId);
        items.splice(at < 0 ? items.length : at, 1, ...(isKept ? [itemOf(entry.item)] : []));
        return items[0] ? JSON.stringify(items) : undefined;
      })
      .catch(() => {});

  /** The change failed, unless there is an `ack`. `forget`: also remove it from the storage. */
  const settle = (entry: Entry, error: unknown, ack?: Ack, forget = true) => {
    if (!entries.includes(entry)) return;
    const { change } = entry.item;
    entries = entries.filter((other) => other !== entry);
    entry.uploads?.abort();
    if (forget) store(entry);
    if (ack) entry.resolve?.(ack);
    else entry.reject?.(error);
    options.settled({ change, ack, error: ack ? undefined : error });
  };

  /** Lets a message wait until its files are uploaded, if they are not. */
  const upload = (entry: Entry) => {
    const { change } = entry.item;
    if (change.type !== "send" || !change.files?.some(({ id }) => id === undefined)) return;
    entry.uploads = new AbortController();
    const report = (files: readonly WaitingFile[]) => {
      entry.item = { ...entry.item, change: { ...(entry.item.change as Sending), files } };
      options.room(change.room)?.changed();
    };
    options.upload(change, entry.uploads.signal, report).then(
      () => {
        entry.uploads = undefined;
        if (entries.includes(entry)) store(entry, true);
        pump();
      },
      (error: unknown) => {
        settle(entry, error);
        pump();
      },
    );
  };

  /** Drops the ids of files that can be uploaded again. Returns false if there are none, or they were already. */
  const isLost = (entry: Entry): boolean => {
    const { change } = entry.item;
    if (entry.again || change.type !== "send" || !change.files?.some(({ file }) => file)) return false;
    entry.again = true;
    const files = change.files.map((one) => (one.file ? { ...one, id: undefined, loaded: undefined } : one));
    entry.item = { ...entry.item, change: { ...change, files } };
    return true;
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
    if (isError && (reply.code === "file_held" || reply.code === "message_unchecked")) {
      // Other rooms go on while a scanner, or whoever checks messages, is away.
      entry.inFlight = true;
      clock.after(pauseAfter(reply, 3, random()), () => {
        entry.inFlight = false;
        pump();
      });
    } else if (isError && reply.retryable) hold(reply);
    else {
      // A refusal for good is progress too.
      refusals = 0;
      if (isError && reply.code === "file_missing" && isLost(entry)) upload(entry);
      else if (isError) settle(entry, reply);
      else settle(entry, unexpected(), ackOf(entry.item.change, reply));
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
      if (entry.inFlight || entry.uploads) continue;
      const room = options.room(change.room);
      // Ids are only valid in their epoch, which is known once the room is joined.
      if (namesMessage(change) && epoch && room?.joinedEpoch !== epoch) {
        if (!room?.refusal) continue;
        settle(entry, room.refusal);
        busy.delete(change.room);
        continue;
      }
      entry.inFlight = true;
      // From here on, nobody knows whether the server has it.
      entry.item = { ...entry.item, unsent: undefined };
      store(entry, true);
      connection.ask(sendable(change as Sending), (reply) => answered(entry, reply));
    }
  };

  const clear = (error: ChatError, forget = true) => {
    pause?.();
    pause = undefined;
    for (const entry of entries) settle(entry, error, undefined, forget);
  };

  const find = (clientId: string) => entries.find(({ item }) => item.change.clientId === clientId);
  const ofRoom = (room: string) => entries.filter(({ item }) => item.change.room === room);

  return {
    waiting: (room) => ofRoom(room).map(({ item: { change, unsent } }) => ({ ...change, unsent })),
    rooms: () => [...new Set(entries.map(({ item }) => item.change.room))],
    async add(change, signal) {
      if (closed) throw closed;
      const { promise, ...outcome } = deferred<Ack>();
      const item: Item = { change, epoch: options.room(change.room)?.epoch, user, unsent: true };
      const entry: Entry = { item, renewals: connection.renewal.count, ...outcome };
      const off = onAbort(signal, () => {
        settle(entry, signal?.reason);
        pump();
      });
      if (change.type === "read") {
        // The later mark includes the earlier one, unless that moves back.
        const earlier = ofRoom(change.room).find((one) => !one.inFlight && one.item.change.type === "read");
        if (earlier && !(earlier.item.change as MarkMove).back)
          settle(earlier, undefined, { clientId: change.clientId, id: change.id, version: 0 });
      }
      if (entries.length >= options.max) throw new ChatError("outbox_full", "The outbox is full.");
      entries.push(entry);
      upload(entry);
      pump();
      if (entry.item.unsent) store(entry, true);
      options.room(change.room)?.changed();
      return promise.finally(off);
    },
    withdraw(clientId) {
      const entry = find(clientId);
      if (!entry?.item.unsent) return false;
      settle(entry, new ChatError("withdrawn", "It was withdrawn."));
      pump();
      return true;
    },
    async load() {
      const items = itemsIn(await slot.read().catch(() => undefined));
      const earlier: Entry[] = items
        .filter(({ change, user: whose = user }) => !find(change.clientId) && whose === (user ?? whose))
        .slice(0, options.max)
        .map((item) => ({ item, renewals: 0 }));
      entries = [...earlier, ...entries];
      for (const entry of earlier) {
        upload(entry);
        options.room(entry.item.change.room)?.changed();
      }
      pump();
    },
    pump,
    own(next) {
      user = next;
      for (const entry of entries) {
        const { user: whose = next } = entry.item;
        if (whose === next) entry.item = { ...entry.item, user: next };
        else settle(entry, new ChatError("signed_out", "Another person is signed in."), undefined, false);
      }
    },
    entered(room, epoch) {
      for (const entry of ofRoom(room)) {
        const { change, epoch: old = epoch } = entry.item;
        if (old === epoch) continue;
        if (isBound(change)) settle(entry, new ChatError("stale_epoch", "The room's history was replaced."));
        else {
          // The storage can keep the old item: its old epoch leads to the same result.
          entry.item = { ...entry.item, change: { ...change, replyTo: undefined } as Change, epoch };
          options.room(room)?.changed();
        }
      }
      pump();
    },
    refused(room, error) {
      if (error.code === "left") for (const entry of ofRoom(room)) if (!entry.inFlight) settle(entry, error);
      pump();
    },
    clear,
    close(error) {
      closed = error;
      clear(error, false);
    },
  };
}

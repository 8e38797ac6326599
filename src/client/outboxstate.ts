import type { Ack, Change, Item } from "./change.ts";
import type { ChatError } from "./errors.ts";

/** The outcome of a change: either `ack` or `error` is set. */
export interface Settled {
  readonly change: Change;
  readonly ack?: Ack | undefined;
  /** A {@link ChatError}, or the reason of an aborted signal. */
  readonly error?: unknown;
}

export interface Outbox {
  /** The room's waiting changes, in order. */
  waiting(room: string): readonly (Change & Pick<Item, "unsent">)[];
  /** The rooms that have waiting changes. */
  rooms(): string[];
  /** Resolves when the change is committed. @throws {ChatError} the server's refusal; `outbox_full`, `stale_epoch`, `closed`. */
  add(change: Change, signal?: AbortSignal): Promise<Ack>;
  /** Gives up a change that is still unsent. Returns false if there is none, or the server may have it. */
  withdraw(clientId: string): boolean;
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
}

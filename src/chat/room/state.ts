import type { Message } from "../../message.ts";
import type { Order } from "../../order.ts";
import type { Ack, Amendment, Change, Outcome, Ruling } from "../change.ts";
import type { Seat } from "../ports.ts";
import type { Attached, KnownFile } from "./attaching.ts";
import type { AllMentions, KnownMentions } from "./mentioning.ts";
import type { Reactor } from "./reactors.ts";
import type { Replied, Reply } from "./replying.ts";
import type { Known as KnownPeople, Ruled } from "./rulings.ts";
import type { PinChange } from "./verdict.ts";

export { messageKey } from "./replying.ts";

// What `decide` is given, and what it returns.

/** A message as the rules see it: with its sender, all mentions, and each reaction separately. */
export interface Known extends Omit<Message, "reactions" | "mentions"> {
  readonly senderId: number;
  readonly mentions: AllMentions | null;
  readonly reactors: readonly Reactor[];
}

/** An earlier ack, and what it was for. */
export interface Answered {
  /** `notice`: a ruling that left one, by the key of a post. */
  readonly kind: Change["kind"] | "notice";
  /** See {@link targetOf}. */
  readonly target?: string | undefined;
  readonly ack: Ack;
}

/**
 * What the database knows about a batch while its rooms are locked. Its seats are those of senders, of the senders of
 * messages that changes refer to, and of everyone whom rulings are about.
 */
export interface State extends KnownPeople, Replied {
  /** By {@link changeKey}. */
  readonly answered: ReadonlyMap<string, Answered>;
  /** The messages that the changes refer to, by {@link messageKey}. */
  readonly messages: ReadonlyMap<string, Known>;
  /** The files that posts name, by id. */
  readonly files?: ReadonlyMap<string, KnownFile> | undefined;
  /** Undefined: no change mentions anyone. */
  readonly mentioned?: KnownMentions | undefined;
}

export interface Decision extends Attached {
  readonly outcomes: readonly Outcome[];
  /** The counters that move. */
  readonly versions: ReadonlyMap<string, number>;
  /** New and changed messages in their final state. */
  readonly messages: ReadonlyMap<string, { readonly room: string; readonly message: Known }>;
  /** Amendments and rulings that were acknowledged now, including those that changed nothing: this makes them idempotent. */
  readonly recorded: readonly { readonly change: Amendment | Ruling; readonly ack: Ack }[];
  /** New replies in threads, each with the first message of its thread. */
  readonly threaded: readonly Reply[];
  /** Whom posts did not reach with their mentions: a repeat gets the same ack. */
  readonly missed: readonly {
    readonly room: string;
    readonly id: number;
    readonly unreached: readonly string[];
  }[];
  /** Messages that operators and moderators deleted, for the audit. */
  readonly removed: readonly Removed[];
  /** People whose posts make them members of open rooms, with the version that did. */
  readonly enrolled: readonly (Seat & { readonly version: number })[];
  /** What rulings changed. */
  readonly ruled: Ruled;
  /** Pins that were set or taken away, those of deleted messages among them. */
  readonly pins: readonly PinChange[];
}

export interface Removed {
  readonly order: Order;
  readonly room: string;
  readonly message: Known;
}

export interface Rules {
  /** How long a message may be edited after it was posted, in milliseconds. Without it, for ever. */
  readonly editWindowMs?: number | undefined;
  /** Nobody enters an open room without being a member. */
  readonly membersOnly?: boolean | undefined;
}

import type { RoomGrant } from "../grants.ts";

/** The pause between two pushes about one room, in milliseconds. What mentions someone, or is said to them alone, comes sooner. */
export const GAP_MS = { prompt: 5_000, usual: 30_000 } as const;

/** A device's subscription, as the browser gave it to the page. */
export interface Subscription {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

/** A device that gets pushes. */
export interface Device extends Subscription {
  readonly id: string;
}

/** A device as its person sees it. */
export interface ShownDevice {
  readonly id: string;
  /** The name of the browser or program. */
  readonly name: string;
  /** The host of its push service. */
  readonly service: string;
  readonly createdAt: string;
  readonly usedAt: string;
}

/** What a person subscribes. */
export interface NewDevice extends Device {
  readonly userId: number;
  readonly sessionId: string | null;
  /** What the token's `rooms` claim limits it to; null if it has no such claim. */
  readonly grants: readonly RoomGrant[] | null;
  readonly page: string;
  readonly userAgent: string;
}

/** Hours without pushes, as minutes since midnight in a time zone. */
export interface QuietHours {
  readonly begins: number;
  readonly ends: number;
  readonly zone: string;
}

/** People's devices and quiet hours. All methods reject if the database does not respond. */
export interface DeviceStore {
  /** Adds a device, or moves it to another person or session. Beyond the most that a person has, the one unused longest goes. */
  put(device: NewDevice): Promise<void>;
  remove(userId: number, id: string): Promise<void>;
  /** Removes devices whose push services do not know them any more. */
  gone(ids: readonly string[]): Promise<void>;
  list(userId: number): Promise<readonly ShownDevice[]>;
  quiet(userId: number): Promise<QuietHours | null>;
  setQuiet(userId: number, hours: QuietHours | null): Promise<void>;
}

/** A device's row about one room, which this node has to itself for a while. */
export interface Claimed {
  readonly deviceId: string;
  readonly roomId: number;
  /** The message for which it was noted. */
  readonly messageId: number;
  /** The message that the device shows; 0: none. */
  readonly shownId: number;
  /** How long ago the first message after that came, in milliseconds. */
  readonly wantedMs: number;
  /** For how long it has been due, in milliseconds. */
  readonly lateMs: number;
  readonly failures: number;
  readonly lease: string;
}

/** What a push says, as it is at this moment. */
export interface Facts {
  readonly device: Device;
  readonly userId: number;
  readonly grants: readonly RoomGrant[] | null;
  readonly quiet: QuietHours | null;
  /** Where a click leads. Empty: to the page of the server. */
  readonly page: string;
  readonly room: string;
  readonly kind: "open" | "private" | "direct";
  readonly title: string;
  /** The names of the others in a direct conversation, at most four. */
  readonly others: readonly string[];
  /** The newest message; null: there is nothing that the person may see and has not read. */
  readonly message: {
    readonly id: number;
    readonly sender: string;
    readonly content: string;
    /** The names of its files. */
    readonly files: readonly string[];
    /** The first message of its thread, if it is only there. */
    readonly thread: number | null;
    readonly mentioned: boolean;
  } | null;
  /** How many messages of the room the person has not read, at most 100. */
  readonly unread: number;
}

/** What happened to a row. */
export type Outcome =
  /** The device was told of the message. More may have come meanwhile. */
  | { readonly kind: "shown"; readonly messageId: number; readonly gapMs: number }
  /** It is tried later. */
  | { readonly kind: "later"; readonly ms: number; readonly failed: boolean }
  /** There is nothing to do. */
  | { readonly kind: "done" };

/** What is to be sent. All methods reject if the database does not respond. */
export interface PushQueue {
  /** Takes rows that are due. */
  claim(limit: number, leaseMs: number): Promise<readonly Claimed[]>;
  /** Reads what rows are about. Those whose device is gone, or whose person may not sign in, are missing. Keeps no order. */
  facts(rows: readonly Claimed[]): Promise<ReadonlyMap<Claimed, Facts>>;
  /** Notes what happened. Whatever was claimed again by then is left alone. */
  settle(rows: readonly (readonly [Claimed, Outcome])[]): Promise<void>;
  /** People have read rooms up to these messages: what their devices show of them becomes due. */
  read(
    marks: readonly { readonly userId: number; readonly room: string; readonly id: number }[],
  ): Promise<void>;
}

/** Sends a request to a push service. Rejects if there is no response in time, or if the address is not allowed. */
export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
) => Promise<{ readonly status: number; readonly retryAfter: string | null }>;

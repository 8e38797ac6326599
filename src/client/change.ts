import { storable, type WaitingFile } from "./attachments.ts";
import { parse, shape } from "./frames.ts";
import type { Data, History, Role } from "./message.ts";

/** A change of a room. The `clientId` makes it idempotent: it is applied once, however often it is sent. */
export type Change = { readonly room: string; readonly clientId: string } & (
  | {
      readonly type: "send";
      readonly content: string;
      readonly data?: Data | undefined;
      readonly replyTo?: number | undefined;
      readonly files?: readonly WaitingFile[] | undefined;
      readonly thread?: number | undefined;
      readonly alsoRoom?: true | undefined;
      readonly mentions?: readonly string[] | undefined;
      readonly everyone?: boolean | undefined;
    }
  | {
      readonly type: "edit";
      readonly id: number;
      readonly content: string;
      readonly data?: Data | null | undefined;
      readonly mentions?: readonly string[] | undefined;
      readonly everyone?: boolean | undefined;
    }
  | { readonly type: "delete"; readonly id: number }
  | { readonly type: "react"; readonly id: number; readonly emoji: string; readonly on: boolean }
  /** `back`: marks this message and those after it as unread, instead of those up to it as read. */
  | { readonly type: "read"; readonly id: number; readonly back?: true | undefined }
  | ({ readonly type: "member" } & MemberChange)
  | ({ readonly type: "room" } & RoomSettings)
);

/** A change of who is in a room, and who may do what there. */
export interface MemberChange {
  /** A person's id, or `@` and their username. */
  readonly user: string;
  readonly set: "in" | "out" | "banned" | "unbanned" | "muted" | "unmuted" | "role";
  readonly role?: Role | undefined;
  /** When a mute ends, ISO 8601. Absent: when someone ends it. */
  readonly until?: string | undefined;
}

/** What can be changed about a room. */
export interface RoomSettings {
  readonly title?: string | undefined;
  readonly topic?: string | undefined;
  /** What new members see of the past. */
  readonly history?: History | undefined;
  /** Whether every member may add people. */
  readonly membersAdd?: boolean | undefined;
  /** Whether members see how far the others have read. */
  readonly receipts?: boolean | undefined;
  /** Whether nobody can post. */
  readonly archived?: boolean | undefined;
}

/** The fields of a change that depend on its type. */
export type ChangeFields = DistributiveOmit<Change, "room" | "clientId">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** The acknowledgement of a committed change. */
export interface Ack {
  readonly clientId: string;
  /** The id of the message, or of the notice about a change of members or of the room; 0 if that changed nothing. */
  readonly id: number;
  readonly version: number;
  /** When the message was committed. Only for `send`. */
  readonly timestamp?: string | undefined;
  /** The change was committed by an earlier attempt. */
  readonly duplicate?: true | undefined;
  /** Those of the `mentions` who may not read the message, or are not known: they were not mentioned. */
  readonly unreached?: readonly string[] | undefined;
  /** The text that was committed, if the server's operator has messages checked and this one was changed. */
  readonly content?: string | undefined;
}

/** A change as the storage keeps it. */
export interface Item {
  readonly change: Change;
  /** The epoch of the ids in the change, if it was known. */
  readonly epoch?: string | undefined;
  /** The id of the person who made the change, if it was known. */
  readonly user?: string | undefined;
  /** It was not sent yet. */
  readonly unsent?: true | undefined;
}

/** Whether a change depends on the epoch of the ids in it. */
export const namesMessage = ({
  id,
  replyTo,
  thread,
}: Change & Partial<Record<"id" | "replyTo" | "thread", number>>) => (id ?? replyTo ?? thread) !== undefined;

/** Whether a change means nothing without the ids in it. A reply without its thread would be said to everyone. */
export const isBound = (change: Change): boolean => "id" in change || ("thread" in change && !!change.thread);

/** Returns the ack in a reply. Undefined if the reply is invalid. */
export function ackOf(change: Change, reply: Readonly<Record<string, unknown>>): Ack | undefined {
  const { clientId } = change;
  if (change.type === "read") return { clientId, id: change.id, version: 0 };
  const { id, version, timestamp, duplicate, unreached, content } = reply as unknown as Ack;
  return isAck(reply) ? { clientId, id, version, timestamp, duplicate, unreached, content } : undefined;
}

const isAck = shape("id:whole version:whole timestamp? duplicate?:true unreached?:texts content?");
const isChange = shape("type room clientId id?:id content? replyTo?:id thread?:id files?:objects");
/** What a change of each type must have. */
const HAS: Readonly<Record<Change["type"], ReturnType<typeof shape>>> = {
  send: shape("content"),
  edit: shape("id:id content"),
  delete: shape("id:id"),
  react: shape("id:id emoji on:flag"),
  read: shape("id:id"),
  member: shape("user set"),
  room: isChange,
};

/** Returns an item as the storage keeps it, without the bytes of files. */
export function itemOf(item: Item): Item {
  const { change } = item;
  if (change.type !== "send" || !change.files) return item;
  return { ...item, change: { ...change, files: change.files.map(storable) } };
}

/** Returns the valid items of a storage's text. */
export function itemsIn(text: string | undefined): Item[] {
  const items = parse(text ?? "");
  return Array.isArray(items) ? items.filter(isItem) : [];
}

function isItem(item: unknown): item is Item {
  const { change } = (item ?? {}) as Record<string, unknown>;
  return isChange(change) && HAS[change.type as Change["type"]]?.(change) === true;
}

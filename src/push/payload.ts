import { createHash } from "node:crypto";
import { TEXT_MAX } from "./encrypt.ts";
import type { Facts } from "./ports.ts";

/** The most characters of a message's text and of a name. */
const TEXT_CHARS = 300;
const NAME_CHARS = 80;
/** The marker by which Safari shows a notification without a service worker. */
const DECLARATIVE = 8030;

/** The data of a push, as the service worker gets it. */
export interface Payload {
  /** Present with `message`. */
  readonly web_push?: typeof DECLARATIVE;
  readonly notification?: {
    readonly title: string;
    readonly body: string;
    /** Where a click leads. */
    readonly navigate: string;
    /** The same for all notifications of a room: a new one takes the place of the last. */
    readonly tag: string;
    readonly icon?: string;
  };
  /** `read`: the person has read the room elsewhere, up to this message. */
  readonly type: "message" | "read";
  readonly room: string;
  readonly message: number;
  /** The first message of the thread that it is in. */
  readonly thread?: number;
  readonly mentioned?: true;
  /** How many messages of the room the person has not read, at most 100. */
  readonly unread?: number;
}

export interface PayloadOptions {
  /** Whether pushes contain texts and names. */
  readonly content: boolean;
  /** The page's address, with a slash at its end; undefined: pushes lead to the origin of the service worker. */
  readonly page: string | undefined;
}

const shorten = (text: string, most: number) => {
  const chars = [...text];
  return chars.length <= most ? text : `${chars.slice(0, Math.max(0, most - 1)).join("")}…`;
};

/** What a device is told of a message. `bare`: without its text, because a push service found it too long. */
export function messagePayload(
  { page, room, message, unread, ...facts }: Facts & { readonly message: NonNullable<Facts["message"]> },
  options: PayloadOptions,
  bare = false,
): Payload {
  const { id } = message;
  const navigate = page
    ? page.replaceAll("{room}", encodeURIComponent(room)).replaceAll("{message}", String(id))
    : `${options.page ?? "/"}#/room/${encodeURIComponent(room)}/${id}`;
  return {
    web_push: DECLARATIVE,
    notification: {
      ...(options.content ? named({ room, message, ...facts }, unread, bare) : nameless(unread)),
      navigate,
      tag: tagOf(room),
      ...(!page && { icon: "/icon-192.png" }),
    },
    type: "message",
    room,
    message: id,
    ...(message.thread !== null && { thread: message.thread }),
    ...(message.mentioned && { mentioned: true }),
    unread,
  };
}

/** What closes a notification. */
export const readPayload = (room: string, message: number): Payload => ({ type: "read", room, message });

const tagOf = (room: string) => `room ${room}`;
const several = (title: string, unread: number) =>
  unread > 1 ? `${title} (${unread > 99 ? "99+" : unread})` : title;

const nameless = (unread: number) => ({
  title: unread > 1 ? `${unread > 99 ? "99+" : unread} new messages` : "New message",
  body: "",
});

function named(
  {
    room,
    kind,
    title,
    others,
    message,
  }: Pick<Facts, "room" | "kind" | "title" | "others"> & {
    readonly message: NonNullable<Facts["message"]>;
  },
  unread: number,
  bare: boolean,
): { readonly title: string; readonly body: string } {
  const isPair = kind === "direct" && others.length <= 1;
  const sender = shorten(message.sender, NAME_CHARS);
  const label = title || (kind === "direct" ? others.join(", ") || sender : room.startsWith("~") ? "" : room);
  const text = bare ? "" : shorten(message.content || message.files.join(", "), TEXT_CHARS);
  return {
    title: several(shorten(label || sender, NAME_CHARS), unread),
    body: isPair || !label ? text : text ? `${sender}: ${text}` : sender,
  };
}

/** Returns the payload as bytes. Shortens the text of the notification if it is too long. */
export function bytesOf(payload: Payload): Uint8Array {
  for (let most = TEXT_CHARS; ; most = Math.floor(most / 2)) {
    const notification = payload.notification && {
      ...payload.notification,
      body: shorten(payload.notification.body, most),
    };
    const bytes = Buffer.from(JSON.stringify(notification ? { ...payload, notification } : payload));
    if (bytes.length <= TEXT_MAX || most === 0) return bytes;
  }
}

/**
 * The topic of a room's pushes to a device: a push service keeps only the last one while the device cannot be reached. It is a
 * hash, so that a push service does not see which devices are in the same room.
 */
export const topicOf = (deviceId: string, roomId: number): string =>
  createHash("sha256").update(`${deviceId} ${roomId}`).digest("base64url").slice(0, 32);

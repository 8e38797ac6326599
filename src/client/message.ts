import type { MessageFile } from "./attachments.ts";

/** The protocol's frames as plain interfaces, so that the package's types need no other package. */

/** What your product attaches to a message, such as an order: a JSON object of at most 4 KB. Nobody else interprets it. */
export type Data = Readonly<Record<string, unknown>>;

/** A person. */
export interface Person {
  /** It never changes. */
  readonly id: string;
  /** The display name, unless it is the username. Not unique. */
  readonly name?: string | undefined;
}

export type RoomKind = "open" | "private" | "direct";
export type Role = "owner" | "moderator" | "member";
/** What new members see of the past: everything, or what is posted after they joined. */
export type History = "all" | "joined";

/** A message in its current state. */
export interface Message {
  /** The room's version when the message was posted, and so its position in the room. */
  readonly id: number;
  /** The room's version at the latest change of this message. */
  readonly version: number;
  /** The unique name of the sender. */
  readonly username: string;
  readonly user: Person;
  /** Empty for a deleted message. */
  readonly content: string;
  /** When it was posted, ISO 8601. */
  readonly timestamp: string;
  readonly clientId: string;
  readonly data?: Data | undefined;
  readonly replyTo?: number | undefined;
  readonly files?: readonly MessageFile[] | undefined;
  /** Whom it mentions. Only the first ones, if they are long. */
  readonly mentions?: readonly User[] | undefined;
  /** It mentions everyone in the room. */
  readonly everyone?: true | undefined;
  /** The first message of the thread that it replies in. */
  readonly thread?: number | undefined;
  /** A reply in a thread that is part of the room's main conversation too. */
  readonly alsoRoom?: true | undefined;
  /** The replies in the thread that it begins, as far as the client knows. */
  readonly replies?: Replies | undefined;
  readonly editedAt?: string | undefined;
  readonly deletedAt?: string | undefined;
  /** By emoji. Each has at most 20 names in `users`. */
  readonly reactions?: Readonly<Record<string, Reaction>> | undefined;
}

/** The replies in a thread, without deleted ones. */
export interface Replies {
  /** Up to 100. */
  readonly count: number;
  /** There are more than that. */
  readonly more?: true | undefined;
  readonly last: { readonly id: number; readonly timestamp: string };
  /** The people who replied last, the latest first, at most 5. */
  readonly people: readonly User[];
}

/** Says what has changed in a room, or who may do what there. It has a place among the messages and never changes. */
export interface Notice {
  readonly id: number;
  /** The same as the id. */
  readonly version: number;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  /** Who did it. */
  readonly by: User;
  readonly notice: NoticeChange;
}

export interface NoticeChange {
  readonly type: NoticeType;
  /** Whom it is about, at most 100. */
  readonly users: readonly User[];
  /** The member who became an owner, because the last one left. */
  readonly heir?: User | undefined;
  readonly role?: Role | undefined;
  /** When a mute ends, ISO 8601. Absent: when someone ends it. */
  readonly until?: string | undefined;
  readonly kind?: RoomKind | undefined;
  readonly title?: string | undefined;
  readonly topic?: string | undefined;
  readonly history?: History | undefined;
  readonly membersAdd?: boolean | undefined;
  readonly receipts?: boolean | undefined;
  /** The message that was pinned or unpinned. */
  readonly message?: number | undefined;
}

/** `settings`: who may add people, or whether read marks are shown. A newer server can send other types. */
export type NoticeType =
  | "created"
  | "added"
  | "joined"
  | "left"
  | "removed"
  | "banned"
  | "unbanned"
  | "muted"
  | "unmuted"
  | "role"
  | "title"
  | "topic"
  | "history"
  | "settings"
  | "archived"
  | "restored"
  | "kind"
  | "deleted"
  | "pinned"
  | "unpinned"
  | (string & {});

/** What a room's list has: messages and, between them, notices. `entry.notice` is set in notices only. */
export type Entry = (Message & { readonly notice?: undefined }) | Notice;

export interface Reaction {
  readonly count: number;
  readonly users: readonly string[];
  /** The ids and names of `users`, in their order. The last ones are missing if they are too long. */
  readonly profiles: readonly Person[];
}

export interface WelcomeFrame {
  readonly type: "welcome";
  readonly user: User;
  readonly expiresAt: string;
  readonly heartbeatMs: number;
  readonly limits: Limits;
}
/** A person with their username. */
export interface User extends Person {
  readonly username: string;
  /** The address of a picture. */
  readonly picture?: string | undefined;
}
/** What the server allows. */
export interface Limits {
  readonly frameBytes: number;
  readonly messageChars: number;
  readonly rooms: number;
  /** The size of the largest file. Absent if the server takes no files. */
  readonly fileBytes?: number | undefined;
  /** How much one may send, by kind of work: units a second, and at once. Older servers do not say. */
  readonly budgets?: Readonly<Record<string, { readonly rate: number; readonly burst: number }>> | undefined;
}
export interface JoinedFrame {
  readonly type: "joined";
  readonly room: string;
  readonly version: number;
  readonly epoch: string;
  readonly resumed: boolean;
  readonly kind: RoomKind;
  /** What this person is in the room. Anyone in an open room who was not given a role is a `member`. */
  readonly role: Role;
  readonly title?: string | undefined;
  readonly topic?: string | undefined;
  readonly archived?: true | undefined;
  /** What new members see of the past, if it is not everything. */
  readonly history?: History | undefined;
  readonly membersAdd?: boolean | undefined;
  readonly receipts?: boolean | undefined;
  /** Until when this person cannot post, ISO 8601. Null: until someone ends it. Absent: they can post. */
  readonly mutedUntil?: string | null | undefined;
  /** The first id that this person sees. Absent: they see everything. */
  readonly from?: number | undefined;
  readonly online?: number | undefined;
  readonly people?: readonly string[] | undefined;
  /** The ids and names of `people`, in their order. The last ones are missing if they are too long. */
  readonly profiles?: readonly Person[] | undefined;
  readonly lastRead?: number | undefined;
  readonly unread?: number | undefined;
}
export interface MessageFrame extends Message {
  readonly type: "message";
  readonly room: string;
  readonly change: "created" | "updated" | "deleted";
  readonly prev?: number | undefined;
  readonly replay?: true | undefined;
}
export interface SyncedFrame {
  readonly type: "synced";
  readonly room: string;
  readonly version: number;
}
export interface LaggingFrame {
  readonly type: "lagging";
  readonly room: string;
  readonly version: number;
}
export interface PresenceFrame {
  readonly type: "presence";
  readonly room: string;
  readonly online: number;
  readonly joined?: readonly string[] | undefined;
  /** The ids and names of `joined`, in their order. The last ones are missing if they are too long. */
  readonly profiles?: readonly Person[] | undefined;
  readonly left?: readonly string[] | undefined;
}
export interface TypingFrame {
  readonly type: "typing";
  readonly room: string;
  readonly username: string;
  readonly user: Person;
}
/** Someone has read up to this message, in a room whose members see each other's read marks. */
export interface ReceiptFrame {
  readonly type: "receipt";
  readonly room: string;
  readonly id: number;
  readonly username: string;
  readonly user: Person;
}
export interface ReadFrame {
  readonly type: "read";
  readonly room: string;
  readonly id: number;
  /** The mark moved back: what follows is unread again. */
  readonly back?: true | undefined;
}
/** A thread has other replies, or this person follows or has read it on another socket. */
export interface ThreadFrame {
  readonly type: "thread";
  readonly room: string;
  /** The first message of the thread. */
  readonly id: number;
  /** The room's version when its replies were these. */
  readonly version?: number | undefined;
  /** Null: it has none any more. */
  readonly replies?: Replies | null | undefined;
  readonly following?: boolean | undefined;
  readonly lastRead?: number | undefined;
}
export interface NoticeFrame extends Notice {
  readonly type: "notice";
  readonly room: string;
  readonly prev?: number | undefined;
  readonly replay?: true | undefined;
}
export interface LeftFrame {
  readonly type: "left";
  readonly room: string;
  readonly code: number;
}
/** A room that this socket watches, and has not joined, has a new message. */
export interface ActivityFrame {
  readonly type: "activity";
  readonly room: string;
  readonly id: number;
}
/** The person's list of rooms has changed. `changed`: their role or settings. */
export interface RoomsFrame {
  readonly type: "rooms";
  readonly room: string;
  readonly change: "added" | "removed" | "renamed" | "changed";
}
export interface ExpiringFrame {
  readonly type: "expiring";
  readonly at: string;
}
export interface ClosingFrame {
  readonly type: "closing";
  readonly reason: string;
  readonly retryAfterMs: number;
}

/** An event of one room. */
export type RoomFrame =
  | JoinedFrame
  | MessageFrame
  | SyncedFrame
  | LaggingFrame
  | PresenceFrame
  | TypingFrame
  | NoticeFrame
  | ReadFrame
  | ReceiptFrame
  | ThreadFrame
  | LeftFrame;
/** A frame that the server sends on its own, not as a reply. */
export type EventFrame = WelcomeFrame | RoomFrame | ActivityFrame | RoomsFrame | ExpiringFrame | ClosingFrame;

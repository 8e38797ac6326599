/** The shapes of the wire as the users of the client see them: plain interfaces, so that they need no other package. */

/** A message, always in its whole state. Absent fields are those that say nothing. */
export interface Message {
  /** The version at which it was posted: its place in the room. */
  readonly id: number;
  /** That of its latest change. */
  readonly version: number;
  readonly username: string;
  /** Empty for a deleted message. */
  readonly content: string;
  /** When it was posted, ISO 8601. */
  readonly timestamp: string;
  readonly clientId: string;
  readonly replyTo?: number | undefined;
  readonly editedAt?: string | undefined;
  readonly deletedAt?: string | undefined;
  /** By emoji: how many, and at most 20 names. */
  readonly reactions?: Readonly<Record<string, Reaction>> | undefined;
}

export interface Reaction {
  readonly count: number;
  readonly users: readonly string[];
}

export interface WelcomeFrame {
  readonly type: "welcome";
  readonly user: User;
  readonly expiresAt: string;
  readonly heartbeatMs: number;
  readonly limits: Limits;
}
export interface User {
  readonly id: number;
  readonly username: string;
}
export interface Limits {
  readonly frameBytes: number;
  readonly messageChars: number;
  readonly rooms: number;
}
export interface JoinedFrame {
  readonly type: "joined";
  readonly room: string;
  readonly version: number;
  readonly epoch: string;
  readonly resumed: boolean;
  readonly online?: number | undefined;
  readonly people?: readonly string[] | undefined;
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
  readonly left?: readonly string[] | undefined;
}
export interface TypingFrame {
  readonly type: "typing";
  readonly room: string;
  readonly username: string;
}
export interface ReadFrame {
  readonly type: "read";
  readonly room: string;
  readonly id: number;
}
export interface LeftFrame {
  readonly type: "left";
  readonly room: string;
  readonly code: number;
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

/** What a server sends unasked about one room. */
export type RoomFrame =
  | JoinedFrame
  | MessageFrame
  | SyncedFrame
  | LaggingFrame
  | PresenceFrame
  | TypingFrame
  | ReadFrame
  | LeftFrame;
/** What a server sends unasked. */
export type EventFrame = WelcomeFrame | RoomFrame | ExpiringFrame | ClosingFrame;

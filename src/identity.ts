/** What a token may limit: rooms by name pattern (`*` stands for any run of characters) and what may be done there. */
export interface RoomGrant {
  readonly match: string;
  readonly allow: readonly RoomAction[];
}

export type RoomAction = "read" | "post";

/** Whoever a token names. */
export interface Bearer {
  readonly userId: number;
  /** The public name; never an email address. */
  readonly username: string;
  /** The session of the token; null for outside identities, which have none here. */
  readonly sessionId: string | null;
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** The token's `rooms` claim; null where it has none. */
  readonly rooms: readonly RoomGrant[] | null;
}

/** Someone whose token was verified and whose session and account were alive when it was checked. */
export interface Identity extends Bearer {
  /** The rooms that they were banned from then. */
  readonly banned: ReadonlySet<string>;
}

/** What most people are banned from. */
export const NOWHERE: ReadonlySet<string> = new Set();

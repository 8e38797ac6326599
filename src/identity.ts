import type { RoomGrant } from "./grants.ts";

/** Whoever a token names. */
export interface Bearer {
  readonly userId: number;
  /** The public name; never an email address. */
  readonly username: string;
  /** The session of the token; null for outside identities, which have none here. */
  readonly sessionId: string | null;
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** What the token's `rooms` claim limits it to; null if it has no such claim. */
  readonly grants: readonly RoomGrant[] | null;
}

/** A bearer whose token was verified and whose session and account were alive at that moment. */
export type Identity = Bearer;

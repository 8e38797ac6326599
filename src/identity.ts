import type { RoomGrant } from "./grants.ts";
import type { Person } from "./person.ts";

/** The person who is the server itself, in whose name operators and backends act in rooms. */
export const SYSTEM_ID = 0;

/** A key that acts in the name of a person, or of the server. */
export interface KeyRef {
  /** 0 for ADMIN_TOKEN. */
  readonly id: number;
  readonly name: string;
}

/** The person that a token names. */
export interface Bearer {
  readonly userId: number;
  /** The public name; never an email address. */
  readonly username: string;
  /** The id and the display name. Everything that this person sends refers to this one object. */
  readonly user: Person;
  /** The address of a picture; null if there is none. */
  readonly picture: string | null;
  /** The session of the token; null for outside identities, which have none here. */
  readonly sessionId: string | null;
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** When an outside identity last logged in, in milliseconds since 1970, if the token says so. */
  readonly loggedInAt?: number | undefined;
  /** What the token's `rooms` claim limits it to; null if it has no such claim. */
  readonly grants: readonly RoomGrant[] | null;
  /** How many times the usual budgets the person has with this token; absent: once. */
  readonly budget?: number | undefined;
  /** The key that signed the token. If the key is revoked, so is the token. */
  readonly keyId?: string | undefined;
  /** The key of a backend that acts as this person, without a token of theirs. It pays for what it does. */
  readonly key?: KeyRef | undefined;
}

/** A bearer whose token was verified and whose session and account were alive at that moment. */
export type Identity = Bearer;

/** A login: a person, their session unless they are an outside identity, and the key that vouches for them. */
export type Login = Pick<Identity, "userId" | "sessionId" | "keyId">;

/** Why access has ended. */
export type EndReason = "session_ended" | "account_disabled";

/** Access that has ended: some sessions of a user, or (null) all that the user has. */
export interface Ended {
  readonly userId: number;
  readonly sessionIds: readonly string[] | null;
  readonly reason: EndReason;
}

/** Whether logins are alive, for sockets that are open. */
export interface Standing {
  /** Queries the database directly, bypassing every cache. Results keep the input order. */
  ask(logins: readonly Login[]): Promise<readonly ("alive" | EndReason)[]>;
  /** Adds a listener for access that ends, here or on another node. Returns a function that removes it. */
  onEnded(listener: (ended: Ended) => void): () => void;
}

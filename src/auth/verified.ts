import { hash } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Bearer } from "../identity.ts";

/** A cache of verified tokens: checking one again costs a hash instead of a signature. */
export interface Verified<T extends Bearer> {
  get(token: string): T | undefined;
  set(token: string, found: T): void;
}

interface VerifiedOptions {
  readonly clock: Clock;
  readonly max: number;
  /** How long a token is accepted after it has expired. */
  readonly toleranceMs: number;
}

/** Holds at most `max` tokens by their SHA-256 hash and evicts the least recently used one. */
export function createVerified<T extends Bearer>({ clock, max, toleranceMs }: VerifiedOptions): Verified<T> {
  const entries = new Map<string, T>();
  // latin1 has one character per byte, which keeps keys small: there is an entry for each person online.
  const keyOf = (token: string) => hash("sha256", token, "latin1");
  return {
    get(token) {
      const key = keyOf(token);
      const found = entries.get(key);
      if (!found) return undefined;
      entries.delete(key);
      if (found.expiresAt + toleranceMs <= clock.now()) return undefined;
      entries.set(key, found); // a Map keeps insertion order, so this makes it the newest
      return found;
    },
    set(token, found) {
      entries.set(keyOf(token), found);
      if (entries.size > max) for (const eldest of entries.keys().take(1)) entries.delete(eldest);
    },
  };
}

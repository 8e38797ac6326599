import { hash } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Bearer } from "../identity.ts";

/** What tokens were found to say, so that checking one again costs a hash instead of a signature. */
export interface Verified<T extends Bearer> {
  get(token: string): T | undefined;
  set(token: string, found: T): void;
}

interface VerifiedOptions {
  readonly clock: Clock;
  readonly max: number;
  /** How long after it has expired a token is still accepted. */
  readonly toleranceMs: number;
}

/** At most `max` tokens, by their SHA-256 hash; the one that was not asked for longest makes room. */
export function createVerified<T extends Bearer>({ clock, max, toleranceMs }: VerifiedOptions): Verified<T> {
  const entries = new Map<string, T>();
  // A character for each byte: an entry is as small as can be, there is one for each person who is here.
  const keyOf = (token: string) => hash("sha256", token, "latin1");
  return {
    get(token) {
      const key = keyOf(token);
      const found = entries.get(key);
      if (!found) return undefined;
      entries.delete(key);
      if (found.expiresAt + toleranceMs <= clock.now()) return undefined;
      entries.set(key, found); // a Map keeps the order of insertion: now it is the youngest
      return found;
    },
    set(token, found) {
      entries.set(keyOf(token), found);
      if (entries.size > max) for (const eldest of entries.keys().take(1)) entries.delete(eldest);
    },
  };
}

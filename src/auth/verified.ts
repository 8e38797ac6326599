import { hash } from "node:crypto";
import type { Clock } from "../clock.ts";

/** What tokens were found to say, so that checking one again costs a hash instead of a signature. */
export interface Verified<T> {
  get(token: string): T | undefined;
  /** Kept until `until`, in milliseconds since 1970. */
  set(token: string, found: T, until: number): void;
}

/** At most `max` tokens, by their SHA-256 hash; the one that was not asked for longest makes room. */
export function createVerified<T>({ clock, max }: { clock: Clock; max: number }): Verified<T> {
  const entries = new Map<string, { found: T; until: number }>();
  const keyOf = (token: string) => hash("sha256", token, "base64url");
  return {
    get(token) {
      const key = keyOf(token);
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      if (entry.until <= clock.now()) return undefined;
      entries.set(key, entry); // a Map keeps the order of insertion: now it is the youngest
      return entry.found;
    },
    set(token, found, until) {
      entries.set(keyOf(token), { found, until });
      if (entries.size > max) for (const eldest of entries.keys().take(1)) entries.delete(eldest);
    },
  };
}

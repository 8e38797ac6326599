import { timingSafeEqual } from "node:crypto";
import type { Variant } from "../protocol/files.ts";

/**
 * Addresses end at the boundaries of these many milliseconds, one to two of them after they were made. So everyone gets
 * the same address for a while, and browsers find what they have in their caches.
 */
export const WINDOW_MS = 5 * 60_000;

/**
 * Addresses of files. An `<img>` sends no token, so anyone who has an address may load the file until it ends. They are signed with a
 * secret of the database, so every node of an installation accepts those of the others.
 */
export interface Addresses {
  /** When addresses that are made now end, in milliseconds since 1970. */
  ending(now: number): number;
  of(id: string, variant: Variant, endsAt: number): string;
  /** Whether an address was made here and has not ended. */
  accepts(
    id: string,
    variant: string,
    query: { readonly exp: string; readonly sig: string },
    now: number,
  ): boolean;
}

export function createAddresses(key: string, origin = ""): Addresses {
  const signatureOf = (id: string, variant: string, exp: string) =>
    new Bun.CryptoHasher("sha256", key).update(`${id} ${variant} ${exp}`).digest("base64url");

  return {
    ending: (now) => (Math.floor(now / WINDOW_MS) + 2) * WINDOW_MS,
    of(id, variant, endsAt) {
      const exp = String(endsAt / 1000);
      return `${origin}/files/${id}/${variant}/?exp=${exp}&sig=${signatureOf(id, variant, exp)}`;
    },
    accepts(id, variant, { exp, sig }, now) {
      const [given, wanted] = [Buffer.from(sig), Buffer.from(signatureOf(id, variant, exp))];
      const isSigned = given.length === wanted.length && timingSafeEqual(given, wanted);
      return isSigned && Number(exp) * 1000 > now;
    },
  };
}

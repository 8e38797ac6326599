import { createHmac, timingSafeEqual } from "node:crypto";

// The token that ends mails to one person. It works for ever and allows nothing else, so it is signed instead of stored.

const FORM = /^(u_[\w-]{22})\.([\w-]{43})$/;

const sign = (key: string, uid: string) => createHmac("sha256", key).update(`unsubscribe ${uid}`).digest();

/** Returns the token for the person with this public id. */
export const unsubscribeToken = (key: string, uid: string): string =>
  `${uid}.${sign(key, uid).toString("base64url")}`;

/** Returns the public id of a token's person; undefined if this server has not made it. */
export function readUnsubscribeToken(key: string, token: string): string | undefined {
  const [, uid, mac] = FORM.exec(token) ?? [];
  if (!uid || !mac) return undefined;
  return timingSafeEqual(Buffer.from(mac, "base64url"), sign(key, uid)) ? uid : undefined;
}

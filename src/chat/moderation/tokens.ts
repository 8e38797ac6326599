import { hash } from "node:crypto";

/** 192 random bits, so that guessing is hopeless. */
export const newToken = () => Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");

/** What the database keeps of a token. */
export const hashOf = (token: string) => hash("sha256", token, "base64url");

/** Returns the id of the link that a person created with this client id: the same for a repeat. */
export function idOf(userId: number, room: string, clientId: string): string {
  const digest = hash("sha256", `invitation ${userId} ${clientId.toLowerCase()} ${room}`, "hex");
  // A UUID of version 8 (RFC 9562), so that it looks like what it stands beside.
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 3) | 8).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

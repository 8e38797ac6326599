import { hash } from "node:crypto";

// Webhooks are signed as Standard Webhooks says (standardwebhooks.com), so that receivers need no code of ours.

const PREFIX = "whsec_";
const SECRET_BYTES = 32;

export const newSecret = (): string =>
  PREFIX + Buffer.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).toString("base64");

/** Returns the headers of a request, signed with each secret. `seconds`: now, since 1970. */
export function signed(
  secrets: readonly string[],
  { id, seconds, body }: { readonly id: string; readonly seconds: number; readonly body: string },
): Record<string, string> {
  const text = `${id}.${seconds}.${body}`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), "base64");
    return `v1,${new Bun.CryptoHasher("sha256", key).update(text).digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signatures.join(" "),
  };
}

/** What a batch of a hook is: the changes of a room between two versions. */
export interface BatchKey {
  readonly hook: string;
  /** The database's epoch, to which versions are relative. */
  readonly epoch: string;
  readonly room: string;
  readonly after: number;
  readonly upto: number;
}

/** Returns the `webhook-id` of a batch, which is the same whenever it is sent. */
export const batchId = ({ hook, epoch, room, after, upto }: BatchKey): string =>
  `msg_${hash("sha256", JSON.stringify([hook, epoch, room, after, upto]), "base64url").slice(0, 27)}`;

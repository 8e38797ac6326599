import type { Ack, Post } from "../../src/chat/change.ts";
import type { SimDatabase } from "./database.ts";

type Key = Pick<Post, "room" | "senderId" | "clientId">;

/** Every ack that was given: it names what the database has, and the same post has the same one always. */
export function createAckBook(database: SimDatabase, fail: (sentence: string, detail: string) => void) {
  /** Posts that were acked as new, by what they became. */
  const fresh = new Set<Ack>();

  return (post: Key, ack: Partial<Ack>) => {
    const name = `${post.room} ${post.senderId} ${ack.id}${ack.duplicate ? " again" : ""}`;
    const found = database
      .committed({ kind: "post", username: "", content: "", replyTo: null, ...post })
      .find(
        ({ id, version, timestamp }) =>
          id === ack.id && version === ack.version && timestamp === ack.timestamp,
      );
    if (!found) return fail("an ack of what the database does not have", name);
    if (ack.duplicate) return;
    if (fresh.has(found)) fail("a post was acked as new twice", name);
    fresh.add(found);
  };
}

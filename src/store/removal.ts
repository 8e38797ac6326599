import { removeMessages, type Sender } from "../chat/room/removal.ts";
import type { Database } from "../db/database.ts";
import type { Order } from "../order.ts";
import { createStore } from "./store.ts";

/** Removes all messages of one person without a server. Running ones notice by the rooms' counters. Returns their number. */
export async function removeAllMessages(database: Database, sender: Sender, order: Order): Promise<number> {
  const { lists, messages } = createStore(database);
  const commit = (removals: Parameters<typeof messages.commit>[1]) => messages.commit(0, removals, true);
  for (let total = 0; ;) {
    const { removed, more } = await removeMessages(lists, sender, order, commit);
    total += removed;
    if (!more) return total;
  }
}

import { type Change, ordain } from "../chat/change.ts";
import { purge, type Purged } from "../chat/moderation/purge.ts";
import { removeMessages, type Sender } from "../chat/room/removal.ts";
import type { Database } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import type { Order } from "../order.ts";
import { createPurgeStore } from "./purge.ts";
import { createStore } from "./store.ts";

// What operators remove without a server. Running ones notice by the rooms' counters.

/** Removes all messages of one person. Returns their number. */
export async function removeAllMessages(database: Database, sender: Sender, order: Order): Promise<number> {
  const { lists, messages } = createStore(database);
  const commit = (removals: readonly Change[]) => messages.commit(0, removals, true);
  for (let total = 0; ;) {
    const { removed, more } = await removeMessages(lists, sender, order, commit);
    total += removed;
    if (!more) return total;
  }
}

/** Removes everything that a person wrote, and their reactions. `progress` is called after each batch. */
export function purgePerson(
  database: Database,
  userId: number,
  order: Order,
  progress: (sofar: Purged) => void,
): Promise<Purged> {
  const { messages } = createStore(database);
  return purge({
    store: createPurgeStore(database),
    userId,
    order,
    commit: (removals) => messages.commit(0, removals, true),
    goOn(sofar) {
      progress(sofar);
      return true;
    },
  });
}

/** Deletes a room. @throws {Refusal} not_found. */
export async function deleteRoom(database: Database, room: string, order: Order): Promise<void> {
  const { messages } = createStore(database);
  const deletion = ordain(
    { kind: "room", clientId: crypto.randomUUID(), set: { deleted: true } },
    room,
    order,
  );
  const { outcomes } = await messages.commit(0, [deletion], true);
  const [outcome] = outcomes;
  if (outcome && "refused" in outcome) throw new Refusal(outcome.refused);
}

import type { Order } from "../../order.ts";
import type { Removal } from "../change.ts";
import type { ListStore } from "../lists.ts";

/** Messages removed by one order, and in one batch, so that others' messages do not wait for long. */
const ORDER_MAX = 500;
const BATCH = 50;

/** Whose messages to remove: in one room, or (null) in all. */
export interface Sender {
  readonly userId: number;
  readonly room: string | null;
}

export interface Removed {
  readonly removed: number;
  /** There are more: repeat the order. */
  readonly more: boolean;
}

/**
 * Removes messages of one person, at most 500, as if each had been removed by itself: readers get them as deleted, and the
 * audit has each. `commit` resolves once these removals are committed.
 */
export async function removeMessages(
  store: Pick<ListStore, "messagesOf">,
  sender: Sender,
  order: Order,
  commit: (removals: readonly Removal[]) => Promise<unknown>,
): Promise<Removed> {
  const found = await store.messagesOf(sender, ORDER_MAX + 1);
  const removals = found
    .slice(0, ORDER_MAX)
    .sort((one, other) => one.id - other.id)
    .map(({ room, id }): Removal => ({ kind: "remove", room, id, clientId: crypto.randomUUID(), order }));
  for (let from = 0; from < removals.length; from += BATCH) await commit(removals.slice(from, from + BATCH));
  return { removed: removals.length, more: found.length > ORDER_MAX };
}

import type { Order } from "../../order.ts";
import type { Removal } from "../change.ts";
import type { PurgeStore } from "../moderationports.ts";

/** Changes in one batch, so that others' messages do not wait for long, and messages in one lookup. */
const BATCH = 50;
const LOOKED_UP = 500;

/** What a purge has removed so far. */
export interface Purged {
  readonly messages: number;
  /** Messages of others that lost the person's reactions. */
  readonly reactions: number;
}

export interface PurgeOptions {
  readonly store: PurgeStore;
  readonly userId: number;
  readonly order: Order;
  /** Resolves once these removals are committed. */
  commit(removals: readonly Removal[]): Promise<unknown>;
  /** Called after each batch. Returns whether to go on. */
  goOn(sofar: Purged): boolean;
}

/**
 * Removes everything that a person wrote, in all rooms, and their reactions, as if each had been removed by itself. Whatever
 * is left, because it was stopped or failed, is found by the next purge. It goes through their messages again until it
 * finds none, because they may have posted meanwhile. Notices stay. `more`: it was stopped.
 */
export async function purge(options: PurgeOptions): Promise<Purged & { readonly more: boolean }> {
  const { store, userId, order, commit, goOn } = options;
  let messages = 0;
  let reactions = 0;

  /** Returns false if it was stopped. */
  const remove = async (
    found: readonly { readonly room: string; readonly id: number }[],
    what: Pick<Removal, "reactionsOf">,
    count: (removed: number) => void,
  ): Promise<boolean> => {
    for (let from = 0; from < found.length; from += BATCH) {
      if (messages + reactions === 0) await store.recordPurge(userId, order);
      const batch = found.slice(from, from + BATCH);
      const clientId = () => crypto.randomUUID();
      await commit(
        batch.map(({ room, id }) => ({ kind: "remove", room, id, clientId: clientId(), order, ...what })),
      );
      count(batch.length);
      if (!goOn({ messages, reactions })) return false;
    }
    return true;
  };

  /** Goes through all pages of a lookup once. Returns false if it was stopped. */
  const through = async <Cursor>(
    look: (after: Cursor | null) => Promise<Page<Cursor>>,
    what: Pick<Removal, "reactionsOf">,
    count: (removed: number) => void,
  ): Promise<boolean> => {
    for (let after: Cursor | null = null; ;) {
      const { found, next }: Page<Cursor> = await look(after);
      if (!(await remove(found, what, count))) return false;
      if (next === null) return true;
      after = next;
    }
  };

  for (let before = -1; before !== messages + reactions;) {
    before = messages + reactions;
    const done =
      (await through(
        (after: MessageCursor) => store.messagesBy(userId, after, LOOKED_UP),
        {},
        (n) => (messages += n),
      )) &&
      (await through(
        (after: number | null) => store.reactedBy(userId, after, LOOKED_UP),
        { reactionsOf: userId },
        (n) => (reactions += n),
      ));
    if (!done) return { messages, reactions, more: true };
  }
  return { messages, reactions, more: false };
}

type MessageCursor = Parameters<PurgeStore["messagesBy"]>[1];
interface Page<Cursor> {
  readonly found: readonly { readonly room: string; readonly id: number }[];
  /** Where to continue; null: this was the last page. */
  readonly next: Cursor | null;
}

import { entriesIn } from "../frames.ts";
import { sizeOf } from "../history.ts";
import { messagesOf } from "../list.ts";
import type { Entry } from "../message.ts";
import type { Query } from "../query.ts";
import type { HistoryPage, HistoryQuery, Room } from "../roomstate.ts";

// The part of the client that reads pages of a room's history beside its list.

interface ReadingOptions {
  /** The room's name. */
  readonly name: string;
  readonly query: Query;
  /** The last version that the client knows. */
  version(): number;
}

export function createReading({ name, query: ask, version }: ReadingOptions): Room["history"] {
  return async function read(query: HistoryQuery = {}): Promise<HistoryPage> {
    const { before, after, around, notices, thread, main, limit = 100, signal } = query;
    const size = sizeOf(limit);
    if (around !== undefined) {
      const half = { notices, thread, main, limit: Math.ceil(size / 2), signal };
      const [head, tail] = await Promise.all([
        read({ ...half, before: around }),
        read({ ...half, after: Math.max(0, around - 1) }),
      ]);
      return pageOf([...head.entries, ...tail.entries], head.older, tail.newer);
    }
    const forward = after !== undefined;
    const reply = await ask(
      {
        type: "history",
        room: name,
        limit: size,
        after,
        before: forward ? undefined : before,
        notices,
        thread,
        main,
      },
      signal,
    );
    const more = reply.more === true;
    const entries = entriesIn(reply.messages);
    // Only replies in threads so far.
    if (main && more && entries.length === 0 && typeof reply.next === "number")
      return read({ ...query, [forward ? "after" : "before"]: reply.next });
    return pageOf(
      entries,
      forward ? after > 0 : more,
      forward ? more : before !== undefined && before <= version(),
    );
  };
}

const pageOf = (entries: readonly Entry[], older: boolean, newer: boolean): HistoryPage => ({
  entries,
  messages: messagesOf(entries),
  older,
  newer,
});

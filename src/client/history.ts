import { abortable } from "./abort.ts";
import { deferred } from "./deferred.ts";
import { entriesIn } from "./frames.ts";
import { type List, messagesOf } from "./list.ts";
import type { Entry } from "./message.ts";
import type { Query } from "./query.ts";
import type { HistoryPage, HistoryQuery, OlderQuery } from "./roomstate.ts";

interface HistoryOptions {
  /** The room's name. */
  readonly name: string;
  readonly list: List;
  readonly query: Query;
  /** Whether the room is joined on the current socket. @throws {ChatError} why it cannot be joined. */
  joined(): boolean;
  changed(): void;
}

/** Reads pages of a room's history, into its list or beside it. */
export function createHistory({ name, list, query: ask, joined, changed }: HistoryOptions) {
  let gate = deferred<void>();
  let paging: Promise<void> | undefined;

  const read = async (query: HistoryQuery = {}): Promise<HistoryPage> => {
    const { before, after, around, notices, limit = 100, signal } = query;
    const size = Math.min(1_000, Math.max(1, Math.floor(limit) || 1));
    if (around !== undefined) {
      const half = { notices, limit: Math.ceil(size / 2), signal };
      const [head, tail] = await Promise.all([
        read({ ...half, before: around }),
        read({ ...half, after: Math.max(0, around - 1) }),
      ]);
      return pageOf([...head.entries, ...tail.entries], head.older, tail.newer);
    }
    const forward = after !== undefined;
    const reply = await ask(
      { type: "history", room: name, limit: size, after, before: forward ? undefined : before, notices },
      signal,
    );
    const more = reply.more === true;
    return pageOf(
      entriesIn(reply.messages),
      forward ? after > 0 : more,
      forward ? more : before !== undefined && before <= list.version,
    );
  };

  const page = async (limit: number): Promise<void> => {
    for (;;) {
      if (!joined()) {
        await gate.promise;
        continue;
      }
      if (!list.more) return;
      list.awaitPage(true);
      const { entries, older } = await read({ before: list.from, limit, notices: true });
      // Ask again if the list was dropped meanwhile, or if a new socket may be about to drop it.
      if (joined() && list.page(entries, older)) return changed();
    }
  };

  return {
    read,
    /** Puts the page before the list into the list. Concurrent calls share one page. */
    older({ limit = 100, signal }: OlderQuery = {}): Promise<void> {
      paging ??= page(limit).finally(() => {
        paging = undefined;
        list.awaitPage(false);
      });
      return abortable(paging, signal);
    },
    /** Lets waiting calls go on: the room was joined, or cannot be. */
    wake() {
      gate.resolve();
      gate = deferred();
    },
  };
}

const pageOf = (entries: readonly Entry[], older: boolean, newer: boolean): HistoryPage => ({
  entries,
  messages: messagesOf(entries),
  older,
  newer,
});

import { abortable } from "./abort.ts";
import { deferred } from "./deferred.ts";
import { entriesIn } from "./frames.ts";
import type { List } from "./list.ts";
import type { Query } from "./query.ts";
import type { OlderQuery } from "./roomstate.ts";

interface HistoryOptions {
  /** The room's name. */
  readonly name: string;
  readonly list: List;
  readonly query: Query;
  /** Whether the room is joined on the current socket. @throws {ChatError} why it cannot be joined. */
  joined(): boolean;
  changed(): void;
}

/** Reads pages of a room's history into its list. */
export function createHistory({ name, list, query: ask, joined, changed }: HistoryOptions) {
  let gate = deferred<void>();
  let paging: Promise<void> | undefined;

  const page = async (limit: number): Promise<void> => {
    for (;;) {
      if (!joined()) {
        await gate.promise;
        continue;
      }
      if (!list.more) return;
      list.awaitPage(true);
      const size = sizeOf(limit);
      const { messages, more } = await ask({
        type: "history",
        room: name,
        limit: size,
        before: list.from,
        notices: true,
      });
      // Ask again if the list was dropped meanwhile, or if a new socket may be about to drop it.
      if (joined() && list.page(entriesIn(messages), more === true)) return changed();
    }
  };

  return {
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

/** How many entries a page that is asked for may have: 1 to 1,000. */
export const sizeOf = (limit: number): number => Math.min(1_000, Math.max(1, Math.floor(limit) || 1));

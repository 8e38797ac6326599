import type { Message } from "../../message.ts";
import { HISTORY_DEFAULT, HISTORY_MAX, ID_MAX } from "../../protocol/limits.ts";
import type { Pass } from "../pass.ts";
import type { HistoryPage, MessageStore } from "../ports.ts";

/** Which page: at most one of the message ids `before`, `after` and `around`; none of them: the newest page. */
export interface HistoryQuery {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly around?: number | undefined;
  /** 1 to 1,000; 100 by default. */
  readonly limit?: number | undefined;
}

export interface HistoryResult extends HistoryPage {
  /** There are messages before the first one of the page. */
  readonly older: boolean;
  /** There are messages after the last one of the page. */
  readonly newer: boolean;
}

export interface History {
  /** Returns a page of a room's messages, oldest first, including tombstones. An unknown room is empty. */
  page(pass: Pass, query: HistoryQuery): Promise<HistoryResult>;
}

export const createHistory = (store: Pick<MessageStore, "messages">): History => ({
  async page({ room }, { before, after, around, limit = HISTORY_DEFAULT }) {
    const size = Math.min(limit, HISTORY_MAX);
    // One message more than requested shows whether there are more.
    if (after !== undefined) {
      const page = await store.messages(room, { after }, size + 1);
      return {
        ...page,
        messages: page.messages.slice(0, size),
        older: after > 0,
        newer: page.messages.length > size,
      };
    }
    if (around !== undefined) {
      const half = Math.floor(size / 2);
      const [head, tail] = await Promise.all([
        store.messages(room, { before: around }, half + 1),
        store.messages(room, { after: around - 1 }, size - half + 1),
      ]);
      const messages: Message[] = [...last(head.messages, half), ...tail.messages.slice(0, size - half)];
      return {
        ...tail,
        messages,
        older: head.messages.length > half,
        newer: tail.messages.length > size - half,
      };
    }
    const page = await store.messages(room, { before: before ?? ID_MAX }, size + 1);
    return {
      ...page,
      messages: last(page.messages, size),
      older: page.messages.length > size,
      newer: before !== undefined && before <= page.counter,
    };
  },
});

const last = <T>(list: readonly T[], count: number): readonly T[] => (count === 0 ? [] : list.slice(-count));

import { lengthOf, type Message } from "../../message.ts";
import type { Places } from "../../limits/places.ts";
import { HISTORY_DEFAULT, HISTORY_MAX, ID_MAX } from "../../protocol/limits.ts";
import type { Pass } from "../pass.ts";
import type { HistoryPage, MessageStore } from "../ports.ts";
import { fitting } from "./pages.ts";

/** Which page: at most one of the message ids `before`, `after` and `around`; none of them: the newest page. */
export interface HistoryQuery {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly around?: number | undefined;
  /** 1 to 1,000; 100 by default. */
  readonly limit?: number | undefined;
}

/** The size of a page as it is sent. It is cut at the end that is farther from the requested id. */
export interface Fit {
  readonly bytes: number;
  sizeOf(message: Message): number;
}

export interface HistoryResult extends Omit<HistoryPage, "more"> {
  /** There are messages before the first one of the page. */
  readonly older: boolean;
  /** There are messages after the last one of the page. */
  readonly newer: boolean;
}

export interface History {
  /**
   * Returns a page of a room's messages, oldest first, including tombstones: as many as fit, and one at least. An unknown
   * room is empty.
   * @throws {Refusal} busy, unavailable.
   */
  page(pass: Pass, query: HistoryQuery, fit: Fit): Promise<HistoryResult>;
}

/** The most bytes of a message as JSON, besides its text and reactions: its keys, and names of maximum length. */
const ENVELOPE = 768;
/** The most bytes of one UTF-16 code unit as JSON. */
const UNIT = 6;

/** Whether messages fit without being encoded to see. */
const surelyFit = (messages: readonly Message[], bytes: number) =>
  messages.reduce((sum, message) => sum + ENVELOPE + UNIT * lengthOf(message), 0) <= bytes;

/** Returns how many pages of the usual size a request counts as in its person's budget. */
export const pagesOf = (limit = HISTORY_DEFAULT) => Math.ceil(limit / HISTORY_DEFAULT);

export function createHistory(store: Pick<MessageStore, "messages">, reads: Places): History {
  async function part(
    room: string,
    range: { after: number } | { before: number },
    messages: number,
    { bytes, sizeOf }: Fit,
  ): Promise<HistoryPage> {
    const page = await store.messages(room, range, { messages, bytes });
    if (surelyFit(page.messages, bytes)) return page;
    const backward = "before" in range;
    const fit = fitting(backward ? page.messages.toReversed() : page.messages, sizeOf, bytes);
    if (fit.length === page.messages.length) return page;
    return { ...page, messages: backward ? fit.toReversed() : fit, more: true };
  }

  async function page(
    { room }: Pass,
    { before, after, around, limit = HISTORY_DEFAULT }: HistoryQuery,
    fit: Fit,
  ): Promise<HistoryResult> {
    const size = Math.min(limit, HISTORY_MAX);
    if (after !== undefined) {
      const { more, ...found } = await part(room, { after }, size, fit);
      return { ...found, older: after > 0, newer: more };
    }
    if (around !== undefined) {
      const half = Math.floor(size / 2);
      const halfFit = { ...fit, bytes: Math.floor(fit.bytes / 2) };
      const head =
        half > 0 ? await part(room, { before: around }, half, halfFit) : { messages: [], more: around > 1 };
      const { more, ...tail } = await part(room, { after: around - 1 }, size - half, halfFit);
      return { ...tail, messages: [...head.messages, ...tail.messages], older: head.more, newer: more };
    }
    const { more, ...found } = await part(room, { before: before ?? ID_MAX }, size, fit);
    return { ...found, older: more, newer: before !== undefined && before <= found.counter };
  }

  return { page: (pass, ...of) => reads.run(pass.person.userId, () => page(pass, ...of)) };
}

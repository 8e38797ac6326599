import { ownerOf } from "../../budgets.ts";
import { Refusal } from "../../errors.ts";
import { lengthOf, type Message } from "../../message.ts";
import type { Places } from "../../limits/places.ts";
import { HISTORY_DEFAULT, HISTORY_MAX, ID_MAX } from "../../protocol/limits.ts";
import type { Pass } from "../pass.ts";
import type { HistoryPage, MessageStore, PinPage, View } from "../ports.ts";
import { fitting } from "./pages.ts";

/** Which page: at most one of the message ids `before`, `after` and `around`; none of them: the newest page. */
export interface HistoryQuery {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly around?: number | undefined;
  /** 1 to 1,000; 100 by default. */
  readonly limit?: number | undefined;
  /** Whether to include notices, which are no text. */
  readonly notices?: boolean | undefined;
  /** Only the main conversation. Such a page may be short, or even empty, although there are more. */
  readonly main?: boolean | undefined;
  /** Only the replies in the thread that begins with this message. */
  readonly thread?: number | undefined;
}

/** The size of a page as it is sent. It is cut at the end that is farther from the requested id. */
export interface Fit {
  readonly bytes: number;
  sizeOf(message: Message): number;
}

export interface HistoryResult extends Omit<HistoryPage, "more" | "edge"> {
  /** There are messages before the first one of the page. */
  readonly older: boolean;
  /** There are messages after the last one of the page. */
  readonly newer: boolean;
  /** The older page ends before this id. */
  readonly before: number;
  /** The newer page begins after this id. */
  readonly after: number;
}

export interface History {
  /**
   * Returns a page of the messages that a person may see, oldest first, including tombstones: as many as fit, and one at
   * least. An unknown room is empty.
   * @throws {Refusal} busy, unavailable; forbidden and so on if the person has lost the right to read meanwhile.
   */
  page(pass: Pass, query: HistoryQuery, fit: Fit): Promise<HistoryResult>;
  /** Returns pinned messages that a person may see, pinned before a version, the latest first. @throws {Refusal} as `page`. */
  pins(pass: Pass, before: number): Promise<PinPage>;
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

/** How often a page is read again, because rights in its room change all the time, and when to retry after that. */
const ROUNDS = 5;
const RETRY_MS = 1_000;

interface HistoryParts {
  readonly store: Pick<MessageStore, "messages" | "pinned">;
  readonly reads: Places;
  /** Reads again what a pass allows. @throws {Refusal} if its holder may not read the room any more. */
  reenter(pass: Pass): Promise<Pass>;
}

export function createHistory({ store, reads, reenter }: HistoryParts): History {
  /** Reads a part of a page. @throws {Outdated} if it may show what the pass does not allow any more. */
  async function part(
    pass: Pass,
    { range, messages, ...view }: { range: Range; messages: number } & Omit<View, "from">,
    { bytes, sizeOf }: Fit,
  ): Promise<HistoryPage> {
    const { room, membership } = pass;
    const seen = { ...view, from: membership.from };
    const page = checked(pass, await store.messages(room, range, { messages, bytes }, seen));
    if (surelyFit(page.messages, bytes)) return page;
    const backward = "before" in range;
    const fit = fitting(backward ? page.messages.toReversed() : page.messages, sizeOf, bytes);
    if (fit.length === page.messages.length) return page;
    const edge = fit.at(-1)?.id ?? page.edge;
    return { ...page, messages: backward ? fit.toReversed() : fit, more: true, edge };
  }

  async function page(
    pass: Pass,
    { before, after, around, limit = HISTORY_DEFAULT, notices = false, main, thread }: HistoryQuery,
    fit: Fit,
  ): Promise<HistoryResult> {
    const size = Math.min(limit, HISTORY_MAX);
    const first = pass.membership.from;
    const read = (range: Range, messages: number, within = fit) =>
      part(pass, { range, messages, notices, main, thread, replies: thread === undefined }, within);
    if (after !== undefined) {
      const { more, edge, ...found } = await read({ after }, size);
      return {
        ...found,
        older: after >= first,
        newer: more,
        before: found.messages[0]?.id ?? after + 1,
        after: edge,
      };
    }
    if (around !== undefined) {
      const half = Math.floor(size / 2);
      const halfFit = { ...fit, bytes: Math.floor(fit.bytes / 2) };
      const head = half > 0 ? await read({ before: around }, half, halfFit) : undefined;
      const { more, edge, ...tail } = await read({ after: around - 1 }, size - half, halfFit);
      // Between the two, the database may have been restored.
      if (head && head.epoch !== tail.epoch) throw new Outdated();
      const messages = [...(head?.messages ?? []), ...tail.messages];
      const older = head?.more ?? around > first;
      const start = (main ? head?.edge : messages[0]?.id) ?? around;
      return { ...tail, messages, older, newer: more, before: start, after: edge };
    }
    const { more, edge, ...found } = await read({ before: before ?? ID_MAX }, size);
    const newer = before !== undefined && before <= found.counter;
    return { ...found, older: more, newer, before: edge, after: found.messages.at(-1)?.id ?? edge };
  }

  async function pins(pass: Pass, before: number): Promise<PinPage> {
    const { from } = pass.membership;
    return checked(pass, await store.pinned(pass.room, { before, from }));
  }

  /** Reads with a pass that is as new as what is read. */
  async function current<T>(pass: Pass, read: (pass: Pass) => Promise<T>): Promise<T> {
    let current = pass;
    for (let round = 0; round < ROUNDS; round++) {
      try {
        return await read(current);
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        current = await reenter(current);
      }
    }
    throw new Refusal("busy", { retryAfterMs: RETRY_MS });
  }

  const run = <T>(pass: Pass, read: (pass: Pass) => Promise<T>) =>
    reads.run(ownerOf(pass.person), () => current(pass, read));
  return {
    page: (pass, ...of) => run(pass, (held) => page(held, ...of)),
    pins: (pass, before) => run(pass, (held) => pins(held, before)),
  };
}

type Range = { after: number } | { before: number };

/** @throws {Outdated} if a page may show what the pass does not allow any more. */
function checked<P extends Pick<HistoryPage, "fence">>({ membership: { fence } }: Pass, page: P): P {
  if (page.fence > fence) throw new Outdated();
  return page;
}

/** A page that was read after the room's fence had moved. */
class Outdated extends Error {
  override readonly name = "Outdated";
}

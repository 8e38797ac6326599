import type { Clock } from "../../clock.ts";
import { bytesOf, type Message } from "../../message.ts";
import { PAGE_MAX } from "../limits.ts";
import type { Page } from "../ports.ts";

/** How long readers share a page, at most, in milliseconds. It also bounds the memory. */
const KEEP_MS = 250;

/** A page and its encoded frames, by a key of the codec. */
export interface SharedPage extends Page {
  readonly frames: Map<string | number, string>;
}

/** Pages of a room that readers share: thousands who return together miss the same, and one query serves them all. */
export interface Pages {
  since(after: number): Promise<SharedPage>;
  /** Drops all pages, because one of their messages may have changed or nobody reads them any more. */
  forget(): void;
}

export function createPages(clock: Clock, read: (after: number) => Promise<Page>): Pages {
  const pages = new Map<number, Promise<SharedPage>>();
  let cancel: (() => void) | undefined;

  const forget = () => {
    cancel?.();
    cancel = undefined;
    pages.clear();
  };

  return {
    forget,
    since(after) {
      const known = pages.get(after);
      if (known) return known;
      const page = read(after).then((found) => ({ ...found, frames: new Map<string | number, string>() }));
      pages.set(after, page);
      page.then(
        () => pages.get(after) === page && (cancel ??= clock.after(KEEP_MS, forget)),
        () => pages.get(after) === page && pages.delete(after), // its readers get the error
      );
      return page;
    },
  };
}

/** The first messages found, and whether there are more. */
interface Found extends Omit<Page, "end"> {
  readonly more: boolean;
}

/** Cuts messages to the size limit of a page. `place` says what `end` counts: versions or ids. */
export function cutToSize(
  { epoch, counter, fence, messages, more }: Found,
  place: (message: Message) => number,
): Page {
  const taken = fitting(messages, bytesOf, PAGE_MAX);
  const last = taken.at(-1);
  const complete = taken.length === messages.length && !more;
  return { epoch, counter, fence, messages: taken, end: complete || !last ? counter : place(last) };
}

/**
 * Returns the first items that fit into `most` bytes together. The first one always does, or nobody could page past an
 * item that is larger.
 */
export function fitting<T>(items: readonly T[], sizeOf: (item: T) => number, most: number): readonly T[] {
  let bytes = 0;
  const tooMany = items.findIndex((item, index) => {
    bytes += sizeOf(item);
    return index > 0 && bytes > most;
  });
  return tooMany === -1 ? items : items.slice(0, tooMany);
}

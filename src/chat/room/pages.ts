import type { Clock } from "../../clock.ts";
import { bytesOf, type Message } from "../../message.ts";
import { PAGE_MAX } from "../limits.ts";
import type { Page } from "../ports.ts";

/** How long a page serves those who ask for the same one, at most, in milliseconds. It bounds what is kept, too. */
const KEEP_MS = 250;

/** A page, and the frames that its readers have made of it, by whatever they go by. */
export interface SharedPage extends Page {
  readonly frames: Map<string | number, string>;
}

/** Pages of what was missed in a room: thousands who return together have missed the same, and one reading serves them. */
export interface Pages {
  since(after: number): Promise<SharedPage>;
  /** A message that may stand in one of them has changed, or nobody is there any more. */
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
        () => pages.get(after) === page && pages.delete(after), // who waits for it hears of the failure
      );
      return page;
    },
  };
}

/** The first messages there were, `limit` of them at most. */
interface Found extends Omit<Page, "end"> {
  readonly limit: number;
}

/** Cuts what was found to a page's greatest size in bytes, and tells how far it reaches in terms of `place`. */
export function cutToSize(
  { epoch, counter, messages, limit }: Found,
  place: (message: Message) => number,
): Page {
  let bytes = 0;
  const tooMany = messages.findIndex((message, index) => {
    bytes += bytesOf(message);
    return index > 0 && bytes > PAGE_MAX;
  });
  const taken = tooMany === -1 ? messages : messages.slice(0, tooMany);
  const last = taken.at(-1);
  const complete = tooMany === -1 && messages.length < limit;
  return { epoch, counter, messages: taken, end: complete || !last ? counter : place(last) };
}

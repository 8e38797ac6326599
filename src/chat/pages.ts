import type { Clock } from "../clock.ts";
import type { Page } from "./ports.ts";

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

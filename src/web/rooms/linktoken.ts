import { createSubject } from "../../client/index.ts";
import type { Source } from "../parts/source.ts";

/** The token of a link that opened the page; undefined if there was none. */
export interface LinkToken extends Source<string | undefined> {
  /** Forgets the token. */
  used(): void;
}

/**
 * Takes the token of a link out of the address, where others could see it and bookmarks would keep it. `link` matches the
 * part of the address after the page, with the token as its first group.
 */
export function createLinkToken(page: Window, link: RegExp): LinkToken {
  let token: string | undefined;
  const { snapshot, subscribe, changed } = createSubject(() => token);
  const look = () => {
    const [, found] = link.exec(page.location.hash) ?? [];
    if (!found) return;
    token = found;
    page.history.replaceState(null, "", "#/");
    changed();
  };
  look();
  page.addEventListener("hashchange", look);
  return {
    snapshot,
    subscribe,
    used() {
      token = undefined;
      changed();
    },
  };
}

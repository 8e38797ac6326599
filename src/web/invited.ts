import { createSubject } from "../client/index.ts";
import type { Source } from "./source.ts";

const LINK = /^#\/join\/([\w.~-]{1,256})$/;

export const joinLink = (token: string): string => `#/join/${token}`;

/** The token of the invitation link that opened the page. */
export interface Invited extends Source<string | undefined> {
  /** Forgets the link. */
  used(): void;
}

/** Takes the token of an invitation link out of the address, where others could see it and bookmarks would keep it. */
export function createInvited(page: Window): Invited {
  let token: string | undefined;
  const { snapshot, subscribe, changed } = createSubject(() => token);
  const look = () => {
    const [, found] = LINK.exec(page.location.hash) ?? [];
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

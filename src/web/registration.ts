import { createSubject } from "../client/index.ts";
import type { Source } from "./source.ts";

export interface RegistrationState {
  /** Who can create an account, as the server says in the page: anyone, anyone with a link, or nobody. */
  readonly who: "open" | "invite" | "off";
  /** The token of the registration link that opened the page. */
  readonly invite: string | undefined;
}

export interface Registration extends Source<RegistrationState> {
  /** Forgets the link, because it has been used. */
  used(): void;
}

const LINK = /^#\/register\/([\w-]{1,256})$/;

/** Takes the token of a registration link out of the address, where others could see it and bookmarks would keep it. */
export function createRegistration(page: Window): Registration {
  const { registration = "open" } = page.document.documentElement.dataset;
  const who = registration as RegistrationState["who"];
  let invite: string | undefined;
  const { snapshot, subscribe, changed } = createSubject<RegistrationState>(() => ({ who, invite }));

  const look = () => {
    const [, token] = LINK.exec(page.location.hash) ?? [];
    if (!token) return;
    invite = token;
    page.history.replaceState(null, "", "#/");
    changed();
  };
  look();
  page.addEventListener("hashchange", look);
  return {
    snapshot,
    subscribe,
    used() {
      invite = undefined;
      changed();
    },
  };
}

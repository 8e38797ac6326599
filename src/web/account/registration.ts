import { createSubject } from "../../client/index.ts";
import { createLinkToken } from "../rooms/linktoken.ts";
import type { Source } from "../parts/source.ts";

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

/** Who can register, and the token of the registration link that opened the page. */
export function createRegistration(page: Window): Registration {
  const { registration = "open" } = page.document.documentElement.dataset;
  const who = registration as RegistrationState["who"];
  const link = createLinkToken(page, LINK);
  const { snapshot, subscribe, changed } = createSubject<RegistrationState>(() => ({
    who,
    invite: link.snapshot(),
  }));
  link.subscribe(changed);
  return { snapshot, subscribe, used: link.used };
}

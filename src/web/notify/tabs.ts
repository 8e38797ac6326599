import { isWatched, watchAttention } from "../page/attention.ts";
import { LOOKING } from "./looking.ts";

/** One tab holds it. The next one gets it when that tab is closed. */
const NOTIFYING = "parley notifying";

/** What the tabs of this browser agree on. */
export interface Tabs {
  /** Whether this tab is the one that notifies. */
  readonly leads: boolean;
  /** Whether someone looks at one of the tabs. */
  areWatched(): Promise<boolean>;
}

/** `led` is called when this tab becomes the one that notifies. */
export function createTabs(locks: LockManager, led: () => void): Tabs {
  let leads = false;
  let leave: (() => void) | undefined;
  const update = () => {
    if (!isWatched()) {
      leave?.();
      leave = undefined;
    } else if (!leave) {
      const stay = new Promise<void>((resolve) => (leave = resolve));
      void locks.request(LOOKING, { mode: "shared" }, () => stay);
    }
  };
  update();
  watchAttention(update);
  void locks.request(NOTIFYING, () => {
    leads = true;
    led();
    return new Promise(() => {}); // until the tab is closed
  });
  return {
    get leads() {
      return leads;
    },
    async areWatched() {
      if (isWatched()) return true;
      const { held = [] } = await locks.query();
      return leave === undefined && held.some(({ name }) => name === LOOKING);
    },
  };
}

import { createSubject } from "../../client/index.ts";
import type { Source } from "../parts/source.ts";
import { dayOf, nextDay } from "./time.ts";

/** The day is checked at least this often, in milliseconds: timers stop while the machine sleeps, and clocks are set. */
const CHECK_MS = 60_000;

/** The reader's current day. It changes at midnight, and after a sleep as soon as the page is looked at. */
export function createToday(page: Window): Source<number> {
  const { snapshot, subscribe, changed } = createSubject(() => dayOf(Date.now()));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const check = () => {
    clearTimeout(timer);
    timer = setTimeout(check, Math.min(CHECK_MS, Math.max(1, nextDay(Date.now()) - Date.now())));
    if (dayOf(Date.now()) !== snapshot()) changed();
  };
  const start = () => {
    check();
    page.addEventListener("focus", check);
    page.document.addEventListener("visibilitychange", check);
  };
  return {
    snapshot,
    subscribe(listener) {
      if (timer === undefined) start();
      return subscribe(listener);
    },
  };
}

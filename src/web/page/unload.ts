import type { PageStorage } from "./storage.ts";

/** Asks before the page closes, if the browser could not store what the person wrote or what waits to be sent. */
export function warnOfLoss(page: Window, storage: PageStorage): void {
  page.addEventListener("beforeunload", (event) => {
    if (storage.lasting) return;
    const isText = (key: string) => key.startsWith("parley draft ") || key.endsWith(" outbox");
    if (storage.keys("parley ").some(isText)) event.preventDefault();
  });
}

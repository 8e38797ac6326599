import type { Page } from "playwright-core";

/**
 * Makes the page believe that its tab is hidden or shown, and that its window has the focus or not: the browser of the tests
 * reports every tab as visible and focused.
 */
export const attend = (page: Page, to: { readonly visible: boolean; readonly focus: boolean }) =>
  page.evaluate(({ visible, focus }) => {
    Object.defineProperty(document, "visibilityState", {
      get: () => (visible ? "visible" : "hidden"),
      configurable: true,
    });
    Object.defineProperty(document, "hidden", { get: () => !visible, configurable: true });
    document.hasFocus = () => focus;
    document.dispatchEvent(new Event("visibilitychange"));
    window.dispatchEvent(new Event(focus ? "focus" : "blur"));
  }, to);

/** Returns the topmost visible message and its position. */
export const topOf = (page: Page) =>
  page.evaluate(() => {
    const box = document.querySelector(".messages") as HTMLElement;
    const { top } = box.getBoundingClientRect();
    for (const row of box.querySelectorAll<HTMLElement>("[data-id]")) {
      const place = row.getBoundingClientRect();
      if (place.bottom > top + 1) return { id: Number(row.dataset.id), top: Math.round(place.top - top) };
    }
    return undefined;
  });

/** Returns the ids of the messages that are on the screen as a whole. */
export const shown = (page: Page) =>
  page.evaluate(() => {
    const box = (document.querySelector(".messages") as HTMLElement).getBoundingClientRect();
    return [...document.querySelectorAll<HTMLElement>("[data-id]")]
      .filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return top >= box.top - 1 && bottom <= box.bottom + 1;
      })
      .map((row) => Number(row.dataset.id));
  });

/** @jsxImportSource hono/jsx/dom */
import { render } from "hono/jsx/dom";
import { later } from "../words/later.ts";
import type { NotifyChoice } from "./settings.ts";

/** Offers notifications, once, to a person who comes back and has missed something. */
export function offer(choice: NotifyChoice): void {
  const place = document.createElement("div");
  const close = (work?: () => unknown) => {
    choice.set({ offered: true });
    place.remove();
    void work?.();
  };
  document.body.append(place);
  render(
    <aside class="offer" aria-label={later.notify.title}>
      <p role="status">{later.notify.offer}</p>
      <div class="choices">
        <button type="button" onClick={() => close()}>
          {later.notify.no}
        </button>
        <button type="button" class="main" onClick={() => close(() => choice.turnOn().catch(() => {}))}>
          {later.notify.yes}
        </button>
      </div>
    </aside>,
    place,
  );
}

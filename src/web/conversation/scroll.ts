/** Keeps the visible messages in place when others are added before or after them. */
export interface Scroll {
  /** Call before rendering: remembers the message at the top. */
  hold(): void;
  /** Whether the person scrolled away from the end, even if the scroll event has not fired yet. */
  strayed(): boolean;
  /** Call after rendering: moves that message back, or scrolls to the end if pinned. */
  restore(pinned: boolean): void;
  /** A message on the screen and its position. */
  anchor(): Anchor | undefined;
  /** Scrolls a message to its position. */
  show(goal: Goal): void;
  /** Scrolls back to an element if it is above the screen. Returns whether it was. */
  stopAt(selector: string): boolean;
}

/** A message and how far it is below the upper edge of the box, in pixels. Without it, a quarter of the box. */
export interface Anchor {
  readonly id: number;
  readonly top?: number | undefined;
}

/** A message to go to. */
export interface Goal extends Anchor {
  /** Move the focus there. */
  readonly focus: boolean;
}

export function createScroll(box: () => HTMLElement | null): Scroll {
  let anchor: Anchor | undefined;
  /** Where the box was when it was last scrolled to its end. */
  let end: number | undefined;
  return {
    strayed() {
      const element = box();
      if (!element || end === undefined) return false;
      const { clientHeight, scrollHeight, scrollTop } = element;
      return scrollTop < Math.min(end, scrollHeight - clientHeight) - 1;
    },
    hold() {
      anchor = anchorIn(box()) ?? anchor;
    },
    restore(pinned) {
      const element = box();
      if (!element) return;
      if (pinned) {
        element.scrollTop = element.scrollHeight;
        end = element.scrollTop;
        return;
      }
      if (anchor) move(element, anchor);
    },
    anchor: () => anchorIn(box()),
    show({ focus, ...target }) {
      const element = box();
      const row = element && move(element, target);
      if (focus) row?.focus({ preventScroll: true });
    },
    stopAt(selector) {
      const element = box();
      const mark = element?.querySelector(selector);
      if (!element || !mark || topIn(element, mark) >= 0) return false;
      element.scrollTop += topIn(element, mark);
      return true;
    },
  };
}

/** Scrolls a message to its position. Returns its element, if it is there. */
function move(element: HTMLElement, { id, top = element.clientHeight / 4 }: Anchor) {
  const row = element.querySelector<HTMLElement>(`[data-id="${id}"]`);
  const by = row ? topIn(element, row) - top : 0;
  if (Math.abs(by) >= 1) element.scrollTop += by;
  return row;
}

/** The index of the first row that is on the screen or below it. */
function firstShown(element: HTMLElement, rows: ArrayLike<HTMLElement>): number {
  const edge = element.getBoundingClientRect().top;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as HTMLElement).getBoundingClientRect().bottom <= edge) low = middle + 1;
    else high = middle;
  }
  return low;
}

function anchorIn(element: HTMLElement | null): Anchor | undefined {
  if (!element) return undefined;
  const rows = element.querySelectorAll<HTMLElement>("[data-id]");
  const at = firstShown(element, rows);
  // Use the second visible row: the first can lose its head when a message is added before it.
  const row = rows[at + 1] ?? rows[at];
  return row && { id: Number(row.dataset.id), top: topIn(element, row) };
}

/** Returns the ids of the messages whose end is on the screen. */
export function shownIn(element: HTMLElement): number[] {
  const rows = element.querySelectorAll<HTMLElement>("[data-id]");
  const { bottom } = element.getBoundingClientRect();
  const ids: number[] = [];
  for (let at = firstShown(element, rows); at < rows.length; at++) {
    const row = rows[at] as HTMLElement;
    if (row.getBoundingClientRect().bottom > bottom + 1) break;
    ids.push(Number(row.dataset.id));
  }
  return ids;
}

const topIn = (element: Element, row: Element) =>
  row.getBoundingClientRect().top - element.getBoundingClientRect().top;

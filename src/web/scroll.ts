/** Keeps the visible messages in place when others are added before or after them. */
export interface Scroll {
  /** Call before rendering: remembers the message at the top. */
  hold(): void;
  /** Whether the person scrolled away from the end, even if the scroll event has not fired yet. */
  strayed(): boolean;
  /** Call after rendering: moves that message back, or scrolls to the end if pinned. */
  restore(pinned: boolean): void;
}

interface Anchor {
  readonly id: string;
  readonly top: number;
}

export function createScroll(box: () => HTMLElement | null): Scroll {
  let anchor: Anchor | undefined;
  /** Measures of the box when it was last scrolled to its end. */
  let end: { readonly height: number; readonly whole: number; readonly top: number } | undefined;
  return {
    strayed() {
      const element = box();
      if (!element || !end) return false;
      const { clientHeight, scrollHeight, scrollTop } = element;
      return clientHeight === end.height && scrollHeight === end.whole && scrollTop < end.top - 1;
    },
    hold() {
      const element = box();
      if (element) anchor = anchorIn(element);
    },
    restore(pinned) {
      const element = box();
      if (!element) return;
      if (pinned) {
        element.scrollTop = element.scrollHeight;
        end = { height: element.clientHeight, whole: element.scrollHeight, top: element.scrollTop };
        return;
      }
      const row = anchor && element.querySelector(`[data-id="${anchor.id}"]`);
      if (!anchor || !row) return;
      const moved = topIn(element, row) - anchor.top;
      if (Math.abs(moved) >= 1) element.scrollTop += moved;
    },
  };
}

function anchorIn(element: HTMLElement): Anchor | undefined {
  const rows = element.querySelectorAll<HTMLElement>("[data-id]");
  const edge = element.getBoundingClientRect().top;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as HTMLElement).getBoundingClientRect().bottom <= edge) low = middle + 1;
    else high = middle;
  }
  // Use the second visible row: the first can lose its head when a message is added before it.
  const row = rows[low + 1] ?? rows[low];
  return row && { id: row.dataset.id ?? "", top: row.getBoundingClientRect().top - edge };
}

const topIn = (element: Element, row: Element) =>
  row.getBoundingClientRect().top - element.getBoundingClientRect().top;

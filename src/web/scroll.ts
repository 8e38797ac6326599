/** Keeps what one reads where it is, whatever is put before or behind it. */
export interface Scroll {
  /** Before the page is drawn anew: remembers which message is at the top. */
  hold(): void;
  /** Someone has scrolled away from the end, and the event that says so has not come yet. */
  strayed(): boolean;
  /** Afterwards: puts it back there; pinned, goes to the end. */
  restore(pinned: boolean): void;
}

interface Anchor {
  readonly id: string;
  readonly top: number;
}

export function createScroll(box: () => HTMLElement | null): Scroll {
  let anchor: Anchor | undefined;
  /** As it was when it was put to its end. */
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
  // The second one that one sees: the first may lose its head to one that is put before it.
  const row = rows[low + 1] ?? rows[low];
  return row && { id: row.dataset.id ?? "", top: row.getBoundingClientRect().top - edge };
}

const topIn = (element: Element, row: Element) =>
  row.getBoundingClientRect().top - element.getBoundingClientRect().top;

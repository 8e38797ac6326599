/** Keeps what one reads where it is, whatever is put before or behind it. */
export interface Scroll {
  /** Before the page is drawn anew: remembers which message is at the top. */
  hold(): void;
  /** Afterwards: puts it back there; pinned, goes to the end. */
  restore(pinned: boolean): void;
}

interface Anchor {
  readonly id: string;
  readonly top: number;
}

export function createScroll(box: () => HTMLElement | null): Scroll {
  let anchor: Anchor | undefined;
  return {
    hold() {
      const element = box();
      if (element) anchor = anchorIn(element);
    },
    restore(pinned) {
      const element = box();
      if (!element) return;
      if (pinned) {
        element.scrollTop = element.scrollHeight;
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
  for (const row of element.querySelectorAll<HTMLElement>("[data-id]")) {
    const top = topIn(element, row);
    if (top + row.offsetHeight > 0) return { id: row.dataset.id ?? "", top };
  }
  return undefined;
}

const topIn = (element: Element, row: Element) =>
  row.getBoundingClientRect().top - element.getBoundingClientRect().top;

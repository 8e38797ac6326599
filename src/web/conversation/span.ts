import type { Message } from "../../client/index.ts";

/** The range of messages that is rendered. Its size is limited, however long the history is. */
export interface Span {
  readonly from: number;
  /** The index after the last message. */
  readonly to: number;
}

/** The message ids that hold a span. Indexes would shift when earlier messages are loaded. */
export interface Held {
  /** Undefined for the newest few. */
  readonly first?: number | undefined;
  /** Undefined to follow the end. */
  readonly last?: number | undefined;
}

export const SPAN = { first: 60, step: 40, most: 160 } as const;

/** `pinned`: the reader is at the end, so a span that is too large drops its oldest messages. */
export function spanOf(messages: readonly Message[], { first, last }: Held, pinned: boolean): Span {
  const to = last === undefined ? messages.length : indexOf(messages, last + 1);
  const from = first === undefined ? Math.max(0, to - SPAN.first) : Math.min(indexOf(messages, first), to);
  if (to - from <= SPAN.most) return { from, to };
  return pinned ? { from: to - SPAN.most, to } : { from, to: from + SPAN.most };
}

export const heldBy = (messages: readonly Message[], { from, to }: Span): Held => ({
  first: messages[from]?.id,
  last: to >= messages.length ? undefined : messages[to - 1]?.id,
});

export function earlier(messages: readonly Message[], { from, to }: Span): Held {
  const start = Math.max(0, from - SPAN.step);
  return heldBy(messages, { from: start, to: Math.min(to, start + SPAN.most) });
}

export function later(messages: readonly Message[], { from, to }: Span): Held {
  const end = Math.min(messages.length, to + SPAN.step);
  return heldBy(messages, { from: Math.max(from, end - SPAN.most), to: end });
}

export function around(messages: readonly Message[], id: number): Held {
  const at = indexOf(messages, id);
  const from = Math.max(0, at - SPAN.first);
  return heldBy(messages, { from, to: Math.min(messages.length, from + 2 * SPAN.first) });
}

/** Returns the index of the first message or notice with this id or a later one. */
export function indexOf(messages: readonly { readonly id: number }[], id: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle]?.id ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

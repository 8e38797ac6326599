import type { Clock } from "./clock.ts";

/**
 * Limits how many pieces of work start in one turn of the event loop, so that a crowd of thousands, such as
 * after a restart, does not starve the clients that are already connected.
 */
export interface Turns {
  /** Resolves when the next piece may start; undefined if it may start now. */
  next(): Promise<void> | undefined;
}

export function createTurns(clock: Clock, piecesPerTurn: number): Turns {
  let left = piecesPerTurn;
  let waiting: (() => void)[] = [];
  let counting = false;

  const nextTurn = () => {
    left = piecesPerTurn;
    counting = false;
    const woken = waiting.slice(0, left);
    waiting = waiting.slice(left);
    if (woken.length > 0) count();
    left -= woken.length;
    for (const wake of woken) wake();
  };
  const count = () => {
    if (counting) return;
    counting = true;
    clock.soon(nextTurn);
  };

  return {
    next() {
      count();
      if (left > 0) return void left--;
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

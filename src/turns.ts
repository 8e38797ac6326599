import type { Clock } from "./clock.ts";

/**
 * Shares the event loop between those who are served already and a crowd that comes, thousands after a restart: so many
 * of its pieces of work are done in each turn of the loop, and no more.
 */
export interface Turns {
  /** Settles when the next piece may be done; nothing where that is now. */
  next(): Promise<void> | undefined;
}

export function createTurns(clock: Clock, piecesATurn: number): Turns {
  let left = piecesATurn;
  let waiting: (() => void)[] = [];
  let counting = false;

  const nextTurn = () => {
    left = piecesATurn;
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

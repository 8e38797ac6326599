import type { Clock } from "../clock.ts";

/** Pages that are sent in one turn of the event loop: some milliseconds of work. */
const PAGES_A_TURN = 8;

/** Shares the event loop between those who catch up, thousands after a restart, and those who are live meanwhile. */
export interface Turns {
  /** Settles when the next page may be sent; nothing where that is now. */
  next(): Promise<void> | undefined;
}

export function createTurns(clock: Clock): Turns {
  let left = PAGES_A_TURN;
  let waiting: (() => void)[] = [];
  let counting = false;

  const nextTurn = () => {
    left = PAGES_A_TURN;
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

import type { Clock } from "../clock.ts";

/**
 * Limits how many pieces of work start in one turn of the event loop, so that a crowd of thousands, such as
 * after a restart, does not starve the clients that are already connected. Those who wait take turns by group, so that
 * nobody waits behind all of another group.
 */
export interface Turns {
  /**
   * Resolves when the next piece may start; undefined if it may start now. `groupOf` returns whom the work is for: a person
   * or a network.
   */
  next(groupOf: () => number | string): Promise<void> | undefined;
}

export function createTurns(clock: Clock, piecesPerTurn: number): Turns {
  let left = piecesPerTurn;
  /** By group, in the order in which the groups have their turns. */
  const waiting = new Map<number | string, (() => void)[]>();
  let counting = false;

  /** Takes the first of the first group, which then goes to the end. */
  const take = () => {
    for (const [group, queue] of waiting) {
      const wake = queue.shift();
      waiting.delete(group);
      if (queue.length > 0) waiting.set(group, queue);
      return wake;
    }
  };
  const nextTurn = () => {
    left = piecesPerTurn;
    counting = false;
    if (waiting.size > 0) count();
    for (; left > 0 && waiting.size > 0; left--) take()?.();
  };
  const count = () => {
    if (counting) return;
    counting = true;
    clock.soon(nextTurn);
  };

  return {
    next(groupOf) {
      count();
      if (left > 0) return void left--;
      return new Promise((resolve) => waiting.getOrInsertComputed(groupOf(), () => []).push(resolve));
    },
  };
}

import { Refusal } from "../../errors.ts";
import { READS_IN_FLIGHT, READS_WAITING } from "../limits.ts";

/** When a read that was refused may be retried, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Reads that may be large: pages of history and lists. Everyone has a queue of their own, so that nobody waits for another
 * person's reads, and one person holds the memory of a few pages at most.
 */
export interface Reads {
  /** Takes a place when it is free. Returns a function that gives it back. @throws {Refusal} busy if too many wait for one. */
  enter(userId: number): Promise<() => void>;
  /** Runs a read in a place. @throws {Refusal} busy if too many of this person's reads wait. */
  run<T>(userId: number, read: () => Promise<T>): Promise<T>;
}

interface Queue {
  inFlight: number;
  readonly waiting: (() => void)[];
}

export function createReads(): Reads {
  const queues = new Map<number, Queue>();

  async function enter(userId: number): Promise<() => void> {
    const queue = queues.getOrInsertComputed(userId, () => ({ inFlight: 0, waiting: [] }));
    if (queue.inFlight < READS_IN_FLIGHT) queue.inFlight++;
    else if (queue.waiting.length < READS_WAITING)
      // The one that wakes it hands over its place.
      await new Promise<void>((resolve) => queue.waiting.push(resolve));
    else throw new Refusal("busy", { retryAfterMs: RETRY_MS });
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = queue.waiting.shift();
      if (next) next();
      else if (--queue.inFlight === 0) queues.delete(userId);
    };
  }

  return {
    enter,
    async run(userId, read) {
      const leave = await enter(userId);
      try {
        return await read();
      } finally {
        leave();
      }
    },
  };
}

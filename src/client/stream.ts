import { onAbort } from "./abort.ts";
import { ChatError } from "./errors.ts";

/** The most events that may wait for a slow reader. */
const MAX = 10_000;

/**
 * Turns pushed events into an iteration, which ends with `end`, when the reader stops, or with the reason of `signal`.
 * The iteration throws `too_slow` if more than 10,000 events wait.
 */
export function createStream<T>(signal: AbortSignal | undefined) {
  const queue: T[] = [];
  let ended = false;
  let wake = () => {};

  return {
    push(event: T) {
      if (queue.length <= MAX) queue.push(event);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    /** `offs` are called at the end. */
    async *iterate(offs: readonly (() => void)[]): AsyncGenerator<T, void> {
      const off = onAbort(signal, () => wake());
      try {
        for (;;) {
          signal?.throwIfAborted();
          if (queue.length > MAX) throw new ChatError("too_slow", "The reader is too slow.");
          if (queue.length > 0) yield queue.shift() as T;
          else if (ended) return;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        for (const end of [off, ...offs]) end();
      }
    },
  };
}

import { onAbort } from "./abort.ts";
import { ChatError } from "./errors.ts";

/** Events that wait for a slow reader. */
const MAX = 10_000;

/** Events as an iteration. It ends with `end`, with the reader, or with `signal`, whose reason it throws. */
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
    async *iterate(done: () => void): AsyncGenerator<T, void> {
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
        off();
        done();
      }
    },
  };
}

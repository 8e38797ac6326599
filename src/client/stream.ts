import { ChatError } from "./errors.ts";

/** Events that wait for a slow reader. */
const MAX = 10_000;

interface Stream<T> {
  readonly iterator: AsyncIterableIterator<T>;
  push(event: T): void;
  end(): void;
}

/** Events as an iteration. It ends with `end`, with the reader, or with `signal`, whose reason it throws. */
export function createStream<T>(signal: AbortSignal | undefined, ended: () => void): Stream<T> {
  const queue: T[] = [];
  let fault: { readonly error: unknown } | undefined;
  let done = false;
  let wake = Promise.withResolvers<void>();

  const finish = (error?: { readonly error: unknown }) => {
    if (done) return;
    done = true;
    fault = error;
    signal?.removeEventListener("abort", abort);
    ended();
    wake.resolve();
  };
  const abort = () => {
    queue.length = 0;
    finish({ error: signal?.reason });
  };
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();

  const iterator: AsyncIterableIterator<T> = {
    async next() {
      for (;;) {
        if (queue.length > 0) return { value: queue.shift() as T, done: false };
        if (fault) {
          const { error } = fault;
          fault = undefined;
          throw error;
        }
        if (done) return { value: undefined, done: true };
        await wake.promise;
      }
    },
    async return() {
      queue.length = 0;
      finish();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => iterator,
  };

  return {
    iterator,
    push(event) {
      if (done) return;
      if (queue.length >= MAX)
        return finish({ error: new ChatError("too_slow", `${MAX} events wait to be read.`) });
      queue.push(event);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    end: () => finish(),
  };
}

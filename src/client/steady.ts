import { onAbort } from "./abort.ts";
import { deferred } from "./deferred.ts";
import { ChatError } from "./errors.ts";
import type { Ports } from "./ports.ts";
import { pauseAfter } from "./reconnect.ts";

/** Repeats requests that are idempotent until their outcome is known. */
export interface Steady {
  /**
   * Calls `attempt` until it succeeds, or fails with an error that is not retryable.
   * @throws {ChatError} @throws the reason of `signal`.
   */
  run<T>(attempt: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Ends pauses that the server did not ask for, because it can be reached again. */
  wake(): void;
  /** Rejects all, now and from now on. */
  close(error: ChatError): void;
}

export function createSteady({ clock, random }: Pick<Ports, "clock" | "random">): Steady {
  const life = new AbortController();
  const idle = new Set<() => void>();

  const pause = async (error: ChatError, failures: number, signal: AbortSignal) => {
    const { promise, resolve } = deferred<void>();
    const cancel = clock.after(pauseAfter(error, failures, random()), resolve);
    const off = onAbort(signal, resolve);
    if (error.retryAfterMs === undefined) idle.add(resolve);
    await promise;
    idle.delete(resolve);
    cancel();
    off();
  };

  return {
    async run(attempt, given) {
      const { signal, free } = either(life.signal, given);
      try {
        for (let failures = 0; ; failures++)
          try {
            signal.throwIfAborted();
            return await attempt(signal);
          } catch (error) {
            signal.throwIfAborted();
            if (!(error instanceof ChatError) || !error.retryable) throw error;
            await pause(error, failures, signal);
          }
      } finally {
        free();
      }
    },
    wake: () => idle.forEach((resolve) => resolve()),
    close: (error) => life.abort(error),
  };
}

/** Does what `AbortSignal.any` does, which browsers have only since 2024. `free` stops listening to both signals. */
function either(one: AbortSignal, other: AbortSignal | undefined) {
  one.throwIfAborted();
  const control = new AbortController();
  const offs = [other, one].map((signal) => onAbort(signal, () => control.abort(signal?.reason)));
  return { signal: control.signal, free: () => offs.forEach((off) => off()) };
}

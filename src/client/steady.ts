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
  let closed: ChatError | undefined;
  const running = new Set<AbortController>();
  const idle = new Set<() => void>();

  const pause = async (error: ChatError, failures: number, signal: AbortSignal) => {
    const { promise, resolve } = deferred<void>();
    // Without a connection, the next one ends the pause.
    const cancel =
      error.code === "disconnected" ? () => {} : clock.after(pauseAfter(error, failures, random()), resolve);
    const off = onAbort(signal, resolve);
    if (error.retryAfterMs === undefined) idle.add(resolve);
    await promise;
    idle.delete(resolve);
    cancel();
    off();
  };

  return {
    async run(attempt, given) {
      if (closed) throw closed;
      const control = new AbortController();
      const { signal } = control;
      const off = onAbort(given, () => control.abort(given?.reason));
      running.add(control);
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
        running.delete(control);
        off();
      }
    },
    wake: () => idle.forEach((resolve) => resolve()),
    close(error) {
      closed = error;
      running.forEach((control) => control.abort(error));
    },
  };
}

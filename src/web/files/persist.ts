import { ChatError } from "../../client/index.ts";

const LONGEST_PAUSE_MS = 30_000;

/** Repeats a request until its outcome is known. @throws what is not worth a retry. @throws the reason of `signal`. */
export async function persist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt++)
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted || !(error instanceof ChatError && error.retryable)) throw error;
      await pause(error.retryAfterMs ?? Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** attempt), signal);
    }
}

/** Resolves after `ms`, or as soon as the network is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}

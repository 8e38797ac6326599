/** Calls `abort` when the signal says so. @throws its reason where it has said so already. The answer ends it. */
export function onAbort(signal: AbortSignal | undefined, abort: () => void): () => void {
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort);
  return () => signal?.removeEventListener("abort", abort);
}

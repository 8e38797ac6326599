/**
 * Calls `abort` when the signal is aborted. Returns a function that stops listening.
 * @throws the signal's reason if it is aborted already.
 */
export function onAbort(signal: AbortSignal | undefined, abort: () => void): () => void {
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort);
  return () => signal?.removeEventListener("abort", abort);
}

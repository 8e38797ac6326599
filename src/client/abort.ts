/**
 * Calls `abort` when the signal is aborted. Returns a function that stops listening.
 * @throws the signal's reason if it is aborted already.
 */
export function onAbort(signal: AbortSignal | undefined, abort: () => void): () => void {
  signal?.throwIfAborted();
  signal?.addEventListener("abort", abort);
  return () => signal?.removeEventListener("abort", abort);
}

/** Settles like `work`, or rejects with the reason of `signal`. The work goes on, because others may wait for it too. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let off = () => {};
  const aborted = new Promise<never>((_, reject) => (off = onAbort(signal, () => reject(signal.reason))));
  return Promise.race([work, aborted]).finally(off);
}

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
export const abortable = <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> =>
  new Promise((resolve, reject) => {
    const off = onAbort(signal, () => reject(signal?.reason));
    work.then(resolve, reject).finally(off);
  });

/** State with snapshots and subscribers, as `useSyncExternalStore` expects it. */
export interface Subject<T> {
  /** Returns the same object until the next change. */
  snapshot(): T;
  /** Calls `listener` after each change. Returns a function that stops it. */
  subscribe(listener: () => void): () => void;
  /** Reports a change: the next snapshot is built anew. */
  changed(): void;
}

/** `build` makes a snapshot of the current state. */
export function createSubject<T>(build: () => T): Subject<T> {
  const listeners = new Set<() => void>();
  let built: { readonly value: T } | undefined;
  return {
    snapshot: () => (built ??= { value: build() }).value,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    changed() {
      built = undefined;
      for (const listener of [...listeners]) listener();
    },
  };
}

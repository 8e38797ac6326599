/** Something that shows itself in snapshots: what `useSyncExternalStore` and its like take. */
export interface Subject<T> {
  /** The same object until something has changed. */
  snapshot(): T;
  /** Calls back after each change. The answer ends it. */
  subscribe(listener: () => void): () => void;
  /** Something has changed. */
  changed(): void;
}

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

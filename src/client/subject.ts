/** State with snapshots and subscribers, as `useSyncExternalStore` and its like in other libraries expect it. */
export interface Store<T> {
  /** Returns the state: the same object until something changes. */
  snapshot(): T;
  /** Returns the state before anything happened, always the same: what a server renders, and a page while it hydrates. */
  initial(): T;
  /** Calls `listener` after each change. Returns a function that stops it. */
  subscribe(listener: () => void): () => void;
}

export interface Subject<T> extends Store<T> {
  /** Reports a change: the next snapshot is built anew. */
  changed(): void;
}

/** `build` makes a snapshot of the current state. Without `initial`, one takes its place that is made when it is first asked for. */
export function createSubject<T>(build: () => T, initial?: T): Subject<T> {
  const listeners = new Set<() => void>();
  let built: { readonly value: T } | undefined;
  let first = initial;
  const snapshot = () => (built ??= { value: build() }).value;
  return {
    snapshot,
    initial: () => (first ??= snapshot()),
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

/** Returns a store of a part of another store's state. Its listeners are only called when the part is another value. */
export const partOf = <T, P>(store: Store<T>, part: (state: T) => P): Store<P> => ({
  snapshot: () => part(store.snapshot()),
  initial: () => part(store.initial()),
  subscribe(listener) {
    let last = part(store.snapshot());
    return store.subscribe(() => {
      const next = part(store.snapshot());
      if (next === last) return;
      last = next;
      listener();
    });
  },
});

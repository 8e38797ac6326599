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

/** `build` makes a snapshot of the current state. Without `initial`, the first one that is built takes its place. */
export function createSubject<T>(build: () => T, initial?: T): Subject<T> {
  const listeners = new Set<{ readonly call: () => void }>();
  let built: { readonly value: T } | undefined;
  let first: typeof built = initial === undefined ? undefined : { value: initial };
  const snapshot = () => {
    built ??= { value: build() };
    first ??= built;
    return built.value;
  };
  return {
    snapshot,
    initial() {
      if (!first) snapshot();
      return (first as { readonly value: T }).value;
    },
    subscribe(call) {
      // The same function can be subscribed more than once.
      const listener = { call };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    changed() {
      built = undefined;
      for (const { call } of [...listeners]) call();
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

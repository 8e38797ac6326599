/** Something that shows itself in snapshots; those of the client have this form. */
export interface Source<T> {
  snapshot(): T;
  subscribe(listener: () => void): () => void;
}

export interface OwnSource<T> extends Source<T> {
  changed(): void;
}

export function createSource<T>(build: () => T): OwnSource<T> {
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

export interface Emitter<Events> {
  /** Calls `listener` with each event of this type. Returns a function that stops it. */
  on<T extends keyof Events>(type: T, listener: (event: Events[T]) => void): () => void;
  emit<T extends keyof Events>(type: T, event: Events[T]): void;
}

/** If a listener throws, the error is reported as uncaught and the other listeners still run. */
export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Set<readonly [keyof Events, (event: never) => void]>();
  return {
    on(type, listener) {
      const entry = [type, listener] as const;
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    emit(type, event) {
      for (const [wanted, listener] of [...listeners])
        try {
          if (wanted === type) listener(event as never);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
    },
  };
}

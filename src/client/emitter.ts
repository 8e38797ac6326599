export interface Emitter<Events> {
  /** Calls `listener` with each such event. The answer ends it. */
  on<T extends keyof Events>(type: T, listener: (event: Events[T]) => void): () => void;
  emit<T extends keyof Events>(type: T, event: Events[T]): void;
}

/** What a listener throws is its own affair: it comes up as an uncaught error, and the others are called. */
export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>();
  return {
    on(type, listener) {
      const those = listeners.get(type) ?? new Set();
      listeners.set(type, those);
      // Its own entry, so that one function given twice is there twice.
      const entry = (event: never) => listener(event);
      those.add(entry);
      return () => void those.delete(entry);
    },
    emit(type, event) {
      for (const listener of [...(listeners.get(type) ?? [])])
        try {
          listener(event as never);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
    },
  };
}

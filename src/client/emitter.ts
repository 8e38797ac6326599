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
      those.add(listener);
      return () => void those.delete(listener);
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

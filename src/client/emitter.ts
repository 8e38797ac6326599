export interface Emitter<Events> {
  /** Calls `listener` with each such event. The answer ends it. */
  on<T extends keyof Events>(type: T, listener: (event: Events[T]) => void): () => void;
  emit<T extends keyof Events>(type: T, event: Events[T]): void;
}

/** What a listener throws is its own affair: it comes up as an uncaught error, and the others are called. */
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

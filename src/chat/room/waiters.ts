/** Those who wait until a counter has reached a number. */
export interface Waiters {
  /** Resolves once {@link wake} is called with this number or a larger one. */
  until(number: number): Promise<void>;
  wake(reached: number): void;
}

export function createWaiters(): Waiters {
  let waiting: { readonly number: number; readonly resolve: () => void }[] = [];

  return {
    until: (number) => new Promise((resolve) => waiting.push({ number, resolve })),
    wake(reached) {
      if (waiting.length === 0) return;
      const ready = waiting.filter(({ number }) => number <= reached);
      waiting = waiting.filter(({ number }) => number > reached);
      for (const { resolve } of ready) resolve();
    },
  };
}

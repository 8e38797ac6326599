/** Counts events by key. Each key has its own windows, which start with their first event. */
export interface Limiter {
  /** Counts an event. Returns the count in the key's window, including this event. */
  count(key: string): Promise<Count>;
  /** Returns the current count. */
  peek(key: string): Promise<Count>;
  forget(key: string): Promise<void>;
}

export interface Count {
  readonly count: number;
  /** Time until the window ends, in milliseconds; 0 if there is none. */
  readonly resetMs: number;
}

/** Nothing was counted. */
export const NONE: Count = { count: 0, resetMs: 0 };

export interface LimiterOptions {
  /** Separates the keys of this limiter from those of others in the same store. */
  readonly name: string;
  readonly windowMs: number;
}

/** Creates limiters that count in one store: process memory, or a store that nodes share. */
export type LimiterStore = (options: LimiterOptions) => Limiter;

/** The most keys that one limiter remembers. Beyond that, it forgets those whose windows end first. */
const REMEMBERED = 100_000;

/** Counts in process memory, which is bounded: strangers may come from any number of networks. */
export const memoryLimiters: LimiterStore = ({ windowMs }) => {
  /** In the order in which they end, because all are equally long. */
  const windows = new Map<string, { count: number; readonly until: number }>();

  const countOf = (key: string): Count => {
    const { count = 0, until = 0 } = windows.get(key) ?? {};
    const resetMs = until - performance.now();
    return resetMs > 0 ? { count, resetMs } : NONE;
  };

  let sweepAt = 0;
  /** Rare enough to cost little for each key: deleted keys slow down the next walk through a Map. */
  const sweep = (now: number) => {
    let excess = windows.size < REMEMBERED ? 0 : REMEMBERED / 10;
    for (const [eldest, { until }] of windows) {
      if (until > now && excess-- <= 0) break;
      windows.delete(eldest);
    }
    sweepAt = now + windowMs / 10;
  };

  const begin = (key: string) => {
    const now = performance.now();
    if (now >= sweepAt || windows.size >= REMEMBERED) sweep(now);
    windows.delete(key);
    windows.set(key, { count: 1, until: now + windowMs });
  };

  return {
    async count(key) {
      const found = countOf(key) === NONE ? undefined : windows.get(key);
      if (found) found.count++;
      else begin(key);
      return countOf(key);
    },
    peek: async (key) => countOf(key),
    forget: async (key) => void windows.delete(key),
  };
};

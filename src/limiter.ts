import { type RateLimiterAbstract, RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";

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

export interface LimiterOptions {
  /** Separates the keys of this limiter from those of others in the same store. */
  readonly name: string;
  readonly windowMs: number;
}

/** Creates limiters that count in one store: process memory, or a store that nodes share. */
export type LimiterStore = (options: LimiterOptions) => Limiter;

/** The options of a limiter, for rate-limiter-flexible. */
export const counting = ({ name, windowMs }: LimiterOptions) => ({
  keyPrefix: name,
  // Callers decide on limits; this only counts.
  points: Number.MAX_SAFE_INTEGER,
  duration: windowMs / 1000,
});

/** Creates a limiter on top of a rate-limiter-flexible counter. */
export function createLimiter(counter: Pick<RateLimiterAbstract, "penalty" | "get" | "delete">): Limiter {
  const countOf = (found: RateLimiterRes | null): Count =>
    found && found.msBeforeNext > 0 ? { count: found.consumedPoints, resetMs: found.msBeforeNext } : NONE;
  return {
    count: async (key) => countOf(await counter.penalty(key)),
    peek: async (key) => countOf(await counter.get(key)),
    forget: async (key) => void (await counter.delete(key)),
  };
}

/** Counts in process memory. A key is forgotten when its window ends. */
export const memoryLimiters: LimiterStore = (options) =>
  createLimiter(new RateLimiterMemory(counting(options)));

/** Nothing was counted. */
export const NONE: Count = { count: 0, resetMs: 0 };

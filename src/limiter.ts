import { type RateLimiterAbstract, RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";

/** Counts events by key, each key in windows of its own that begin with its first event. */
export interface Limiter {
  /** Counts one more; answers the count in the key's window, this one included. */
  count(key: string): Promise<Count>;
  /** The count as it is. */
  peek(key: string): Promise<Count>;
  forget(key: string): Promise<void>;
}

export interface Count {
  readonly count: number;
  /** When the window ends, in milliseconds from now. */
  readonly resetMs: number;
}

export interface LimiterOptions {
  /** Keeps the keys of one limiter apart from those of others in the same store. */
  readonly name: string;
  readonly windowMs: number;
}

/** Makes limiters that count in one store: this process' memory, or one that nodes share. */
export type LimiterStore = (options: LimiterOptions) => Limiter;

/** What counts for a limiter, in the terms of rate-limiter-flexible. */
export const counting = ({ name, windowMs }: LimiterOptions) => ({
  keyPrefix: name,
  // The limits themselves are decided by who asks: here it only counts.
  points: Number.MAX_SAFE_INTEGER,
  duration: windowMs / 1000,
});

/** A limiter over a counter of rate-limiter-flexible. */
export function createLimiter(counter: Pick<RateLimiterAbstract, "penalty" | "get" | "delete">): Limiter {
  const countOf = (found: RateLimiterRes | null): Count =>
    found && found.msBeforeNext > 0 ? { count: found.consumedPoints, resetMs: found.msBeforeNext } : NONE;
  return {
    count: async (key) => countOf(await counter.penalty(key)),
    peek: async (key) => countOf(await counter.get(key)),
    forget: async (key) => void (await counter.delete(key)),
  };
}

/** Counts in this process' memory; a key is forgotten when its window ends. */
export const memoryLimiters: LimiterStore = (options) =>
  createLimiter(new RateLimiterMemory(counting(options)));

const NONE: Count = { count: 0, resetMs: 0 };

import type { Clock } from "../clock.ts";
import { type LimiterStore, memoryLimiters } from "../limits/limiter.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Bus } from "./bus.ts";
import { createRedisLimiters } from "./limiters.ts";
import { createLocalBus } from "./local.ts";
import { createRedisBus } from "./redis.ts";

interface NodesOptions {
  /** The URL of Redis; undefined if there is only one node. */
  readonly url: string | undefined;
  /** Prefix of all channels and keys in Redis. */
  readonly prefix: string;
  /** The secret with which nodes authenticate what they tell each other. */
  readonly key: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Creates what nodes share besides the database: the bus and the rate limit counters. */
export function connectNodes({ url, ...options }: NodesOptions): { bus: Bus; limiters: LimiterStore } {
  if (url === undefined) return { bus: createLocalBus(), limiters: memoryLimiters };
  const bus = createRedisBus({ url, ...options, random: Math.random });
  return { bus, limiters: createRedisLimiters({ ...options, commands: () => bus.commands }) };
}

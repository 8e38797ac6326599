import type { RedisClient } from "bun";
import { RateLimiterMemory, RateLimiterRedis } from "rate-limiter-flexible";
import type { Clock } from "../clock.ts";
import { faultOf } from "../errors.ts";
import { counting, createLimiter, type LimiterStore } from "../limiter.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";

/** A Redis that takes longer to count is not waited for, in milliseconds. */
const PATIENCE_MS = 500;

interface RedisLimitersOptions {
  /** The connection for commands, while there is one. */
  commands(): RedisClient | undefined;
  /** What keys begin with. They expire with their windows. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Counts in Redis, for all nodes together; while that cannot be, in this process' memory. */
export function createRedisLimiters(options: RedisLimitersOptions): LimiterStore {
  const { commands, prefix, clock, log, metrics } = options;
  let alone = false;

  /** One line when it begins to be refused and none until it was taken again. */
  async function ask(command: string, args: string[]): Promise<unknown> {
    try {
      const answer = await timely(clock, commands()?.send(command, args));
      alone = false;
      return answer;
    } catch (error) {
      metrics.limitsAlone.inc();
      if (!alone)
        log.warn(
          { event: "limits_alone", fault: faultOf(error) },
          "Redis does not count; this server counts logins and registrations by itself",
        );
      alone = true;
      throw error;
    }
  }

  // Bun's client in the shape of node-redis, as far as the library uses it.
  const storeClient = {
    get isReady() {
      return commands() !== undefined;
    },
    eval: (lua: string, { keys, arguments: args }: { keys: string[]; arguments: string[] }) =>
      ask("EVAL", [lua, String(keys.length), ...keys, ...args]),
    del: (key: string) => ask("DEL", [key]),
    multi() {
      const asked: Promise<unknown>[] = [];
      const queue = {
        get: (key: string) => (asked.push(ask("GET", [key])), queue),
        pTTL: (key: string) => (asked.push(ask("PTTL", [key])), queue),
        exec: () => Promise.all(asked),
      };
      return queue;
    },
  };

  return (limiter) => {
    const shared = counting({ ...limiter, name: `${prefix}limit:${limiter.name}` });
    return createLimiter(
      new RateLimiterRedis({
        ...shared,
        storeClient,
        useRedisPackage: true,
        rejectIfRedisNotReady: true,
        insuranceLimiter: new RateLimiterMemory(shared),
      }),
    );
  };
}

/** Rejects where the answer takes too long; or there is nobody to ask. */
async function timely<T>(clock: Clock, answer: Promise<T> | undefined): Promise<T> {
  if (!answer) throw new Error("Redis is away");
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(PATIENCE_MS, () => reject(new Error(`no answer within ${PATIENCE_MS} ms`)));
  try {
    return await Promise.race([answer, promise]);
  } finally {
    cancel();
  }
}

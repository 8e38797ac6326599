import type { RedisClient } from "bun";
import { RateLimiterRedis, type RateLimiterRes } from "rate-limiter-flexible";
import type { Clock } from "../clock.ts";
import { faultOf } from "../errors.ts";
import { type Count, type LimiterStore, memoryLimiters, NONE } from "../limits/limiter.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";

/** Timeout of one command, in milliseconds. */
const PATIENCE_MS = 500;
/** After a command got no reply in time, the next one is sent this much later, in milliseconds: logins wait for each. */
const PAUSE_MS = 5_000;

interface RedisLimitersOptions {
  /** Returns the connection for commands, if it is up. */
  commands(): RedisClient | undefined;
  /** Prefix of the keys, which expire with their windows. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Counts in Redis, for all nodes together, and in process memory. The higher count holds: so Redis may be unavailable, or
 * wrong, and nobody gets more than on this node alone. Redis cannot keep anyone out for longer than a window.
 */
export function createRedisLimiters(options: RedisLimitersOptions): LimiterStore {
  const { commands, prefix, clock, log, metrics } = options;
  let alone = false;
  let pausedUntil = 0;

  /** Sends a command. Logs the first failure, and no further ones until a command succeeds again. */
  async function ask(command: string, args: string[]): Promise<unknown> {
    if (clock.monotonic() < pausedUntil) {
      metrics.limitsAlone.inc();
      throw new Error("Redis gave no reply a moment ago");
    }
    const began = clock.monotonic();
    try {
      const answer = await timely(clock, commands()?.send(command, args));
      alone = false;
      return answer;
    } catch (error) {
      metrics.limitsAlone.inc();
      if (!alone)
        log.warn(
          { event: "limits_alone", fault: faultOf(error) },
          "Redis cannot count; this server counts logins and registrations on its own",
        );
      alone = true;
      if (clock.monotonic() - began >= PATIENCE_MS) pausedUntil = clock.monotonic() + PAUSE_MS;
      throw error;
    }
  }

  // Adapts Bun's client to the part of node-redis that the library uses.
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
    const own = memoryLimiters(limiter);
    const shared = new RateLimiterRedis({
      keyPrefix: `${prefix}limit:${limiter.name}`,
      // Callers decide on limits; this only counts.
      points: Number.MAX_SAFE_INTEGER,
      duration: limiter.windowMs / 1000,
      storeClient,
      useRedisPackage: true,
      rejectIfRedisNotReady: true,
    });
    const higher = async (mine: Promise<Count>, theirs: Promise<RateLimiterRes | null>): Promise<Count> => {
      // `ask` has logged the failure.
      const [here, found] = await Promise.all([mine, theirs.catch(() => null)]);
      const everywhere = countOf(found);
      if (!Number.isSafeInteger(everywhere.count) || everywhere.count <= here.count) return here;
      return { count: everywhere.count, resetMs: Math.min(everywhere.resetMs, limiter.windowMs) };
    };
    return {
      count: (key) => higher(own.count(key), shared.penalty(key)),
      peek: (key) => higher(own.peek(key), shared.get(key)),
      async forget(key) {
        await own.forget(key);
        await shared.delete(key).catch(() => {});
      },
    };
  };
}

const countOf = (found: RateLimiterRes | null): Count =>
  found && found.msBeforeNext > 0 ? { count: found.consumedPoints, resetMs: found.msBeforeNext } : NONE;

/** Rejects if the reply takes too long or there is no connection. */
async function timely<T>(clock: Clock, answer: Promise<T> | undefined): Promise<T> {
  if (!answer) throw new Error("Redis is unavailable");
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(PATIENCE_MS, () => reject(new Error(`no reply within ${PATIENCE_MS} ms`)));
  try {
    return await Promise.race([answer, promise]);
  } finally {
    cancel();
  }
}

import type { News } from "../../src/bus/news.ts";
import { createRedisBus, type RedisBus } from "../../src/bus/redis.ts";
import { systemClock } from "../../src/clock.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { LogLine } from "../support/server.ts";
import { until } from "../support/until.ts";

/** The secret of the nodes in these tests. */
export const BUS_KEY = "a secret of the installation";

/** One node's bus, with everything that it received. */
export interface RedisNode {
  readonly bus: RedisBus;
  readonly heard: News[];
  readonly gone: string[];
  readonly log: readonly LogLine[];
  /** How often the bus became available, including the first time. */
  readonly restored: number;
  metric(name: string): Promise<number>;
}

/** Resolves once the bus is available or, with `waiting` false, at once. */
export async function createRedisNode(url: string, prefix: string, waiting = true): Promise<RedisNode> {
  const log: LogLine[] = [];
  const heard: News[] = [];
  const gone: string[] = [];
  const metrics = createMetrics();
  let restored = 0;
  const bus = createRedisBus({
    url,
    prefix,
    key: BUS_KEY,
    clock: systemClock,
    log: createLog("info", { write: (line) => void log.push(JSON.parse(line)) }),
    metrics,
    random: Math.random,
  });
  bus.listen({
    heard: (news) => heard.push(news),
    gone: (node) => gone.push(node),
    restored: () => restored++,
  });
  if (waiting) await until(() => restored > 0);
  return {
    bus,
    heard,
    gone,
    log,
    get restored() {
      return restored;
    },
    async metric(name) {
      const line = (await metrics.registry.metrics()).split("\n").find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? 0);
    },
  };
}

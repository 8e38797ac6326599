import type { RedisClient } from "bun";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createRedisLimiters } from "../../src/bus/limiters.ts";
import { systemClock } from "../../src/clock.ts";
import { type LimiterStore, memoryLimiters } from "../../src/limits/limiter.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { findRedis, type Redis, startRedis } from "../faults/redis.ts";
import { handClock } from "../support/hand-clock.ts";
import { needs } from "../support/needs.ts";
import { soonerThan } from "../support/sooner-than.ts";
import { until } from "../support/until.ts";
import { createRedisNode, type RedisNode } from "./node.ts";

setDefaultTimeout(20_000);

/** The contract of every limiter store. */
function contract(create: () => Promise<LimiterStore>) {
  let limiters: LimiterStore;
  beforeAll(async () => {
    limiters = await create();
  });
  const limiter = (windowMs = 60_000) => limiters({ name: crypto.randomUUID(), windowMs });

  test("events are counted by key; peek counts nothing", async () => {
    const { count, peek } = limiter();
    expect(await peek("ada")).toEqual({ count: 0, resetMs: 0 });
    expect((await count("ada")).count).toBe(1);
    expect((await count("ada")).count).toBe(2);
    expect((await count("ben")).count).toBe(1);
    const { count: counted, resetMs } = await peek("ada");
    expect(counted).toBe(2);
    expect(resetMs).toBeGreaterThan(50_000);
    expect(resetMs).toBeLessThanOrEqual(60_000);
  });

  test("concurrent events are all counted", async () => {
    const { count, peek } = limiter();
    const counts = await Promise.all(Array.from({ length: 50 }, () => count("ada")));
    expect(counts.map((each) => each.count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    expect((await peek("ada")).count).toBe(50);
  });

  test("a forgotten key starts at zero", async () => {
    const { count, peek, forget } = limiter();
    await count("ada");
    await forget("ada");
    await forget("nobody");
    expect((await peek("ada")).count).toBe(0);
    expect((await count("ada")).count).toBe(1);
  });

  test("a window ends, and later events do not extend it", async () => {
    const long = limiter();
    const { resetMs } = await long.count("ada");
    await until(async () => (await long.peek("ada")).resetMs <= resetMs - 10);
    expect((await long.count("ada")).resetMs).toBeLessThanOrEqual(resetMs - 10);
    const short = limiter(300);
    await short.count("ada");
    await until(async () => (await short.peek("ada")).count === 0);
  });
}

describe("limiters in memory", () => {
  contract(async () => memoryLimiters);

  // Each key took 700 bytes and a timer, and an address block has millions of networks.
  test("strangers from any number of networks fill a bounded memory; the newest are remembered", async () => {
    const { count, peek } = memoryLimiters({ name: "strangers", windowMs: 60_000 });
    for (let network = 0; network < 250_000; network++) await count(`network ${network}`);
    expect((await peek("network 0")).count).toBe(0);
    expect((await peek("network 160000")).count).toBe(1);
    expect((await count("network 249999")).count).toBe(2);
  });
});

// Each login asked it many times and waited half a second each time, in its turn of the queue for passwords.
test("a Redis that takes commands and answers none is waited for once in five seconds", async () => {
  const { clock, pass, waiting } = handClock();
  let asked = 0;
  const silent = { send: () => (asked++, new Promise(() => {})) } as unknown as RedisClient;
  const { count } = createRedisLimiters({
    commands: () => silent,
    prefix: "test:",
    clock,
    log: createLog("silent"),
    metrics: createMetrics(),
  })({ name: "silent", windowMs: 60_000 });
  const first = count("ada");
  await until(() => waiting() > 0);
  pass(500);
  expect((await first).count).toBe(1);
  for (let time = 2; time <= 10; time++) expect((await count("ada")).count).toBe(time);
  expect(asked).toBe(1);
  pass(5_000);
  const next = count("ada");
  await until(() => asked === 2);
  pass(500);
  expect((await next).count).toBe(11);
});

needs("TEST_REDIS_URL", "redis-server")("limiters on Redis", () => {
  let redis: Redis;
  const nodes: RedisNode[] = [];
  beforeAll(async () => {
    redis = await startRedis({ program: findRedis() ?? "" });
  });
  afterAll(async () => {
    for (const { bus } of nodes) await bus.stop();
    await redis.remove();
  });

  async function node(url = redis.url) {
    const made = await createRedisNode(url, "test:");
    nodes.push(made);
    const log: string[] = [];
    const limiters = createRedisLimiters({
      commands: () => made.bus.commands,
      prefix: "test:",
      clock: systemClock,
      log: createLog("info", { write: (line) => void log.push(JSON.parse(line).event) }),
      metrics: createMetrics(),
    });
    return { ...made, limiters, log };
  }

  contract(async () => (await node()).limiters);

  test("nodes share their counts, and the keys in Redis expire", async () => {
    const [here, there] = [await node(), await node()];
    const name = crypto.randomUUID();
    const [one, other] = [here, there].map(({ limiters }) => limiters({ name, windowMs: 60_000 }));
    await one?.count("ada");
    await other?.count("ada");
    expect((await one?.peek("ada"))?.count).toBe(2);
    const keys = (await redis.ask("KEYS", "*")) as string[];
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(key).toStartWith("test:limit:");
      expect(Number(await redis.ask("TTL", key))).toBeGreaterThan(0);
    }
  });

  test("while Redis is stopped or frozen, each node counts by itself without long waits and logs one line", async () => {
    const { limiters, log, bus } = await node();
    const { count } = limiters({ name: crypto.randomUUID(), windowMs: 60_000 });
    redis.freeze();
    try {
      expect((await soonerThan(1_000, count("ada"))).count).toBe(1);
      await until(() => bus.commands === undefined, 8_000);
      expect((await count("ada")).count).toBe(2);
      expect((await count("ada")).count).toBe(3);
    } finally {
      redis.thaw();
    }
    await until(() => bus.commands !== undefined, 8_000);
    expect((await count("ben")).count).toBe(1);
    expect(log).toEqual(["limits_alone"]);
  });

  test("a Redis that loses or invents counts neither frees anyone nor keeps them out for longer", async () => {
    const { limiters } = await node();
    const name = crypto.randomUUID();
    const { count, peek } = limiters({ name, windowMs: 60_000 });
    const key = `test:limit:${name}:ada`;
    await count("ada");
    await count("ada");
    await redis.ask("DEL", key);
    expect((await count("ada")).count).toBe(3);
    for (const value of ["-5", "lots", "1e999"]) {
      await redis.ask("SET", key, value);
      expect((await peek("ada")).count).toBe(3);
    }
    await redis.ask("SET", key, "50");
    await redis.ask("EXPIRE", key, "1000000");
    const { count: counted, resetMs } = await peek("ada");
    expect(counted).toBe(50);
    expect(resetMs).toBeLessThanOrEqual(60_000);
  });

  test("a read-only Redis counts as away, with one log line", async () => {
    const replica = await startRedis({
      program: findRedis() ?? "",
      settings: ["--replicaof", "127.0.0.1", String(redis.port)],
    });
    const { limiters, log, bus } = await node(replica.url);
    const { count, peek } = limiters({ name: crypto.randomUUID(), windowMs: 60_000 });
    for (let time = 1; time <= 3; time++) expect((await count("ada")).count).toBe(time);
    expect(log).toEqual(["limits_alone"]);
    await bus.stop();
    await replica.remove();
    expect((await peek("ada")).count).toBe(3);
  });
});

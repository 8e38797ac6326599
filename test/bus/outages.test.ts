import { mkdirSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createRedisLimiters } from "../../src/bus/limiters.ts";
import type { RoomNews } from "../../src/bus/news.ts";
import { systemClock } from "../../src/clock.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { freePort } from "../support/port.ts";
import { findRedis, type Redis, startRedis } from "../faults/redis.ts";
import { temporaryFolder } from "../support/folder.ts";
import { needs } from "../support/needs.ts";
import { soonerThan } from "../support/sooner-than.ts";
import { until } from "../support/until.ts";
import { createRedisNode, type RedisNode } from "./node.ts";
import { named } from "../support/stubs.ts";

setDefaultTimeout(60_000);

const typing = (room: string, username: string): RoomNews => ({
  type: "typing",
  room,
  ...named(username),
});

/** Longer than it takes to notice that Redis is silent. */
const PATIENCE_MS = 10_000;

needs("TEST_REDIS_URL", "redis-server")("when Redis goes away", () => {
  const program = findRedis() ?? "";
  let redis: Redis;
  const nodes: RedisNode[] = [];
  beforeAll(async () => {
    redis = await startRedis({ program });
  });
  afterAll(() => redis.remove());
  afterEach(async () => {
    for (const { bus } of nodes.splice(0)) await bus.stop();
  });

  const node = async (url = redis.url, waiting = true) => {
    const made = await createRedisNode(url, "test:", waiting);
    nodes.push(made);
    return made;
  };
  const said = ({ log }: RedisNode) => log.map(({ event }) => event);
  const away = async (each: RedisNode) => (await each.metric("parley_bus_connected")) === 0;
  const isAway = (each: RedisNode) => until(() => away(each), PATIENCE_MS);
  const isBack = async (each: RedisNode, before: number) => until(() => each.restored > before, PATIENCE_MS);

  /** Asserts that each of two nodes gets the news of the other once. */
  async function hearEachOther(here: RedisNode, there: RedisNode, room: string) {
    for (const [one, other] of [
      [here, there],
      [there, here],
    ] as const) {
      other.heard.length = 0;
      one.bus.publish(typing(room, "ada"));
      one.bus.publish(typing(room, "ben"));
      await until(() => other.heard.length >= 2);
      one.bus.announce({ type: "left", userId: 1, room: "tea" });
      await until(() => other.heard.length >= 3);
      expect(other.heard).toEqual([
        typing(room, "ada"),
        typing(room, "ben"),
        { type: "left", userId: 1, room: "tea" },
      ]);
    }
  }

  async function pair(): Promise<[RedisNode, RedisNode]> {
    const [here, there] = [await node(), await node()];
    await Promise.all([here.bus.subscribe("garden"), there.bus.subscribe("garden")]);
    return [here, there];
  }

  test("after a restart of Redis all rooms are subscribed again, without waits and with one log line per change", async () => {
    const [here, there] = await pair();
    await redis.stop();
    await Promise.all([isAway(here), isAway(there)]);
    await soonerThan(50, Promise.all([here.bus.subscribe("cellar"), there.bus.subscribe("cellar")]));
    here.bus.publish(typing("garden", "lost"));
    expect(await here.metric("parley_bus_lost_total")).toBeGreaterThan(0);
    await Bun.sleep(1_500); // several attempts to connect
    await redis.start();
    await Promise.all([isBack(here, 1), isBack(there, 1)]);
    await hearEachOther(here, there, "garden");
    await hearEachOther(here, there, "cellar");
    expect(said(here)).toEqual(["bus_up", "bus_away", "bus_up"]);
    expect(said(there)).toEqual(["bus_up", "bus_away", "bus_up"]);
  });

  test("a frozen Redis is noticed within 3 s, delays nobody by more than half a second, and recovers", async () => {
    const [here, there] = await pair();
    redis.freeze();
    try {
      const noticed = soonerThan(3_500, isAway(here));
      await soonerThan(700, here.bus.subscribe("cellar"));
      await noticed;
      await isAway(there);
      await there.bus.subscribe("cellar");
    } finally {
      redis.thaw();
    }
    await Promise.all([isBack(here, 1), isBack(there, 1)]);
    await hearEachOther(here, there, "garden");
    await hearEachOther(here, there, "cellar");
  });

  test("news that a frozen Redis does not take are dropped, not kept", async () => {
    const [here] = await pair();
    const content = "x".repeat(100_000);
    const states = [
      {
        id: 1,
        version: 1,
        ...named("ada"),
        clientId: crypto.randomUUID(),
        content,
        data: null,
        replyTo: null,
        thread: null,
        files: null,
        mentions: null,
        timestamp: "2030-01-01T00:00:00.000000Z",
        editedAt: null,
        deletedAt: null,
        reactions: [],
        notice: null,
      },
    ];
    redis.freeze();
    try {
      for (let count = 0; count < 400; count++) {
        here.bus.publish({ type: "changed", room: "garden", epoch: "epoch", from: 1, to: 1, states });
        await Promise.resolve();
      }
      // Of these 40 MB the node keeps at most 16 until it closes the connection.
      expect(await here.metric("parley_bus_lost_total")).toBeGreaterThan(200);
      await isAway(here);
    } finally {
      redis.thaw();
    }
    await isBack(here, 1);
  });

  test("nodes whose connections are cut at random get each other's news once in the end", async () => {
    const [here, there] = await pair();
    for (let round = 0; round < 8; round++) {
      await redis.cut(0.6);
      await here.bus.subscribe(`room-${round}`);
      await there.bus.subscribe(`room-${round}`);
      await Bun.sleep(Math.random() * 400);
    }
    // Each node has two connections. One that is missing here was cut, though its node may not know yet.
    const connections = async () =>
      String(await redis.ask("CLIENT", "LIST"))
        .split("\n")
        .filter((line) => line && !line.includes("cmd=client")).length;
    await until(
      async () => (await connections()) === 4 && !(await away(here)) && !(await away(there)),
      PATIENCE_MS,
    );
    await hearEachOther(here, there, "garden");
    await hearEachOther(here, there, "room-7");
  });

  test("a subscriber connection that is cut alone is replaced", async () => {
    const [here, there] = await pair();
    await redis.ask("CLIENT", "KILL", "TYPE", "pubsub");
    await Promise.all([isBack(here, 1), isBack(there, 1)]);
    await hearEachOther(here, there, "garden");
  });

  test("a Redis that replies to pings but does not deliver publishes is noticed", async () => {
    const [here, there] = await pair();
    // It still replies to pings.
    await redis.ask("CLIENT", "PAUSE", "3000", "WRITE");
    await Promise.all([isAway(here), isAway(there)]);
    await Promise.all([isBack(here, 1), isBack(there, 1)]);
    await hearEachOther(here, there, "garden");
  });

  test("a killed node is gone within seconds, even if Redis was away before", async () => {
    const [here, there] = await pair();
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/lone-node.ts`, redis.url], {
      stdout: "pipe",
    });
    await until(async () => (await here.metric("parley_bus_nodes")) === 2, PATIENCE_MS);
    await redis.stop();
    await redis.start();
    await Promise.all([isBack(here, 1), isBack(there, 1)]);
    await until(async () => (await here.metric("parley_bus_nodes")) === 2, PATIENCE_MS);
    expect(here.gone).toEqual([]);
    child.kill("SIGKILL");
    await child.exited;
    await until(() => here.gone.length > 0, PATIENCE_MS);
    expect(here.gone).toHaveLength(1);
    expect(await here.metric("parley_bus_nodes")).toBe(1);
  });

  test("a wrong password causes one log line without the password, and the node keeps retrying", async () => {
    const guarded = await startRedis({ program, password: "right" });
    try {
      const wrong = await node(guarded.url.replace("right", "s3cret"), false);
      await Bun.sleep(2_500);
      await wrong.bus.subscribe("garden");
      wrong.bus.publish(typing("garden", "ada"));
      expect(said(wrong)).toEqual(["bus_away"]);
      expect(JSON.stringify(wrong.log)).not.toContain("s3cret");
      const [here, there] = [await node(guarded.url), await node(guarded.url)];
      await Promise.all([here.bus.subscribe("garden"), there.bus.subscribe("garden")]);
      await hearEachOther(here, there, "garden");
      await guarded.ask("CONFIG", "SET", "requirepass", "s3cret");
      await isBack(wrong, 0);
    } finally {
      await guarded.remove();
    }
  });

  test("a Redis user with only the documented permissions is enough", async () => {
    const page = await Bun.file(`${import.meta.dir}/../../docs/OPERATIONS.md`).text();
    const [, rights = ""] = /`(\+publish[^`]*)`/.exec(page) ?? [];
    const user = ["on", ">secret", "resetchannels", "&test:*", "resetkeys", "~test:*", "-@all"];
    await redis.ask("ACL", "SETUSER", "parley", ...user, ...rights.split(" "));
    const url = redis.url.replace("redis://", "redis://parley:secret@");
    const [here, there] = [await node(url), await node(url)];
    await Promise.all([here.bus.subscribe("garden"), there.bus.subscribe("garden")]);
    await hearEachOther(here, there, "garden");
    here.bus.unsubscribe("garden");
    const log: unknown[] = [];
    const limiters = createRedisLimiters({
      commands: () => here.bus.commands,
      prefix: "test:",
      clock: systemClock,
      log: createLog("info", { write: (line) => void log.push(line) }),
      metrics: createMetrics(),
    });
    const { count, peek, forget } = limiters({ name: crypto.randomUUID(), windowMs: 60_000 });
    expect((await count("ada")).count).toBe(1);
    expect((await peek("ada")).count).toBe(1);
    await forget("ada");
    expect((await peek("ada")).count).toBe(0);
    expect(log).toEqual([]);
    await here.bus.subscribe("garden");
    await hearEachOther(here, there, "garden");
  });

  test("over TLS the certificate is verified", async () => {
    const folder = temporaryFolder();
    mkdirSync(folder.path, { recursive: true });
    const [key, cert] = [`${folder.path}/key.pem`, `${folder.path}/cert.pem`];
    const asked = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
    const made = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert];
    Bun.spawnSync(["openssl", ...asked, ...made]);
    const port = String(await freePort());
    const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert];
    const settings = ["--tls-port", port, ...files, "--tls-auth-clients", "no"];
    const guarded = await startRedis({ program, settings });
    const here = await node(guarded.url);
    const url = `rediss://127.0.0.1:${port}`;
    const wary = await node(url, false);
    await until(() => said(wary).includes("bus_away"));
    // Trusted certificates are read when a process starts.
    const trusting = Bun.spawn([process.execPath, `${import.meta.dir}/lone-node.ts`, url], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: cert },
      stdout: "ignore",
    });
    await until(async () => (await here.metric("parley_bus_nodes")) === 1, PATIENCE_MS);
    trusting.kill();
    expect(said(wary)).toEqual(["bus_away"]);
    await here.bus.stop();
    await guarded.remove();
    folder.remove();
  });

  test("a read-only replica carries news between the nodes that use it", async () => {
    const replica = await startRedis({ program, settings: ["--replicaof", "127.0.0.1", String(redis.port)] });
    try {
      const [here, there] = [await node(replica.url), await node(replica.url)];
      await Promise.all([here.bus.subscribe("garden"), there.bus.subscribe("garden")]);
      await hearEachOther(here, there, "garden");
    } finally {
      await replica.remove();
    }
  });

  test.each([
    ["nobody listens", undefined],
    ["the server is no Redis", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["the server says nothing", ""],
    ["the server sends malformed replies", "+OK\r\n$-5\r\n\u0000\u0001*99999999999\r\n"],
  ])("if %s, the node logs one line and goes on", async (_, reply) => {
    using other =
      reply === undefined
        ? undefined
        : Bun.listen({
            hostname: "127.0.0.1",
            port: 0,
            socket: {
              open: (socket) => void (reply && socket.write(reply)),
              data() {},
            },
          });
    const lone = await node(`redis://127.0.0.1:${other?.port ?? 1}`, false);
    await until(() => said(lone).length > 0, PATIENCE_MS);
    await Bun.sleep(2_000);
    lone.bus.publish(typing("garden", "ada"));
    await lone.bus.subscribe("garden");
    expect(said(lone)).toEqual(["bus_away"]);
    expect(await lone.metric("parley_bus_connected")).toBe(0);
  });
});

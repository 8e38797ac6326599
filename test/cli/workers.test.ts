import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createWorkers, type WorkerLife } from "../../src/cli/workers.ts";
import { createLog } from "../../src/log.ts";
import { freePort } from "../support/port.ts";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { postgresDatabase, type TestDatabase } from "../support/database.ts";
import { handClock } from "../support/hand-clock.ts";
import { needs } from "../support/needs.ts";
import { register } from "../support/people.ts";
import { runParley, startParley } from "../support/process.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

const METRICS_TOKEN = "a-token-for-the-metrics";

describe("workers are supervised", () => {
  function keep(count: number) {
    const time = handClock();
    const lives: { worker: number; life: WorkerLife; stopped: boolean }[] = [];
    const waits: unknown[] = [];
    const workers = createWorkers({
      count,
      clock: time.clock,
      log: createLog("info", { write: (line) => void waits.push(JSON.parse(line).restartMs) }),
      start(worker, life) {
        const made = { worker, life, stopped: false };
        lives.push(made);
        return { stop: () => void (made.stopped = true), kill() {} };
      },
    });
    return { ...time, workers, lives, waits };
  }

  test("the first worker starts alone, the others when it is ready", async () => {
    const { workers, lives } = keep(3);
    expect(lives.map(({ worker }) => worker)).toEqual([1]);
    lives[0]?.life.ready();
    await until(() => lives.length === 3);
    for (const { life } of lives) life.ready();
    await workers.ready;
    expect(lives.map(({ worker }) => worker)).toEqual([1, 2, 3]);
  });

  test("if the first worker cannot start, there is no second attempt", async () => {
    const { workers, lives, pass } = keep(3);
    lives[0]?.life.ended(1, null);
    expect(await workers.ready.catch((error: Error) => error.name)).toBe("FirstWorkerEnded");
    pass(60_000);
    expect(lives).toHaveLength(1);
  });

  test("a worker that ends is restarted with a growing delay, which resets after a long run", async () => {
    const { lives, waits, pass } = keep(1);
    lives[0]?.life.ready();
    for (let time = 0; time < 9; time++) {
      lives.at(-1)?.life.ended(null, "SIGKILL");
      pass(30_000);
    }
    pass(120_000);
    lives.at(-1)?.life.ended(1, null);
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 500]);
  });

  test("stopping stops all workers, restarts none, and succeeds if all ended cleanly", async () => {
    for (const code of [0, 1]) {
      const { workers, lives, pass } = keep(2);
      lives[0]?.life.ready();
      await until(() => lives.length === 2);
      lives[1]?.life.ended(1, null); // it is waiting for its restart
      const stopping = workers.stop();
      expect(lives[0]?.stopped).toBe(true);
      lives[0]?.life.ended(code, null);
      expect(await stopping).toBe(code === 0);
      pass(60_000);
      expect(lives).toHaveLength(2);
    }
  });
});

test("several workers without Redis or Postgres are rejected with one line", async () => {
  const line = "WORKERS above 1 needs DATABASE_URL and REDIS_URL, which the processes share";
  const incomplete: Record<string, string>[] = [
    {},
    { REDIS_URL: "redis://127.0.0.1" },
    { DATABASE_URL: "postgres://127.0.0.1/x" },
  ];
  for (const settings of incomplete) {
    const { code, stderr } = await runParley([], { WORKERS: "2", ...settings });
    expect([code, stderr.trim()]).toEqual([1, line]);
  }
});

needs("TEST_DATABASE_URL", "TEST_REDIS_URL")("three workers on one port", () => {
  let database: TestDatabase;
  let settings: Record<string, string>;
  beforeAll(async () => {
    database = await postgresDatabase();
    settings = {
      ...database.env,
      REDIS_URL: process.env.TEST_REDIS_URL ?? "",
      WORKERS: "3",
      METRICS_TOKEN,
      LOGIN_RATE: "0",
    };
  });
  afterAll(() => database.close());

  const childrenOf = (pid: number) =>
    Bun.spawnSync(["pgrep", "-P", String(pid)])
      .stdout.toString()
      .split("\n")
      .filter(Boolean)
      .map(Number);
  const ends = (pids: number[]) =>
    until(() => pids.every((pid) => Bun.spawnSync(["kill", "-0", String(pid)]).exitCode !== 0), 30_000);

  test("they share its sockets, exchange news, are restarted when killed, and stop together", async () => {
    const parley = await startParley({ ...settings, PORT: String(await freePort()) });
    const ada = await register(parley, "ada");
    const sockets = await Promise.all(
      Array.from({ length: 12 }, () => connect(parley, { room: "garden", token: ada.token })),
    );
    for (const socket of sockets) await socket.next("synced");
    const said = { type: "send", clientId: crypto.randomUUID(), content: "hello" };
    expect(await sockets[0]?.ask(said)).toMatchObject({ type: "ok", id: 1 });
    for (const socket of sockets) expect(await socket.next("message")).toMatchObject({ content: "hello" });

    const { text } = await api(parley, "GET /metrics", { token: METRICS_TOKEN });
    const metric = (name: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length),
      );
    expect(metric("parley_sockets")).toBe(sockets.length);
    expect(metric("parley_bus_connected")).toBe(3);
    expect(metric('parley_acked_total{outcome="ok"}')).toBe(1);
    expect(metric("parley_ack_seconds_count")).toBe(1);
    expect(text.match(/^parley_sockets /gm)).toHaveLength(1);

    const [killed = 0, ...others] = childrenOf(parley.pid);
    expect(others).toHaveLength(2);
    process.kill(killed, "SIGKILL");
    expect(JSON.parse(await parley.line("worker_ended"))).toMatchObject({
      signal: "SIGKILL",
      restartMs: 500,
    });
    await until(() => childrenOf(parley.pid).filter((pid) => pid !== killed).length === 3, 10_000);
    expect((await api(parley, "GET /healthz")).status).toBe(200);

    const workers = childrenOf(parley.pid);
    const { code, stderr } = await parley.end("SIGTERM");
    expect([code, stderr]).toEqual([0, ""]);
    await ends(workers);
    expect((await sockets.at(-1)?.closed)?.code).toBeOneOf([4000, 1006]);
  });

  test("when the parent is killed, the workers stop gracefully", async () => {
    const parley = await startParley({ ...settings, PORT: "0" });
    const workers = childrenOf(parley.pid);
    expect(workers).toHaveLength(3);
    expect((await api(parley, "GET /healthz")).status).toBe(200);
    await parley.end("SIGKILL");
    await ends(workers);
  });

  test("a problem that prevents their start is reported once", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const busy = await runParley([], { ...settings, PORT: String(taken.port) });
    expect([busy.code, busy.stderr.trim()]).toEqual([
      1,
      `Port ${taken.port} of 127.0.0.1 is in use: stop the program that listens there, or set PORT to another port`,
    ]);
    const away = await runParley([], { ...settings, DATABASE_URL: "postgres://127.0.0.1:1/x", PORT: "0" });
    expect([away.code, away.stderr.trim().split("\n")]).toEqual([
      1,
      [expect.stringContaining("DATABASE_URL")],
    ]);
  });
});

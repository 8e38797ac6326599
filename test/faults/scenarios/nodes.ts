import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { until } from "../condition.ts";
import { leftover } from "../leftovers.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, type Setting, withMore } from "../scenario.ts";
import type { ServerProcess } from "../server.ts";
import { onStage, type Stage } from "../stage.ts";

export const NODES = 3;
/** The interval at which one client moves to another node, in milliseconds. */
export const MOVE_MS = 200;
/** The time limit for all clients to catch up once everything works and nobody sends, in milliseconds. */
const LEVEL_MS = 5_000;

interface Broken {
  readonly measured: string;
  readonly wrong: readonly (string | false)[];
}

type Breaks = (stage: Stage, setting: Setting) => Promise<Broken>;

/** Three nodes connected through Redis, two rooms, and clients that move from node to node, under the given fault. */
const nodes = (name: string, breaks: Breaks, envOf?: (node: number) => Record<string, string>): Scenario => ({
  name: `three nodes: ${name}`,
  shared: true,
  play: (setting) =>
    onStage(
      {
        postgres: setting.postgres,
        servers: NODES,
        env: { REDIS_URL: setting.redis.url },
        ...(envOf && { envOf }),
      },
      async (stage) => {
        const url = () => pick(stage.servers).url;
        const clients = [...stage.join(6, { url }), ...stage.join(4, { room: "side", url })];
        await stage.ready();
        for (const server of stage.servers)
          await until("the nodes see each other", 10_000, () => seesOthers(server));
        const load = startLoad(clients, { perSecond: 25, window: 40 });
        const moving = setInterval(() => pick(clients).move(), MOVE_MS);
        const { measured, wrong } = await breaks(stage, setting);
        clearInterval(moving);
        load.stop();
        const stopped = performance.now();
        await stage.settled();
        const level = Math.round(performance.now() - stopped);
        const repairs = stage.servers.map(({ events }) => events.get("repair") ?? 0);
        return withMore(
          await stage.verdict(),
          `${measured}; caught up ${level} ms after the last change; repairs ${repairs.join(", ")}`,
          [...wrong, level > LEVEL_MS && `it took ${level} ms until every client had caught up`],
        );
      },
    ),
});

export const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T;

export const seesOthers = async (server: ServerProcess) =>
  (await server.metric("parley_bus_nodes")) === NODES - 1;

export async function flow({ ledger }: Stage, acks = 50): Promise<void> {
  const before = ledger.acks.size;
  await until("acks flow", 30_000, () => ledger.acks.size > before + acks);
}

export const nodeKilled = nodes("repeated kill -9 of one", async (stage, { full }) => {
  const kills = full ? 20 : 4;
  let unanswered = 0;
  for (let kill = 0; kill < kills; kill++) {
    await flow(stage);
    await Bun.sleep(between(100, 500));
    const victim = pick(stage.servers);
    await victim.kill();
    unanswered += stage.ledger.sends.size - stage.ledger.acks.size;
    await flow(stage); // on the other nodes
    await victim.start();
  }
  return {
    measured: `kills ${kills}, changes in flight at the kills ${unanswered}`,
    wrong: [unanswered === 0 && "no change was in flight at any kill: nothing was tested"],
  };
});

export const redisBreaks = nodes(
  "Redis stopped and started, frozen, its connections cut",
  async (stage, { redis, full }) => {
    const lasting = full ? 10_000 : 2_500;
    await flow(stage);
    await redis.stop();
    await Bun.sleep(lasting);
    await flow(stage);
    await redis.start();
    await up(stage);
    redis.freeze();
    await Bun.sleep(lasting);
    await flow(stage);
    redis.thaw();
    await up(stage);
    let cut = 0;
    for (const end = performance.now() + (full ? 10_000 : 1_500); performance.now() < end;) {
      cut += await redis.cut(0.4);
      await Bun.sleep(between(50, 300));
    }
    await flow(stage);
    await up(stage);
    const aways = stage.servers.map(({ events }) => events.get("bus_away") ?? 0);
    return {
      measured: `Redis down for ${lasting / 1000} s twice, connections cut ${cut}; times each node lost Redis: ${aways.join(", ")}`,
      wrong: [
        (aways.some((times) => times < 2) || cut === 0) &&
          "a node lost Redis less than twice: nothing was tested",
      ],
    };
  },
);

export const up = ({ servers }: Stage) =>
  until("Redis is used again", 10_000, async () => {
    for (const server of servers) if ((await server.metric("parley_bus_connected")) !== 1) return false;
    return true;
  });

export const postgresUnderNodes = nodes("Postgres stopped and started", async (stage, { postgres, full }) => {
  const restarts = full ? 8 : 2;
  for (let restart = 0; restart < restarts; restart++) {
    await flow(stage);
    await Bun.sleep(between(50, 400));
    await postgres.crash();
    await Bun.sleep(between(100, 1_000));
    await postgres.start();
  }
  await flow(stage);
  return { measured: `restarts ${restarts}`, wrong: [] };
});

/** Stops and starts each node while the others serve. */
async function roll(stage: Stage, start: (server: ServerProcess) => Promise<void>): Promise<Broken> {
  const { servers, ledger } = stage;
  const wrong: string[] = [];
  const times: number[] = [];
  const goingAway = () => ledger.counts.get("closed 4000") ?? 0;
  const before = goingAway();
  for (const server of servers) {
    await flow(stage);
    const { code, ms } = await server.stop();
    if (code !== 0) wrong.push(`a node exited with code ${code}`);
    times.push(Math.round(ms));
    await flow(stage); // on the other nodes
    await start(server);
  }
  await flow(stage);
  const closed = goingAway() - before;
  return {
    measured: `ms from signal to exit ${times.join(", ")}; sockets closed with 4000: ${closed}`,
    wrong: [...wrong, closed === 0 && "no socket was closed with 4000: nothing was tested"],
  };
}

export const nodesRestarted = nodes("a rolling restart", async (stage, { full }) => {
  let last: Broken = { measured: "", wrong: [] };
  for (let round = 0; round < (full ? 5 : 1); round++) {
    last = await roll(stage, (server) => server.start());
    if (last.wrong.some(Boolean)) break;
  }
  return last;
});

/** A rolling upgrade to a version with another bus format: neither version understands the other's frames. */
export const nodesUpgraded = nodes("a rolling upgrade to another bus format", async (stage) => {
  const folder = nextVersion();
  const rolled = await roll(stage, (server) => server.start(folder));
  const refusals = stage.servers.map(({ events }) => events.get("bus_refused") ?? 0);
  rmSync(folder, { recursive: true });
  return {
    measured: `${rolled.measured}; log lines about frames of another version: ${refusals.join(", ")}`,
    wrong: [
      ...rolled.wrong,
      refusals.every((lines) => lines === 0) && "no frame was refused: nothing was tested",
      refusals.some((lines) => lines > 2) && "a node logged more than two lines about other versions",
    ],
  };
});

/** Returns the library that shifts a process's clock, from Debian's `faketime`. */
const faketime = () => [...new Bun.Glob("*/faketime/libfaketime.so.1").scanSync("/usr/lib")][0];
const APART_S = [60, 0, -60];

/** Clocks that differ by a minute: tokens of one node are used at the others, and nodes are killed. */
export const clocksApart: Scenario = {
  ...nodes(
    "clocks a minute apart",
    async (stage, { full }) => {
      for (let round = 0; round < (full ? 10 : 2); round++) {
        await flow(stage, 200);
        const victim = pick(stage.servers);
        await victim.kill();
        await flow(stage, 100);
        await victim.start();
      }
      const dates = await Promise.all(stage.servers.map(clockOf));
      const apart = Math.round((Math.max(...dates) - Math.min(...dates)) / 1000);
      return {
        measured: `clocks up to ${apart} s apart`,
        wrong: [apart < 100 && "the clocks were not apart: nothing was tested"],
      };
    },
    (node) => ({
      LD_PRELOAD: `/usr/lib/${faketime()}`,
      FAKETIME: `${(APART_S[node] ?? 0) >= 0 ? "+" : ""}${APART_S[node]}s`,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    }),
  ),
  lacks: () => (faketime() ? undefined : "faketime"),
};

/** Returns a node's clock, read from the `iat` of a new token, in milliseconds. */
async function clockOf({ url }: ServerProcess): Promise<number> {
  const response = await fetch(`${url}/account/reg/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      email: `${crypto.randomUUID()}@example.com`,
      password: "correct horse battery",
      password2: "correct horse battery",
    }),
  });
  const { access } = (await response.json()) as { access: string };
  return Number(decodeJwt(access).iat) * 1000;
}

/** Creates a copy of the program with the next bus version and returns its folder. */
function nextVersion(): string {
  const root = join(import.meta.dir, "../../..");
  const folder = mkdtempSync(join(tmpdir(), "parley-faults-next-"));
  leftover(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of ["src", "drizzle", "package.json", "tsconfig.json"])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const file = join(folder, "src/bus/frame.ts");
  const source = readFileSync(file, "utf8");
  const next = source.replace(/BUS_VERSION = (\d+)/, (_, version) => `BUS_VERSION = ${Number(version) + 1}`);
  if (next === source) throw new Error("src/bus/frame.ts no longer contains BUS_VERSION");
  writeFileSync(file, next);
  return folder;
}

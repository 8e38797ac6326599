import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "../support/port.ts";
import { api } from "../support/api.ts";
import { connect, type V1Client } from "../support/client.ts";
import { postgresDatabase, type TestDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type Need, needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Tests the configurations in deploy/, each in front of two nodes. Only addresses are replaced.

setDefaultTimeout(60_000);

const DEPLOY = join(import.meta.dir, "../../deploy");
const METRICS_TOKEN = "a-token-for-the-metrics";

const PROXIES = {
  nginx: {
    file: "nginx.conf",
    command: (file: string) => ["nginx", "-p", ".", "-c", file, "-g", "daemon off;"],
  },
  haproxy: { file: "haproxy.cfg", command: (file: string) => ["haproxy", "-db", "-f", file] },
} as const satisfies Partial<Record<Need, unknown>>;

for (const proxy of ["nginx", "haproxy"] as const)
  needs(
    "TEST_DATABASE_URL",
    "TEST_REDIS_URL",
    proxy,
  )(`two nodes behind ${proxy}`, () => {
    let database: TestDatabase;
    let nodes: TestServer[];
    let front: { url: string; stop(): Promise<void> };
    let ada: Person;
    const rooms = Array.from({ length: 20 }, (_, index) => `room-${index}-é`);

    beforeAll(async () => {
      database = await postgresDatabase();
      const start = () =>
        startTestServer({
          ...database.env,
          REDIS_URL: process.env.TEST_REDIS_URL ?? "",
          TRUST_PROXY: "1",
          LOGIN_RATE: "3",
          METRICS_TOKEN,
        });
      nodes = [await start(), await start()];
      front = await startProxy(proxy, nodes);
      ada = await register(front, "ada");
    });
    afterAll(async () => {
      await front?.stop();
      for (const node of nodes ?? []) await node.stop();
      await database?.close();
    });

    /** Returns the number of live subscriptions on each node. */
    const subscriptions = () =>
      Promise.all(
        nodes.map(async (node) => {
          const { text } = await api(node, "GET /metrics", { token: METRICS_TOKEN });
          return Number(/^parley_feeds\{format="v1"\} (.*)$/m.exec(text)?.[1] ?? 0);
        }),
      );

    async function enter(room: string): Promise<V1Client> {
      const socket = await connect(front, { room, token: ada.token });
      await socket.next("synced");
      return socket;
    }

    test("everyone in a room is on one node, and rooms are spread over both", async () => {
      const alone: number[] = [];
      for (const room of rooms) {
        const before = await subscriptions();
        const sockets = await Promise.all([enter(room), enter(room), enter(room)]);
        const grown = (await subscriptions()).map((count, node) => count - (before[node] ?? 0));
        expect(grown.toSorted()).toEqual([0, 3]);
        alone.push(grown.indexOf(3));
        for (const socket of sockets) socket.close();
        await until(async () => (await subscriptions()).every((count) => count === 0));
      }
      expect(new Set(alone).size).toBe(2);
    });

    test("a message posted over HTTP goes to the node of its room and is delivered", async () => {
      for (const room of rooms.slice(0, 5)) {
        const socket = await enter(room);
        const path = `/rooms/${encodeURIComponent(room)}/messages/`;
        const { status } = await api(front, `POST ${path}`, { token: ada.token, body: { content: "hello" } });
        expect(status).toBe(201);
        expect(await socket.next("message")).toMatchObject({ room, content: "hello", prev: 0 });
        const history = await api(front, `GET /history/${encodeURIComponent(room)}/`, { token: ada.token });
        expect(history.body).toMatchObject([{ content: "hello" }]);
        socket.close();
      }
    });

    test("limits count the client's address, even if it sends X-Forwarded-For", async () => {
      const guess = (forwarded: string) =>
        fetch(`${front.url}/account/login/`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-forwarded-for": forwarded },
          body: JSON.stringify({ email: "nobody@example.com", password: "wrong wrong" }),
        });
      const statuses = [];
      for (let guessed = 0; guessed < 5; guessed++)
        statuses.push((await guess(`198.51.100.${guessed}`)).status);
      expect(statuses).toEqual([401, 401, 401, 429, 429]);
    });

    test("when a node stops, its rooms move to the other one", async () => {
      const room = "moving";
      const first = await enter(room);
      const at = (await subscriptions()).indexOf(1);
      const command = { type: "send", clientId: crypto.randomUUID(), content: "before" };
      const { version } = await first.ask(command);
      const { epoch } = first.frames.find(({ type }) => type === "joined") as { epoch: string };
      const gone = nodes[at] as TestServer;
      const stopping = gone.stop();
      expect((await first.closed).code).toBe(4000);
      await stopping;
      nodes = nodes.filter((node) => node !== gone);
      await until(async () => {
        const { status } = await fetch(`${front.url}/history/moving/`, {
          headers: { authorization: `Bearer ${ada.token}` },
        });
        return status === 200;
      }, 10_000);
      const again = await connect(front, { room, token: ada.token, since: `${epoch}.${version}` });
      expect(await again.next("joined")).toMatchObject({ resumed: true });
      expect(await again.ask({ ...command, clientId: crypto.randomUUID() })).toMatchObject({
        type: "ok",
        id: 2,
      });
      again.close();
    });
  });

// nginx repeated PUT and DELETE, HAProxy only GET: with HAProxy, a reaction failed while a node stopped.
for (const proxy of ["nginx", "haproxy"] as const)
  needs(proxy)(`a stopping node behind ${proxy}`, () => {
    test("requests go to the other node, except POST and PATCH, which may already have taken effect", async () => {
      const node = (isStopping: boolean) => {
        const respond = ({ url }: Request) =>
          new Response("", { status: isStopping && !url.endsWith("/readyz") ? 503 : 200 });
        const server = Bun.serve({ port: 0, hostname: "127.0.0.1", reusePort: false, fetch: respond });
        return { port: server.port ?? 0, stop: () => server.stop(true) };
      };
      const nodes = [node(true), node(false)];
      const front = await startProxy(proxy, nodes);
      const statuses = async (method: string) => {
        const seen = new Set<number>();
        for (let room = 0; room < 20; room++) {
          const body = method === "GET" ? {} : { body: "{}" };
          seen.add((await fetch(`${front.url}/rooms/room-${room}/`, { method, ...body })).status);
        }
        return [...seen].toSorted();
      };
      for (const method of ["GET", "PUT", "DELETE"])
        expect([method, await statuses(method)]).toEqual([method, [200]]);
      // For two seconds nginx does not ask a node that failed.
      for (const method of ["POST", "PATCH"])
        await until(async () => (await statuses(method)).includes(503), 10_000);
      await front.stop();
      for (const { stop } of nodes) await stop();
    });
  });

async function startProxy(proxy: keyof typeof PROXIES, nodes: readonly { readonly port: number }[]) {
  const folder = temporaryFolder();
  const port = await freePort();
  const { file, command } = PROXIES[proxy];
  const [one, two] = nodes.map((node) => `127.0.0.1:${node.port}`);
  const config = (await Bun.file(join(DEPLOY, file)).text())
    .replace("parley:3000", one ?? "")
    .replace("parley-2:3000", two ?? "")
    .replace(/\b(listen |bind :)8080/, (_, word) => `${word.replace(":", "127.0.0.1:")}${port}`);
  const path = join(folder.path, file);
  await Bun.write(path, config);
  const child = Bun.spawn(command(path), { cwd: folder.path, stdout: "ignore", stderr: "pipe" });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(await new Response(child.stderr).text());
    return (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200;
  }, 10_000);
  return {
    url,
    async stop() {
      child.kill();
      await child.exited;
      folder.remove();
    },
  };
}

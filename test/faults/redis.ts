import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./condition.ts";
import { leftover } from "./leftovers.ts";
import { freePort } from "./port.ts";

const START_MS = 10_000;

/** A Redis server of the run's own, with the faults that can be done to it. */
export interface Redis {
  readonly url: string;
  readonly port: number;
  /** Ends it as a crash would; nothing was stored. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Stops the process (SIGSTOP), so that it neither answers nor refuses; and lets it go on. */
  freeze(): void;
  thaw(): void;
  /** Cuts about this share of the connections; answers how many. */
  cut(share: number): Promise<number>;
  /** Sends a command, as a person would by `redis-cli`. */
  ask(command: string, ...args: string[]): Promise<unknown>;
  remove(): Promise<void>;
}

/** Where this machine has a Redis or a Valkey; undefined: nowhere. */
export const findRedis = (): string | undefined =>
  Bun.which("redis-server") ?? Bun.which("valkey-server") ?? undefined;

interface RedisOptions {
  readonly program: string;
  readonly password?: string;
  /** More of its settings, such as `--replicaof 127.0.0.1 6379`. */
  readonly settings?: readonly string[];
}

/** Starts it on a free port of 127.0.0.1, with a temporary folder to be in. */
export async function startRedis({ program, password, settings = [] }: RedisOptions): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), "parley-faults-redis-"));
  const removed = leftover(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const url = `redis://${password ? `:${password}@` : ""}127.0.0.1:${port}`;
  let server: Bun.Subprocess | undefined;
  let forget = () => {};

  const ask = async (command: string, ...args: string[]) => {
    const client = new Bun.RedisClient(url, { autoReconnect: false, connectionTimeout: 1_000 });
    try {
      return await client.send(command, args);
    } finally {
      client.close();
    }
  };

  async function start() {
    const own = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    const secret = password ? ["--requirepass", password] : [];
    const started = Bun.spawn([program, ...own, ...secret, ...settings], {
      stdout: "ignore",
      stderr: "ignore",
    });
    server = started;
    forget = leftover(() => started.kill("SIGKILL"));
    await until("Redis answers", START_MS, () =>
      ask("PING").then(
        () => true,
        () => false,
      ),
    );
  }

  async function stop() {
    server?.kill("SIGKILL");
    await server?.exited;
    forget();
  }

  await start();
  return {
    url,
    port,
    start,
    stop,
    ask,
    freeze: () => server?.kill("SIGSTOP"),
    thaw: () => server?.kill("SIGCONT"),
    async cut(share) {
      const list = String(await ask("CLIENT", "LIST"));
      const ids = [...list.matchAll(/^id=(\d+)/gm)].map(([, id = ""]) => id);
      let cut = 0;
      for (const id of ids.filter(() => Math.random() < share))
        cut += Number(await ask("CLIENT", "KILL", "ID", id).catch(() => 0));
      return cut;
    },
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
      removed();
    },
  };
}

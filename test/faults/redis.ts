import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./condition.ts";
import { leftover } from "./leftovers.ts";
import { freePort } from "../support/port.ts";

const START_MS = 10_000;

/** A private Redis server with methods that inject faults. */
export interface Redis {
  readonly url: string;
  readonly port: number;
  /** Kills it. Its data is lost, because it stores nothing on disk. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Stops the process with SIGSTOP, so that it neither responds nor refuses connections. */
  freeze(): void;
  /** Continues the process. */
  thaw(): void;
  /** Cuts about this share of the connections and returns their number. */
  cut(share: number): Promise<number>;
  /** Sends a command on its own connection, like `redis-cli`. */
  ask(command: string, ...args: string[]): Promise<unknown>;
  remove(): Promise<void>;
}

/** Returns the path of the Redis or Valkey server, or undefined if neither is installed. */
export const findRedis = (): string | undefined =>
  Bun.which("redis-server") ?? Bun.which("valkey-server") ?? undefined;

interface RedisOptions {
  readonly program: string;
  readonly password?: string;
  /** Further arguments, such as `--replicaof 127.0.0.1 6379`. */
  readonly settings?: readonly string[];
}

/** Starts Redis in a temporary folder on a free port of 127.0.0.1. */
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
    await until("Redis responds", START_MS, () =>
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

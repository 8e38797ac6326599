import { join } from "node:path";
import { readFileSync } from "node:fs";
import { until } from "./condition.ts";
import { leftover } from "./leftovers.ts";

const ROOT = join(import.meta.dir, "../..");
const METRICS_TOKEN = crypto.randomUUID();
const START_MS = 30_000;
/** What a stop may take: 15 s for answers that are still to come, 2 s for goodbyes, and a little. */
export const STOP_MS = 20_000;

/** A server in a process of its own, which can be ended in every way and started again on the same port and data. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  /** Starts it; settles when it is ready. `root`: the folder of the program, if not this one. */
  start(root?: string): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code and how long it took. Fails where the process outlives its bound. */
  stop(): Promise<{ code: number; ms: number }>;
  /** Resident memory in MiB. */
  memory(): number;
  /** The status of one of its pages; 0 where it does not answer in time. */
  status(path: string, limitMs?: number): Promise<number>;
  /** One of its metrics, which has no labels. */
  metric(name: string): Promise<number>;
  /** Lines of its log by event (or message), and all that should not be there: fatal lines, output that is no log. */
  readonly events: ReadonlyMap<string, number>;
  readonly alarms: readonly string[];
}

export function createServer(port: number, env: Readonly<Record<string, string>>): ServerProcess {
  const events = new Map<string, number>();
  const alarms: string[] = [];
  const url = `http://127.0.0.1:${port}`;
  let child: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;
  let forget = () => {};

  const note = (line: string) => {
    try {
      const { level, event, msg } = JSON.parse(line) as { level: number; event?: string; msg: string };
      const name = event ?? msg;
      events.set(name, (events.get(name) ?? 0) + 1);
      if (level >= 60) alarms.push(line);
    } catch {
      if (line.trim()) alarms.push(line);
    }
  };

  async function readLines(stream: ReadableStream<Uint8Array>) {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(note);
    }
    if (rest) note(rest);
  }

  async function status(path: string, limitMs = 5_000): Promise<number> {
    try {
      const response = await fetch(`${url}${path}`, {
        signal: AbortSignal.timeout(limitMs),
        keepalive: false,
      });
      await response.bytes();
      return response.status;
    } catch {
      return 0;
    }
  }

  return {
    url,
    port,
    events,
    alarms,
    status,
    async start(root = ROOT) {
      const started = Bun.spawn([process.execPath, "src/main.ts"], {
        cwd: root,
        env: {
          PATH: process.env.PATH ?? "",
          HOST: "127.0.0.1",
          PORT: String(port),
          LOGIN_RATE: "0",
          MESSAGE_RATE: "0",
          SOCKETS_PER_USER: "1000",
          LOG_LEVEL: "info",
          METRICS_TOKEN,
          ...env,
        },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      child = started;
      forget = leftover(() => started.kill("SIGKILL"));
      void readLines(started.stdout);
      void readLines(started.stderr);
      await until("the server is ready", START_MS, async () => {
        if (started.exitCode !== null) throw new Error(`the server ended at its start: ${alarms.join("\n")}`);
        return (await status("/readyz")) === 200;
      });
    },
    async kill() {
      child?.kill("SIGKILL");
      await child?.exited;
      forget();
    },
    async stop() {
      if (!child) throw new Error("the server does not run");
      const begun = performance.now();
      child.kill("SIGTERM");
      const code = await Promise.race([child.exited, Bun.sleep(STOP_MS).then(() => undefined)]);
      if (code === undefined) throw new Error(`the server has not ended ${STOP_MS / 1000} s after SIGTERM`);
      forget();
      return { code, ms: performance.now() - begun };
    },
    async metric(name) {
      const response = await fetch(`${url}/metrics`, {
        headers: { authorization: `Bearer ${METRICS_TOKEN}` },
      });
      return Number(new RegExp(`^${name} (.*)$`, "m").exec(await response.text())?.[1]);
    },
    memory() {
      const [, pages = "0"] = readFileSync(`/proc/${child?.pid}/statm`, "utf8").split(" ");
      return (Number(pages) * 4096) / 1024 / 1024;
    },
  };
}

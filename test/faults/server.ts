import { join } from "node:path";
import { readFileSync } from "node:fs";
import { until } from "./condition.ts";
import { leftover } from "./leftovers.ts";

const ROOT = join(import.meta.dir, "../..");
const METRICS_TOKEN = crypto.randomUUID();
const START_MS = 30_000;
/** The time limit of a stop: 15 s for pending replies, 2 s for close handshakes, and a margin. */
export const STOP_MS = 20_000;

/** A server in its own process, which can be stopped or killed and restarted on the same port and data. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  /** Starts it and resolves when it is ready. `root` is the folder of the program; defaults to this repository. */
  start(root?: string): Promise<void>;
  /** Sends SIGKILL. */
  kill(): Promise<void>;
  /** Sends SIGTERM; resolves with the exit code and the duration. @throws {Error} if the process outlives `STOP_MS`. */
  stop(): Promise<{ code: number; ms: number }>;
  /**
   * Returns its own memory in MiB, resident or swapped out. Not the program's file: the kernel drops its pages if memory is
   * short, and reads them again, which is no growth.
   */
  memory(): number;
  /** Returns the HTTP status of a path, or 0 if there is no response in time. */
  status(path: string, limitMs?: number): Promise<number>;
  /** Returns the value of a metric without labels. */
  metric(name: string): Promise<number>;
  /** The number of log lines by event, or by message if a line has no event. */
  readonly events: ReadonlyMap<string, number>;
  /** Output that must not occur: fatal log lines, and lines that are not JSON. */
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
          BUDGETS: "0",
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
        if (started.exitCode !== null)
          throw new Error(`the server exited during its start: ${alarms.join("\n")}`);
        return (await status("/readyz")) === 200;
      });
    },
    async kill() {
      child?.kill("SIGKILL");
      await child?.exited;
      forget();
    },
    async stop() {
      if (!child) throw new Error("the server is not running");
      const begun = performance.now();
      child.kill("SIGTERM");
      const code = await Promise.race([child.exited, Bun.sleep(STOP_MS).then(() => undefined)]);
      if (code === undefined)
        throw new Error(`the server did not exit within ${STOP_MS / 1000} s of SIGTERM`);
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
      const status = readFileSync(`/proc/${child?.pid}/status`, "utf8");
      const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
      return (kib("RssAnon") + kib("VmSwap")) / 1024;
    },
  };
}

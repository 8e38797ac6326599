import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../test/support/port.ts";
import { cpuSeconds, residentBytes } from "./proc.ts";

const ROOT = join(import.meta.dir, "..");
const START_MS = 60_000;
const STOP_MS = 25_000;

/** The servers under comparison: Parley, topics in memory only, and one INSERT per message. */
export type Kind = "parley" | "bare" | "insert";

/** A server under test, in its own process. */
export interface Contender {
  readonly kind: Kind;
  readonly port: number;
  readonly pid: number;
  cpuSeconds(): number;
  residentBytes(): number;
  /** Stops the server with SIGTERM and starts it again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ContenderOptions {
  readonly kind: Kind;
  readonly env: Readonly<Record<string, string>>;
  /** Executable to run instead of Parley's source. */
  readonly binary?: string | undefined;
  /** Flags for Bun itself, such as `--cpu-prof`. */
  readonly flags?: readonly string[];
}

/** The settings of Bun's allocator, passed on to every server. */
const ALLOCATOR = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith("MIMALLOC_")),
);

/** Starts a server and resolves when it is ready. @throws {Error} with its log if it is not ready within 60 s. */
export async function startContender(options: ContenderOptions): Promise<Contender> {
  const { kind, env, binary, flags = [] } = options;
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "parley-bench-log-"));
  const log = Bun.file(join(folder, "server.log"));
  const command = {
    parley: binary ? [binary] : [process.execPath, ...flags, "src/main.ts"],
    bare: [process.execPath, "bench/servers/bare.ts", String(port)],
    insert: [process.execPath, "bench/servers/insert.ts", String(port)],
  }[kind];
  let child: Bun.Subprocess;
  const kill = () => child.kill("SIGKILL");

  async function start() {
    const started = Bun.spawn(command, {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? "", ...ALLOCATOR, HOST: "127.0.0.1", PORT: String(port), ...env },
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    child = started;
    const end = performance.now() + START_MS;
    while (!(await isReady(`http://127.0.0.1:${port}/readyz`))) {
      if (started.exitCode !== null || performance.now() > end)
        throw new Error(`${kind} did not start: ${await log.text()}`);
      await Bun.sleep(10);
    }
  }

  async function end() {
    child.kill("SIGTERM");
    const code = await Promise.race([child.exited, Bun.sleep(STOP_MS)]);
    if (code === undefined) throw new Error(`${kind} did not exit within ${STOP_MS / 1000} s of SIGTERM`);
  }

  const cleanUp = () => {
    process.off("exit", kill);
    rmSync(folder, { recursive: true, force: true });
  };

  process.once("exit", kill);
  try {
    await start();
  } catch (error) {
    kill();
    cleanUp();
    throw error;
  }
  return {
    kind,
    port,
    get pid() {
      return child.pid;
    },
    cpuSeconds: () => cpuSeconds(child.pid),
    residentBytes: () => residentBytes(child.pid),
    async restart() {
      await end();
      await start();
    },
    async stop() {
      await end();
      cleanUp();
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000), keepalive: false });
    await response.bytes();
    return response.ok;
  } catch {
    return false;
  }
}

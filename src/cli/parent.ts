import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Context } from "./command.ts";
import { createWorkers, FirstWorkerEnded, type WorkerLife, type WorkerProcess } from "./workers.ts";

/** Runs the server in several processes, which listen on one port: the kernel spreads connections over them. */
export async function runParent(
  { program, env, version, untilSignal }: Context,
  config: Config,
  log: Log,
): Promise<number> {
  const url = reserve(config);

  const start = (worker: number, life: WorkerLife): WorkerProcess => {
    const child = Bun.spawn([...program, "server", "worker", String(worker)], {
      env: { ...env, WORKERS: "1", PORT: url.port || "80" },
      stdio: ["ignore", "inherit", "inherit"],
      ipc: () => life.ready(), // a worker says nothing else
      onExit: (_, code, signal) => life.ended(code, signal === null ? null : String(signal)),
    });
    return {
      // Not by a signal: a terminal sends one to the whole group, and a second one ends a process at once.
      stop: () => child.send("stop"),
      kill: () => child.kill("SIGKILL"),
    };
  };

  const workers = createWorkers({ count: config.WORKERS, clock: systemClock, log, start });
  const signal = untilSignal();
  try {
    await Promise.race([workers.ready, signal]);
  } catch (error) {
    if (error instanceof FirstWorkerEnded) return 1;
    throw error;
  }
  log.info(
    { url: url.origin, version },
    `Parley ${version} with ${config.WORKERS} workers: listening on ${url.origin}`,
  );
  await signal;
  log.info("stopping");
  return (await workers.stop()) ? 0 : 1;
}

/** Sees to it that nobody else listens there, which workers would share the port with; and decides on a port for 0. */
function reserve({ HOST, PORT }: Config): URL {
  const probe = Bun.serve({ hostname: HOST, port: PORT, reusePort: false, fetch: () => new Response() });
  const { url } = probe;
  void probe.stop(true);
  return new URL(url.origin);
}

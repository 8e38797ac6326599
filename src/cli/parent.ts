import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Context } from "./command.ts";
import { createDesk } from "./desk.ts";
import { type FromParent, readFromWorker } from "./ipc.ts";
import { createWorkers, FirstWorkerEnded, type WorkerLife, type WorkerProcess } from "./workers.ts";

/** Runs the server in several processes, which listen on one port: the kernel spreads connections over them. */
export async function runParent(
  { program, env, version, untilSignal }: Context,
  config: Config,
  log: Log,
): Promise<number> {
  const url = reserve(config);
  const desk = createDesk(systemClock);
  /** The workers that are ready, and how each is asked what it has measured. */
  const listens = new Map<number, (id: number) => void>();

  const start = (worker: number, life: WorkerLife): WorkerProcess => {
    const say = (message: FromParent) => child.send(message);
    const hear = (message: unknown) => {
      const said = readFromWorker(message);
      if (said?.type === "measured") desk.take(said.id, said.measured);
      if (said?.type === "wanted")
        void desk.gather([...listens.values()]).then((all) => say({ type: "all", id: said.id, all }));
      if (said?.type !== "ready") return;
      listens.set(worker, (id) => say({ type: "measure", id }));
      life.ready();
    };
    const child = Bun.spawn([...program, "server", "worker", String(worker)], {
      env: { ...env, WORKERS: "1", PORT: url.port || "80" },
      stdio: ["ignore", "inherit", "inherit"],
      ipc: hear,
      onExit(_, code, signal) {
        listens.delete(worker);
        life.ended(code, signal === null ? null : String(signal));
      },
    });
    return {
      // Not by a signal, where it listens: a terminal sends one to the whole group, and a second one ends a process at
      // once.
      stop: () => (listens.has(worker) ? say({ type: "stop" }) : child.kill("SIGTERM")),
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

import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Context } from "./command.ts";
import { warnIfOpen } from "./open.ts";
import { createDesk } from "./desk.ts";
import { type FromParent, readFromWorker } from "./ipc.ts";
import { createWorkers, FirstWorkerEnded, type WorkerLife, type WorkerProcess } from "./workers.ts";

/** Runs the server in several processes that listen on one port. The kernel distributes connections. */
export async function runParent(
  { program, env, version, untilSignal }: Context,
  config: Config,
  log: Log,
): Promise<number> {
  const url = reserve(config);
  const desk = createDesk(systemClock);
  /** The ready workers, each with a function that requests its metrics. */
  const ready = new Map<number, (id: number) => void>();

  const start = (worker: number, life: WorkerLife): WorkerProcess => {
    const say = (message: FromParent) => child.send(message);
    const receive = (message: unknown) => {
      const received = readFromWorker(message);
      if (received?.type === "measured") desk.take(received.id, received.measured);
      if (received?.type === "wanted")
        void desk.gather([...ready.values()]).then((all) => say({ type: "all", id: received.id, all }));
      if (received?.type !== "ready") return;
      ready.set(worker, (id) => say({ type: "measure", id }));
      life.ready();
    };
    const child = Bun.spawn([...program, "server", "worker", String(worker)], {
      env: { ...env, WORKERS: "1", PORT: url.port || "80" },
      stdio: ["ignore", "inherit", "inherit"],
      ipc: receive,
      onExit(_, code, signal) {
        ready.delete(worker);
        life.ended(code, signal === null ? null : String(signal));
      },
    });
    return {
      // A ready worker gets no signal: a terminal already sends one to the whole process group, and a second
      // signal would end the worker at once.
      stop: () => (ready.has(worker) ? say({ type: "stop" }) : child.kill("SIGTERM")),
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
  warnIfOpen(config, env, log);
  await signal;
  log.info("stopping");
  return (await workers.stop()) ? 0 : 1;
}

/** Checks that no other program has the port, which workers would share with it. Picks a free one for 0. */
function reserve({ HOST, PORT }: Config): URL {
  const probe = Bun.serve({ hostname: HOST, port: PORT, reusePort: false, fetch: () => new Response() });
  const { url } = probe;
  void probe.stop(true);
  return new URL(url.origin);
}

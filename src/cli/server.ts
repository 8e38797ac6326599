import { systemClock } from "../clock.ts";
import { type Config, loadConfig } from "../config/config.ts";
import { createLog, type Log } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { type Command, CommandError, type Context } from "./command.ts";
import { warnIfOpen } from "./open.ts";
import { runParent } from "./parent.ts";
import { createWorker } from "./worker.ts";

export const server: Command = {
  name: "server",
  about: "Run the server; this is the default command",
  async run(context) {
    const { args, env, parent } = context;
    const config = loadConfig(env);
    const log = createLog(config.LOG_LEVEL);
    try {
      if (args[0] === "worker" && parent)
        return await serve(context, config, log.child({ worker: Number(args[1]) }), true);
      if (config.WORKERS > 1) return await runParent(context, config, log);
      return await serve(context, config, log);
    } catch (error) {
      throw addressProblem(config, error) ?? error;
    }
  },
};

async function serve(
  { version, env, untilSignal, parent }: Context,
  config: Config,
  log: Log,
  isWorker = false,
): Promise<number> {
  const { startServer } = await import("../server.ts"); // not loaded for other commands
  const metrics = createMetrics();
  const worker = parent && isWorker ? createWorker(parent, metrics, systemClock) : undefined;
  const running = await startServer(config, { log, version, metrics, ...(worker && { shared: worker }) });
  if (worker) worker.ready();
  else log.info({ url: running.url, version }, `${running.describe()}: listening on ${running.url}`);
  if (!worker) warnIfOpen(config, env, log);
  await Promise.race([untilSignal(), running.failed, ...(worker ? [worker.untilStop()] : [])]);
  log.info("stopping");
  await Promise.race([running.stop(), running.failed]);
  return 0;
}

/** Returns what to do if the server cannot listen; undefined for other errors. */
function addressProblem({ HOST, PORT }: Config, error: unknown): CommandError | undefined {
  switch ((error as { code?: unknown }).code) {
    case "EADDRINUSE":
      return new CommandError(
        `Port ${PORT} of ${HOST} is in use: stop the program that listens there, or set PORT to another port`,
      );
    case "EACCES":
      return new CommandError(`This user may not listen on port ${PORT}: set PORT to a port above 1023`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new CommandError(`${HOST} is not an address of this machine: set HOST to one that is`);
    default:
      return undefined;
  }
}

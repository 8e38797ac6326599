import { type Config, loadConfig } from "../config.ts";
import { createLog } from "../log.ts";
import { type Command, CommandError } from "./command.ts";

export const server: Command = {
  name: "server",
  about: "Run the server; this is what no command means",
  async run({ env, version, untilSignal }) {
    const config = loadConfig(env);
    const log = createLog(config.LOG_LEVEL);
    const { startServer } = await import("../server.ts"); // the other commands do without it
    const running = await startServer(config, { log, version }).catch((error: unknown) => {
      throw addressProblem(config, error) ?? error;
    });
    log.info({ url: running.url, version }, `${running.describe()}: listening on ${running.url}`);
    if (config.DATABASE_DRIVER === "pglite")
      log.info("The embedded database survives a crash of this process, not a power cut.");
    await untilSignal();
    log.info("stopping");
    await running.stop();
    return 0;
  },
};

/** What to do where the server cannot listen; undefined where that is not the error. */
function addressProblem({ HOST, PORT }: Config, error: unknown): CommandError | undefined {
  switch ((error as { code?: unknown }).code) {
    case "EADDRINUSE":
      return new CommandError(
        `Port ${PORT} of ${HOST} is taken: stop what listens there, or set PORT to another one`,
      );
    case "EACCES":
      return new CommandError(`This user may not listen on port ${PORT}: set PORT to one above 1023`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new CommandError(`${HOST} is not an address of this machine: set HOST to one that is`);
    default:
      return undefined;
  }
}

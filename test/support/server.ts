import { loadConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { startServer } from "../../src/server.ts";
import { disposableFolder } from "./recycled.ts";
import { cachedTemplate } from "./template.ts";

/** A line of the server's log, parsed. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string };

export interface TestServer {
  /** Such as `http://127.0.0.1:3000`; `wsUrl` is the same with `ws:`. */
  readonly url: string;
  readonly wsUrl: string;
  readonly port: number;
  /** What it has logged so far. */
  readonly log: readonly LogLine[];
  /** Stops it; the database goes with it, but for one that the settings named. */
  stop(): Promise<void>;
}

/**
 * Starts the real server on a free port. `settings` are as in the environment, over the defaults; where they name no
 * database, it gets an embedded one of its own. It logs everything from `info` on, and prints nothing.
 */
export async function startTestServer(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const folder = disposableFolder();
  const log: LogLine[] = [];
  const config = loadConfig({ PORT: "0", DATA_DIR: folder.path, ...settings });
  const server = await startServer(config, {
    version: "test",
    ...(config.DATABASE_DRIVER === "pglite" && { template: await cachedTemplate() }),
    log: createLog(config.LOG_LEVEL, { write: (line) => void log.push(JSON.parse(line)) }),
  });
  return {
    url: server.url,
    wsUrl: server.url.replace(/^http/, "ws"),
    port: server.port,
    log,
    async stop() {
      await server.stop();
      folder.remove();
    },
  };
}

import { loadConfig } from "../../src/config/config.ts";
import { createLog } from "../../src/log.ts";
import { startServer } from "../../src/server.ts";
import { disposableFolder } from "./recycled.ts";
import { cachedTemplate } from "./template.ts";

/** A line of the server's log, parsed. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string };

export interface TestServer {
  /** An address such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** The same address with the scheme `ws:`. */
  readonly wsUrl: string;
  readonly port: number;
  /** The log lines so far. */
  readonly log: readonly LogLine[];
  /** Rejects if the server has to end. */
  readonly failed: Promise<never>;
  /** Stops the server and removes its database, unless the settings named one. */
  stop(): Promise<void>;
}

/**
 * Starts the real server on a free port. `settings` are environment variables. Without a database among them it gets a
 * new embedded one. It logs from LOG_LEVEL on (default: `info`) to `log` and prints nothing.
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
    failed: server.failed,
    async stop() {
      await server.stop();
      folder.remove();
    },
  };
}

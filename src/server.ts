import { systemClock, within } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { type Handler, REQUEST_S } from "./dispatch.ts";
import { problemResponse, Refusal, refusalOf } from "./errors.ts";
import { createFaults } from "./faults.ts";
import { createMetrics } from "./metrics.ts";
import { openSite, type SiteParts } from "./site.ts";
import { GOODBYE_MS } from "./stopping.ts";
import { type SocketData, websocket } from "./ws/sockets.ts";

/** How long a connection may take until its first request has arrived, without the body, in seconds. */
const IDLE_S = 10;

export interface ParleyServer {
  /** The address that it listens on, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly port: number;
  /** Describes the setup for a person. */
  describe(): string;
  /** Rejects if the server cannot go on. Then the process has to end at once, without {@link stop}. */
  readonly failed: Promise<never>;
  /** Refuses new work, answers what was submitted, tells sockets when to come back, and closes. Resolves in bounded time. */
  stop(): Promise<void>;
}

type Parts = Omit<SiteParts, "clock" | "metrics"> & Partial<Pick<SiteParts, "metrics">>;

/**
 * Listens, and opens the site behind it.
 * @throws if it cannot start: the port is taken, the data directory is held, or the database cannot be opened.
 */
export async function startServer(config: Config, parts: Parts): Promise<ParleyServer> {
  const { log, version, shared, metrics = createMetrics() } = parts;
  const faulted = createFaults(log, metrics);
  const clock = systemClock;
  const closers: (() => unknown)[] = [];
  let handle: Handler = () => problemResponse(new Refusal("busy", { retryAfterMs: 1000 }));

  // The port comes first: only the process that has it may open the data.
  const listener = Bun.serve<SocketData>({
    hostname: config.HOST,
    port: config.PORT,
    reusePort: shared !== undefined,
    development: false, // otherwise errors are shown on a page with source code
    // The app has its own limit, with a problem document. Bodies that nobody reads are not kept.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: IDLE_S,
    fetch(request, server) {
      server.timeout(request, REQUEST_S);
      return handle(request, server);
    },
    error(fault) {
      if (!(fault instanceof Refusal)) faulted(fault, "a request");
      return problemResponse(refusalOf(fault));
    },
    websocket,
  });
  closers.push(() => listener.stop(true));

  try {
    const site = await openSite(
      config,
      { ...parts, clock, metrics },
      () => listener,
      (close) => void closers.push(close),
    );
    handle = site.handle;
    return {
      url: listener.url.origin,
      port: listener.port ?? config.PORT,
      describe: () => describe(config, version),
      failed: site.failed,
      async stop() {
        await site.drain();
        await within(clock, GOODBYE_MS, listener.stop());
        await closeAll(closers);
      },
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** Closes what was opened, in reverse order. A failure does not keep the others from being closed. */
async function closeAll(closers: (() => unknown)[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch {
      // The process is stopping anyway.
    }
  }
}

const ACCOUNTS = { open: "open to all", invite: "by invitation", off: "closed" } as const;

function describe(config: Config, version: string): string {
  const database = {
    pglite: `the embedded database in ${config.DATA_DIR}`,
    postgres: "Postgres",
    neon: "Neon",
  }[config.DATABASE_DRIVER];
  return `Parley ${version} with ${database}, one process, accounts ${ACCOUNTS[config.REGISTRATION]}`;
}

import { createAuth } from "./auth/auth.ts";
import { connectNodes } from "./bus/connect.ts";
import { createChat } from "./chat/chat.ts";
import { createMembers } from "./store/members.ts";
import { createOverviews } from "./store/lists.ts";
import { createStore } from "./store/messages.ts";
import { systemClock, within } from "./clock.ts";
import type { Config } from "./config.ts";
import { loadMeta } from "./db/meta.ts";
import { openDatabase } from "./db/open.ts";
import { ownDataDir } from "./db/owner.ts";
import { faultOf, problemResponse, Refusal, refusalOf } from "./errors.ts";
import { adminRoutes } from "./http/admin.ts";
import { createApp } from "./http/app.ts";
import { documentRoutes } from "./http/documents/documents.ts";
import { createHealth, healthRoutes } from "./http/health.ts";
import { historyRoutes } from "./http/history.ts";
import { messageRoutes } from "./http/messages.ts";
import { metricsRoutes } from "./http/metrics.ts";
import { roomRoutes } from "./http/rooms.ts";
import type { Log } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createTurns } from "./turns.ts";
import { createPage } from "./http/page/page.ts";
import { createDoor, type SocketData, websocket } from "./ws/door.ts";
import { createOutgoing } from "./ws/outgoing.ts";

/** How long a going server waits for answers that are still to come, and for sockets to say goodbye, in milliseconds. */
const DRAIN_MS = 15_000;
const GOODBYE_MS = 2_000;

/** Handshakes, and other requests, that are begun in one turn of the event loop: a crowd does not hold up deliveries. */
const BEGUN_A_TURN = 4;
/** Who asks whether the server lives does not stand behind a crowd. */
const PROBE = /^\/(healthz|readyz|metrics)\/?$/;

export interface ParleyServer {
  /** Where it listens, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly port: number;
  /** What it uses, for a person. */
  describe(): string;
  /** Takes nothing new, answers what was submitted, tells sockets when to come back, closes. Settles in bounded time. */
  stop(): Promise<void>;
}

interface Parts {
  readonly log: Log;
  readonly version: string;
  /** Where this server measures what it does; by default nobody else sees it. */
  readonly metrics?: Metrics;
  /** Other processes of this machine listen on the same port: the metrics of all of them. */
  readonly shared?: { metrics(): Promise<string> };
  /** What a new embedded database starts from; its default is that of the program. */
  readonly template?: Blob;
}

type Handler = (
  request: Request,
  server: Bun.Server<SocketData>,
) => Response | undefined | Promise<Response | undefined>;

/**
 * Builds the parts and wires them: the one place that knows them all.
 * @throws what keeps it from starting: the port is taken, the data directory held, the database not to be reached.
 */
export async function startServer(
  config: Config,
  { log, version, metrics = createMetrics(), shared, template }: Parts,
): Promise<ParleyServer> {
  const clock = systemClock;
  const undo: (() => unknown)[] = [];
  let handle: Handler = () => problemResponse(new Refusal("busy", { retryAfterMs: 1000 }));

  // The port comes first: whoever has it is the one who may open the data.
  const listener = Bun.serve<SocketData>({
    hostname: config.HOST,
    port: config.PORT,
    reusePort: shared !== undefined,
    development: false, // else a fault is answered with a page that shows the source
    // The app has its own limit, and a problem document for who goes past it; what nobody reads is not kept.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, server) => handle(request, server),
    error(fault) {
      if (!(fault instanceof Refusal))
        log.error({ event: "fault", fault: faultOf(fault) }, "a request failed");
      return problemResponse(refusalOf(fault));
    },
    websocket,
  });
  undo.push(() => listener.stop(true));

  try {
    if (config.DATABASE_DRIVER === "pglite") undo.push(await ownDataDir(config.DATA_DIR));
    const database = await openDatabase(config, template);
    undo.push(() => database.close());
    const meta = await loadMeta(database);
    // Installations that share a Redis do not hear each other.
    const prefix = `${config.REDIS_PREFIX}${meta.instance}:`;
    const { bus, limiters } = connectNodes({ url: config.REDIS_URL, prefix, clock, log, metrics });
    undo.push(() => bus.stop());
    const auth = await createAuth({ database, config, meta, clock, log, bus, limiters });
    undo.push(() => auth.stop());
    const store = createStore(database, { editWindowMs: config.EDIT_WINDOW });
    const outgoing = createOutgoing(() => listener, clock);
    const chat = createChat({
      store,
      members: createMembers(database, clock),
      bus,
      standing: auth.standing,
      authenticate: auth.authenticate,
      fanout: outgoing,
      clock,
      log,
      metrics,
      random: Math.random,
      epoch: meta.epoch,
      settings: {
        roomAccess: config.ROOM_ACCESS,
        messageChars: config.MESSAGE_MAX_CHARS,
        messageRate: config.MESSAGE_RATE,
        messageBurst: config.MESSAGE_BURST,
        socketsPerUser: config.SOCKETS_PER_USER,
        roomsPerSocket: config.ROOMS_PER_SOCKET,
      },
    });
    const health = createHealth(database);
    const door = createDoor({
      auth,
      chat,
      outgoing,
      clock,
      log,
      metrics,
      allowedOrigins: config.ALLOWED_ORIGINS,
      queryToken: config.QUERY_TOKEN === "on",
    });
    const app: ReturnType<typeof createApp> = createApp({
      config,
      auth,
      log,
      routes: [
        healthRoutes(health),
        documentRoutes({ version, routes: () => app.routes }),
        historyRoutes({ auth, chat }),
        messageRoutes({ auth, chat }),
        roomRoutes({ auth, chat, overviews: createOverviews(database) }),
        ...(config.ADMIN_TOKEN
          ? [adminRoutes({ auth, chat, pool: database, token: config.ADMIN_TOKEN })]
          : []),
        ...(config.METRICS_TOKEN
          ? [
              metricsRoutes({
                token: config.METRICS_TOKEN,
                read: () => (shared ?? metrics.registry).metrics(),
              }),
            ]
          : []),
      ],
    });
    const page = createPage();
    const handshakes = createTurns(clock, BEGUN_A_TURN);
    const requests = createTurns(clock, BEGUN_A_TURN);
    metrics.collectProcess();

    handle = (request, server) => {
      // The Host header is part of it, and anyone may write anything there.
      const url = URL.parse(request.url);
      if (!url) throw new Refusal("malformed", { detail: "The Host header is not the name of a host." });
      const isHandshake = /^\/ws(\/|$)/.test(url.pathname);
      const asset = isHandshake ? undefined : page.answer(request, url.pathname);
      if (asset) return asset;
      const { address } = server.requestIP(request) ?? { address: "" };
      const begin = () =>
        isHandshake ? door.upgrade(request, url, server) : app.fetch(request, { address });
      const turn = PROBE.test(url.pathname) ? undefined : (isHandshake ? handshakes : requests).next();
      // Who has gone while they waited is not worked for.
      return turn ? turn.then(() => (request.signal.aborted ? new Response() : begin())) : begin();
    };

    return {
      url: listener.url.origin,
      port: listener.port ?? config.PORT,
      describe: () => describe(config, version),
      async stop() {
        health.drain();
        door.drain();
        await within(clock, DRAIN_MS, chat.stop());
        await within(clock, GOODBYE_MS, listener.stop());
        await unwind(undo);
      },
    };
  } catch (error) {
    await unwind(undo);
    throw error;
  }
}

/** Undoes what was done, the last first; one failure does not keep the others from being undone. */
async function unwind(undo: (() => unknown)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch {
      // It is going away anyway.
    }
  }
}

function describe(config: Config, version: string): string {
  const database = {
    pglite: `the embedded database in ${config.DATA_DIR}`,
    postgres: "Postgres",
    neon: "Neon",
  }[config.DATABASE_DRIVER];
  return `Parley ${version} with ${database}, one process, accounts ${config.REGISTRATION === "open" ? "open to all" : "closed"}`;
}

import { createAuth } from "./auth/auth.ts";
import { createBudgets } from "./budgets.ts";
import { connectNodes } from "./bus/connect.ts";
import { createChat } from "./chat/chat.ts";
import { type Clock, within } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { openBackupDesk } from "./db/backup-desk.ts";
import { cleanRegularly } from "./db/cleanup.ts";
import { watchGeneration } from "./db/generation.ts";
import { refuseIfAway } from "./db/away.ts";
import { loadMeta } from "./db/meta.ts";
import { openDatabase } from "./db/open.ts";
import { ownDataDir } from "./db/owner.ts";
import { requireConnections } from "./db/server.ts";
import { keepUp } from "./db/upkeep.ts";
import { createDispatch, type Handler } from "./dispatch.ts";
import { createFaults } from "./faults.ts";
import { createForwardedCheck } from "./limits/forwarded.ts";
import { adminRoutes } from "./http/admin.ts";
import { createApp } from "./http/app.ts";
import { createBodies } from "./http/body.ts";
import { documentRoutes } from "./http/documents/documents.ts";
import { createHealth, healthRoutes } from "./http/health.ts";
import { historyRoutes } from "./http/history.ts";
import { messageRoutes } from "./http/messages.ts";
import { metricsRoutes } from "./http/metrics.ts";
import { invitationRoutes } from "./http/invitations.ts";
import { moderationRoutes } from "./http/moderation.ts";
import { createPage } from "./http/page/page.ts";
import { memberRoutes } from "./http/members.ts";
import { roomRoutes } from "./http/rooms.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { createSecurityLog } from "./security.ts";
import { DRAIN_MS } from "./stopping.ts";
import { createStore } from "./store/store.ts";
import { createHandshakes } from "./ws/handshake.ts";
import { createOutgoing } from "./ws/outgoing.ts";
import type { SocketData } from "./ws/sockets.ts";

export interface SiteParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly metrics: Metrics;
  /** Other processes on this machine listen on the same port: the metrics of all of them. */
  readonly shared?: { metrics(): Promise<string> } | undefined;
  /** What a new embedded database starts from. Defaults to the program's own. */
  readonly template?: Blob | undefined;
}

/** One installation: its database, accounts and chat, and what serves them. */
export interface Site {
  readonly handle: Handler;
  /** Rejects if the database stopped for good or needs a newer program: then this process has to end. */
  readonly failed: Promise<never>;
  /** Refuses new work, answers what was submitted, and tells sockets when to come back. Resolves in bounded time. */
  drain(): Promise<void>;
}

/**
 * Opens the database, builds the parts and wires them. `server` returns the listener that sockets belong to. `opened`
 * gets a function for each part that has to be closed, in the order in which they were opened.
 * @throws if the data directory is held by another process or the database cannot be opened.
 */
export async function openSite(
  config: Config,
  { clock, log, version, metrics, shared, template }: SiteParts,
  server: () => Bun.Server<SocketData>,
  opened: (close: () => unknown) => void,
): Promise<Site> {
  if (config.DATABASE_DRIVER === "pglite")
    opened(
      await ownDataDir(config.DATA_DIR, (entries) =>
        log.warn(
          { event: "data_dir_repaired", entries },
          "other users had permissions on the data directory or on files in it: removed them",
        ),
      ),
    );
  const database = await openDatabase(config, template);
  opened(() => database.close());
  const generation = watchGeneration(database, clock);
  opened(() => generation.stop());
  const meta = await loadMeta(database);
  // The prefix keeps installations that share a Redis apart.
  const prefix = `${config.REDIS_PREFIX}${meta.instance}:`;
  const { bus, limiters } = connectNodes({
    url: config.REDIS_URL,
    prefix,
    key: meta.busKey,
    clock,
    log,
    metrics,
  });
  opened(() => bus.stop());
  const security = createSecurityLog({ clock, log, metrics });
  opened(() => security.stop());
  const auth = await createAuth({
    database,
    config,
    meta,
    clock,
    log,
    bus,
    limiters,
    security,
    passOn: () => chat.moderation.passOn(),
  });
  opened(() => auth.stop());
  const keyMs = Math.max(config.ACCESS_TOKEN_TTL, config.REFRESH_TOKEN_TTL);
  opened(cleanRegularly({ pool: database, clock, log, keyMs }));
  const upkeep = keepUp(database, clock, log);
  opened(() => upkeep.stop());
  opened(openBackupDesk({ dir: config.DATA_DIR, database, clock, log, pause: upkeep.pause }));

  const budgets = createBudgets({
    scale: config.BUDGETS,
    messages: { rate: config.MESSAGE_RATE, burst: config.MESSAGE_BURST },
    clock,
    bus,
    metrics,
  });
  const outgoing = createOutgoing(server, clock);
  const chat = createChat({
    store: {
      ...createStore(database, {
        editWindowMs: config.EDIT_WINDOW,
        membersOnly: config.ROOM_ACCESS === "members",
      }),
      people: {
        find: async (names, me) =>
          (await auth.people.find(names, { me, emails: false }).catch(refuseIfAway)).map(
            (user) => user?.id ?? null,
          ),
      },
    },
    bus,
    budgets,
    standing: auth.standing,
    authenticate: auth.authenticate,
    fanout: outgoing,
    clock,
    log,
    metrics,
    random: Math.random,
    epoch: meta.epoch,
    roomKey: meta.roomKey,
    settings: {
      roomAccess: config.ROOM_ACCESS,
      messageChars: config.MESSAGE_MAX_CHARS,
      socketsPerUser: config.SOCKETS_PER_USER,
      roomsPerSocket: config.ROOMS_PER_SOCKET,
    },
  });

  const faulted = createFaults(log, metrics);
  const health = createHealth(database, clock);
  const handshakes = createHandshakes({
    auth,
    chat,
    budgets,
    trustProxy: config.TRUST_PROXY,
    outgoing,
    clock,
    log,
    metrics,
    faulted,
    allowedOrigins: config.ALLOWED_ORIGINS,
    queryToken: config.QUERY_TOKEN === "on",
  });
  const { METRICS_TOKEN } = config;
  const app: ReturnType<typeof createApp> = createApp({
    config,
    auth,
    bodies: createBodies(clock, metrics),
    budgets,
    faulted,
    routes: [
      healthRoutes(health),
      documentRoutes({ version, routes: () => app.routes }),
      historyRoutes({ auth, chat }),
      messageRoutes({ auth, chat }),
      roomRoutes({ auth, chat }),
      moderationRoutes({ auth, chat }),
      invitationRoutes({ auth, chat }),
      memberRoutes({ auth, chat }),
      adminRoutes({ auth, chat, pool: database, publicUrl: config.PUBLIC_URL, security }),
      ...(METRICS_TOKEN
        ? [
            metricsRoutes({
              token: METRICS_TOKEN,
              read: () => (shared ?? metrics.registry).metrics(),
              security,
            }),
          ]
        : []),
    ],
  });
  metrics.collectProcess();
  if (database.driver !== "pglite") await requireConnections(database, config);

  return {
    failed: Promise.race([database.failed, generation.passed]),
    handle: createDispatch({
      clock,
      trustProxy: config.TRUST_PROXY,
      inspect: createForwardedCheck({ hops: config.TRUST_PROXY, clock, log, metrics }),
      page: createPage(config.REGISTRATION).answer,
      upgrade: handshakes.upgrade,
      api: (request, address) => app.fetch(request, { address }),
    }),
    async drain() {
      health.drain();
      handshakes.drain();
      await within(clock, DRAIN_MS, chat.stop());
    },
  };
}

// Long because all parts of an installation are put together here.

import { createAuth } from "./auth/auth.ts";
import { createBudgets } from "./budgets.ts";
import { connectNodes } from "./bus/connect.ts";
import { createChat } from "./chat/chat.ts";
import { type Clock, within } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { runConsumer } from "./consumers/consumer.ts";
import { runJournal } from "./consumers/journal.ts";
import { searchConsumer } from "./consumers/search.ts";
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
import { openFiles } from "./files/files.ts";
import { adminRoutes } from "./http/admin.ts";
import { apiKeysRoutes } from "./http/apikeys.ts";
import { createApp } from "./http/app.ts";
import { chatRoutes } from "./http/areas.ts";
import { createBodies } from "./http/body.ts";
import { eventRoutes } from "./http/events.ts";
import { documentRoutes } from "./http/documents/documents.ts";
import { createHealth, healthRoutes } from "./http/health.ts";
import { metricsRoutes } from "./http/metrics.ts";
import { createPage } from "./http/page/page.ts";
import { recoveryRoutes } from "./http/recovery.ts";
import { createMessageHook } from "./hooks/messagehook.ts";
import { openHooks } from "./hooks/open.ts";
import { hookRoutes } from "./http/hooks.ts";
import { incomingRoutes } from "./http/incoming.ts";
import type { Log } from "./log.ts";
import { openMail } from "./mail/mail.ts";
import type { Metrics } from "./metrics.ts";
import { createOutbound } from "./outbound/outbound.ts";
import { openPushing } from "./pushing.ts";
import { createSecurityLog } from "./security.ts";
import { DRAIN_MS } from "./stopping.ts";
import { createCursorStore } from "./store/cursors.ts";
import { createFileStore } from "./store/files.ts";
import { createJournal } from "./store/journal.ts";
import { reindex } from "./store/reindex.ts";
import { createSearchIndex } from "./store/searchindex.ts";
import { createHeldStore } from "./store/held.ts";
import { createMovingStore } from "./store/moving.ts";
import { createReceivingStore } from "./store/receiving.ts";
import { createStore } from "./store/store.ts";
import { createHandshakes } from "./ws/handshake.ts";
import { createOutgoing } from "./ws/outgoing.ts";
import type { SocketData } from "./ws/sockets.ts";

/** How long a consumer's statement may wait, and then take, on the embedded database, in milliseconds. */
const CONSUMER_MS = 30_000;

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
  const { REDIS_URL: url } = config;
  const { bus, limiters } = connectNodes({ url, prefix, key: meta.busKey, clock, log, metrics });
  opened(() => bus.stop());
  const security = createSecurityLog({ clock, log, metrics });
  opened(() => security.stop());
  const auth = await createAuth({
    ...{ database, config, meta, clock, log, bus, limiters, security },
    passOn: () => chat.moderation.passOn(),
    mailed: () => mail?.soon(),
  });
  opened(() => auth.stop());
  const keyMs = Math.max(config.ACCESS_TOKEN_TTL, config.REFRESH_TOKEN_TTL);
  opened(cleanRegularly({ pool: database, clock, log, keyMs }));
  const mail = openMail({ config, database, meta, clock, log, metrics });
  opened(() => mail?.stop());
  const upkeep = keepUp(database, clock, log);
  opened(() => upkeep.stop());

  const budgets = createBudgets({
    scale: config.BUDGETS,
    messages: { rate: config.MESSAGE_RATE, burst: config.MESSAGE_BURST },
    clock,
    bus,
    metrics,
  });
  const files =
    config.FILES_URL === "off"
      ? undefined
      : await openFiles({
          url: config.FILES_URL,
          origin: config.FILES_ORIGIN,
          key: meta.fileKey,
          store: createFileStore(database),
          receiving: createReceivingStore(database),
          held: createHeldStore(database),
          moving: createMovingStore(database),
          oldUrl: config.FILES_OLD_URL,
          scanUrl: config.FILE_SCAN_URL,
          max: config.FILE_MAX,
          quotas: { person: config.FILE_QUOTA, room: config.FILE_ROOM_QUOTA },
          clock,
          log,
          metrics,
        });
  opened(() => files?.stop());
  opened(
    openBackupDesk({
      ...{ dir: config.DATA_DIR, database, clock, log },
      pause: upkeep.pause,
      keepFiles: () => files?.keep() ?? (() => {}),
    }),
  );
  const outgoing = createOutgoing(server, clock);
  const store = createStore(database, {
    editWindowMs: config.EDIT_WINDOW,
    membersOnly: config.ROOM_ACCESS === "members",
  });
  const outbound = createOutbound({ clock, allow: config.OUTBOUND_ALLOW });
  const { driver } = database;
  const isEmbedded = driver === "pglite";
  // On the embedded database, consumers take turns, so that a commit waits for one of their statements at most.
  const consumerPool = isEmbedded
    ? database.pool({ connections: 1, limitMs: CONSUMER_MS, waitMs: CONSUMER_MS })
    : database;
  const following = { database, cursors: createCursorStore(consumerPool), clock, log, metrics };
  const places = isEmbedded ? { places: 1 } : {};
  const searches = config.SEARCH === "on";
  const indexing = searches
    ? runConsumer(searchConsumer(createSearchIndex({ driver, ...consumerPool }), clock), {
        ...following,
        ...places,
      })
    : undefined;
  opened(() => indexing?.stop());
  const hooks = openHooks({ ...following, epoch: meta.epoch, outbound });
  opened(() => hooks.stop());
  const { MESSAGE_HOOK_URL: hookUrl, MESSAGE_HOOK_SECRET: secrets } = config;
  const screen =
    hookUrl && secrets
      ? createMessageHook({
          ...{ url: hookUrl, secrets, files: store.files, outbound, clock, log, metrics },
          timeoutMs: config.MESSAGE_HOOK_TIMEOUT,
          allowsUnchecked: config.MESSAGE_HOOK_FAILURE === "allow",
          messageChars: config.MESSAGE_MAX_CHARS,
        })
      : undefined;
  const chat = createChat({
    screen,
    store: {
      ...store,
      search: searches ? store.search : undefined,
      journal: { ...store.journal, wanted: () => journal.wanted() },
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
    changed(room) {
      journal.changed(room);
      indexing?.changed(room);
      pushing?.changed(room);
      hooks.running.changed(room);
    },
    read: (userId, room, id) => pushing?.read(userId, room, id),
    epoch: meta.epoch,
    stamp: await store.watch.stamp(),
    roomKey: meta.roomKey,
    settings: {
      roomAccess: config.ROOM_ACCESS,
      messageChars: config.MESSAGE_MAX_CHARS,
      socketsPerUser: config.SOCKETS_PER_USER,
      roomsPerSocket: config.ROOMS_PER_SOCKET,
      fileBytes: files?.max,
      page: config.PUBLIC_URL && new URL("/", config.PUBLIC_URL).href,
    },
  });
  const journal = runJournal({
    ...following,
    journal: createJournal(consumerPool),
    appended: (seq) => chat.events.appended(seq),
  });
  opened(() => journal.stop());
  // What a node committed last before it ended may have reached nobody.
  bus.listen({
    gone() {
      indexing?.sweep();
      journal.sweep();
      pushing?.sweep();
      hooks.running.sweep();
    },
  });

  const pushing = await openPushing({
    ...following,
    ...places,
    consumerPool,
    config,
    outbound,
    online: chat.online,
  });
  opened(() => pushing?.stop());

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
      ...(auth.recovery ? [recoveryRoutes({ auth, recovery: auth.recovery })] : []),
      documentRoutes({ version, routes: () => app.routes }),
      ...chatRoutes({ auth, chat, files, push: pushing?.push }),
      apiKeysRoutes({ auth, pool: database, security }),
      eventRoutes({ auth, chat, metrics }),
      incomingRoutes({ auth, chat }),
      hookRoutes({ auth, hooks }),
      adminRoutes({
        auth,
        chat,
        pool: database,
        publicUrl: config.PUBLIC_URL,
        security,
        async reindex() {
          await reindex(database, searches);
          indexing?.sweep();
        },
      }),
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
  if (!isEmbedded) await requireConnections(database, config);
  await store.warm();

  const { REGISTRATION: registration, PICTURE_ORIGINS: pictures, FILES_ORIGIN: origin } = config;
  return {
    failed: Promise.race([database.failed, generation.passed]),
    handle: createDispatch({
      clock,
      trustProxy: config.TRUST_PROXY,
      inspect: createForwardedCheck({ hops: config.TRUST_PROXY, clock, log, metrics }),
      page: createPage({ registration, pictures, mails: auth.recovery !== undefined, files: origin }).answer,
      upgrade: handshakes.upgrade,
      api: (request, address, unhurried) => app.fetch(request, { address, unhurried }),
    }),
    async drain() {
      health.drain();
      handshakes.drain();
      await within(clock, DRAIN_MS, chat.stop());
    },
  };
}

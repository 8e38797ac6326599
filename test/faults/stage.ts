import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import type { Database } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { createDataDir } from "../../src/db/template.ts";
import { cachedTemplate } from "../support/template.ts";
import { register } from "./accounts.ts";
import { type Client, type ClientOptions, createClient } from "./client.ts";
import { until } from "./condition.ts";
import { counted, createLedger, type Ledger } from "./ledger.ts";
import { leftover } from "./leftovers.ts";
import { freePort } from "../support/port.ts";
import type { Postgres } from "./postgres.ts";
import { createServer, type ServerProcess } from "./server.ts";
import { judge, type Verdict } from "./verdict.ts";

/** The time limit for clients to catch up once everything works again, in milliseconds. */
const SETTLE_MS = 60_000;
const PEOPLE = 4;

type JoinOptions = Partial<Omit<ClientOptions, "ledger">>;

/** A scenario's own look at the database at the end. Returns what is wrong. */
type Look = (database: Database) => Promise<readonly string[]>;

/** What a scenario runs on: servers on one database, clients in rooms, and one ledger. */
export interface Stage {
  readonly servers: readonly ServerProcess[];
  readonly server: ServerProcess;
  readonly databaseUrl: string;
  readonly ledger: Ledger;
  /** The access tokens of the people whom clients without one belong to. */
  readonly tokens: readonly string[];
  /** Adds clients, spread over the servers and people. */
  join(count: number, options?: JoinOptions): Client[];
  /** Waits until every client is live with a complete copy. */
  ready(): Promise<void>;
  /** Waits until every change is acknowledged and every client has the last version of its room. */
  settled(): Promise<void>;
  /** Stops the clients and servers, then judges what the database contains. */
  verdict(look?: Look): Promise<Verdict>;
  remove(): Promise<void>;
}

interface StageOptions {
  /** Defaults to the embedded database. */
  readonly postgres?: Postgres;
  readonly servers?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Additional settings per server. */
  envOf?(server: number): Readonly<Record<string, string>>;
}

/** Runs a scenario and cleans up afterwards. If it throws, the verdict contains the error and all counts so far. */
export async function onStage(
  options: StageOptions,
  play: (stage: Stage) => Promise<Verdict>,
): Promise<Verdict> {
  const stage = await createStage(options);
  try {
    return await play(stage);
  } catch (error) {
    const logged = stage.servers.map(({ events }) => `logged ${counted(events)}`);
    return {
      counts: [counted(stage.ledger.counts), ...logged].join("\n    "),
      wrong: [Bun.inspect(error), ...stage.ledger.breaches],
    };
  } finally {
    await stage.remove();
  }
}

async function createStage({ postgres, servers: count = 1, env, envOf }: StageOptions): Promise<Stage> {
  const databaseUrl = (await postgres?.createDatabase()) ?? "";
  const folder = postgres ? undefined : await embedded();
  const storage: Record<string, string> = folder ? { DATA_DIR: folder } : { DATABASE_URL: databaseUrl };
  const servers: ServerProcess[] = [];
  for (let index = 0; index < count; index++)
    servers.push(createServer(await freePort(), { ...storage, ...env, ...envOf?.(index) }));
  for (const server of servers) await server.start();
  const [server] = servers as [ServerProcess];

  const ledger = createLedger();
  const tokens = await register(server.url, PEOPLE);
  /** The clients that keep a copy of each room. */
  const rooms = new Map<string, Client[]>();
  /** The clients that post to each room. */
  const posters = new Map<string, Client[]>();
  const clients: Client[] = [];

  const level = ([room, inRoom]: [string, readonly Client[]]) => {
    const last = Math.max(
      ...(posters.get(room) ?? []).map(({ acknowledged }) => acknowledged),
      ...inRoom.map(({ copy }) => copy.version),
    );
    return inRoom.every(({ live, copy }) => live && copy.version === last);
  };

  return {
    servers,
    server,
    databaseUrl,
    ledger,
    tokens,
    join(number, options = {}) {
      const { room = "main", sendOnly = false, guest = false } = options;
      const readersOf = rooms.getOrInsert(room, []);
      const postersOf = posters.getOrInsert(room, []);
      return Array.from({ length: number }, () => {
        const index = clients.length;
        const client = createClient({
          room,
          ledger,
          token: tokens[index % PEOPLE] ?? "",
          url: () => servers[index % count]?.url ?? "",
          byCommand: sendOnly || index % 2 === 1,
          ...options,
        });
        clients.push(client);
        postersOf.push(client);
        if (!sendOnly && !guest) readersOf.push(client);
        return client;
      });
    },
    ready: () =>
      until("every client is live in its room", SETTLE_MS, () => clients.every(({ live }) => live)),
    settled: () =>
      until("every change is acknowledged, and every client has caught up", SETTLE_MS, () => {
        if (clients.some(({ unanswered }) => unanswered > 0)) return false;
        return [...rooms].every(level);
      }),
    async verdict(look) {
      for (const client of clients) client.stop();
      const wrong: string[] = [];
      for (const { stop, alarms } of servers) {
        const { code } = await stop();
        if (code !== 0) wrong.push(`the server exited with code ${code}`);
        wrong.push(...alarms.slice(0, 5));
      }
      const database = await openDatabase(loadConfig(storage));
      try {
        const judged = await judge(database, ledger, rooms);
        wrong.push(...((await look?.(database)) ?? []));
        const faults = servers.reduce((sum, { events }) => sum + (events.get("fault") ?? 0), 0);
        return {
          counts: `${judged.counts}; faults logged ${faults}`,
          wrong: [...wrong, ...judged.wrong],
        };
      } finally {
        await database.close();
      }
    },
    async remove() {
      for (const client of clients) client.stop();
      for (const { kill } of servers) await kill();
      if (folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Creates a folder with an empty embedded database. */
async function embedded(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "parley-faults-data-"));
  leftover(() => rmSync(folder, { recursive: true, force: true }));
  await createDataDir(join(folder, "postgres"), await cachedTemplate());
  return folder;
}

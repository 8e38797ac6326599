import { sql } from "drizzle-orm";
import { type Database, rows } from "../../../src/db/database.ts";
import { ADMIN_TOKEN } from "../../chat/ways.ts";
import { streamEvents } from "../../support/events.ts";
import { until } from "../condition.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import type { ServerProcess } from "../server.ts";
import { onStage, type Stage } from "../stage.ts";
import type { Verdict } from "../verdict.ts";

const KILLS = { short: 2, full: 20 } as const;
const READERS = 3;
/** A node that was killed left changes that the walk of another one finds. */
const CAUGHT_UP_MS = 60_000;

interface Told {
  readonly room: string;
  readonly version: number;
  readonly content: string;
  /** Where to continue after it. */
  readonly cursor: string;
}

interface Follower {
  /** What it was told, as far as it had stored its cursor. */
  readonly log: readonly Told[];
  /** How often it connected, and how many events it has forgotten to read them again. */
  readonly connects: number;
  readonly forgotten: number;
  stop(): Promise<void>;
}

/**
 * A program that follows all rooms, over whichever server is there. It loses its connection all the time. Like one that crashed
 * before it stored its cursor, it sometimes forgets what it was told last, and reads that again.
 */
function follow(servers: readonly ServerProcess[]): Follower {
  const log: Told[] = [];
  let stopped = false;
  let connects = 0;
  let forgotten = 0;

  async function connect(): Promise<void> {
    const server = servers[Math.floor(Math.random() * servers.length)];
    if (Math.random() < 0.3) forgotten += log.splice(Math.max(0, log.length - between(0, 20))).length;
    const stream = await streamEvents(server ?? { url: "" }, {
      token: ADMIN_TOKEN,
      query: { after: "start" },
      cursor: log.at(-1)?.cursor,
      heard({ id, event, data }) {
        if (!data || event) return;
        log.push({ ...(data as unknown as Omit<Told, "cursor">), cursor: id });
      },
    });
    // A server that is starting refuses it at once.
    if (stream.status === 200) connects++;
    else await Bun.sleep(100);
    await Promise.race([stream.ended, Bun.sleep(between(50, 1_000))]);
    stream.close();
    await stream.ended;
  }

  const running = (async () => {
    while (!stopped) await connect().catch(() => Bun.sleep(100));
  })();
  return {
    log,
    get connects() {
      return connects;
    },
    get forgotten() {
      return forgotten;
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
}

interface Row {
  readonly room: string;
  readonly version: number;
  readonly content: string;
}

/** Compares what a follower was told with what is stored: rising versions in each room, and the last state of each message. */
function compare(name: string, log: readonly Told[], stored: readonly Row[]): string[] {
  const wrong: string[] = [];
  const last = new Map<string, number>();
  const told = new Map<string, string>();
  for (const { room, version, content } of log) {
    if (version <= (last.get(room) ?? 0))
      wrong.push(`${name} got version ${version} of ${room} out of order or again`);
    last.set(room, version);
    told.set(`${room} ${version}`, content);
  }
  for (const { room, version, content } of stored)
    if (told.get(`${room} ${version}`) !== content)
      wrong.push(`${name} never got version ${version} of ${room}`);
  return wrong.length > 5 ? [...wrong.slice(0, 5), `and ${wrong.length - 5} more`] : wrong;
}

const readStored = (database: Database) =>
  database.run((orm) =>
    rows<Row>(
      orm,
      sql`select r.name as room, m.version::float8 as version, m.content from messages m join rooms r on r.id = m.room_id
        order by r.name, m.version`,
    ),
  );

/** Kills servers in turn while programs follow what happens in all rooms, over whichever of them is there. */
async function killUnderFollowers(stage: Stage, kills: number): Promise<Verdict> {
  const clients = ["one", "two", "three"].flatMap((room) => stage.join(2, { room }));
  await stage.ready();
  const load = startLoad(clients, { perSecond: 30, window: 40 });
  const followers = Array.from({ length: READERS }, () => follow(stage.servers));
  const sum = (of: (follower: Follower) => number) => followers.reduce((total, one) => total + of(one), 0);
  try {
    for (let kill = 0; kill < kills; kill++) {
      const before = followers.map(({ log }) => log.length);
      await until("followers hear something", CAUGHT_UP_MS, () =>
        followers.every(({ log }, index) => log.length > (before[index] ?? 0)),
      );
      await Bun.sleep(between(0, 300));
      const server = stage.servers[kill % stage.servers.length];
      await server?.kill();
      await server?.start();
    }
    load.stop();
    await stage.settled();
    const isThere = ({ log }: Follower) =>
      clients.every(({ room, copy }) =>
        log.some((told) => told.room === room && told.version === copy.version),
      );
    await until("followers have caught up", CAUGHT_UP_MS, () => followers.every(isThere));
    await Promise.all(followers.map(({ stop }) => stop()));
    return withMore(
      await stage.verdict(async (database) => {
        const stored = await readStored(database);
        return followers.flatMap(({ log }, index) => compare(`follower ${index + 1}`, log, stored));
      }),
      `events told ${sum(({ log }) => log.length)}, connections ${sum(({ connects }) => connects)}, read again ${sum(({ forgotten }) => forgotten)}`,
      [sum(({ forgotten }) => forgotten) === 0 && "nothing was read again: too little was tested"],
    );
  } finally {
    await Promise.all(followers.map(({ stop }) => stop()));
  }
}

const env = { ADMIN_TOKEN, BUDGETS: "0" };

/** Two nodes on Postgres, killed in turn. */
export const eventsFollowed: Scenario = {
  name: "events: nodes killed while programs follow all rooms",
  play: ({ postgres, full }) =>
    onStage({ postgres, servers: 2, env }, (stage) =>
      killUnderFollowers(stage, full ? KILLS.full : KILLS.short),
    ),
};

/** One server with the embedded database. */
export const eventsEmbedded: Scenario = {
  name: "events: the embedded server killed while programs follow all rooms",
  embedded: true,
  play: ({ full }) => onStage({ env }, (stage) => killUnderFollowers(stage, full ? KILLS.full : 1)),
};

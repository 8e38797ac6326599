import { sql } from "drizzle-orm";
import { type Database, rows } from "../../../src/db/database.ts";
import { ADMIN_TOKEN } from "../../chat/ways.ts";
import { until } from "../condition.ts";
import { type IllReceiver, startIllReceiver } from "../hookreceiver.ts";
import { judgeDeliveries, type StoredState } from "../hookverdict.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import { onStage, type Stage } from "../stage.ts";

const ROUNDS = { short: 1, full: 5 } as const;
/** The webhook covers all rooms with this prefix. Another room is busy too. */
const PREFIX = "shop-";
const ROOMS = ["shop-a", "shop-b", "shop-c", "shop-d", "shop-e", "shop-f"];
const OTHER = "other";
/** How long the receiver is away, in milliseconds. In the short form, rooms fail once meanwhile: their next attempt is soon. */
const AWAY_MS = { short: [600, 800], full: [600, 8_000] } as const;
/** The leases of a node that was killed end, and rooms that failed wait. */
const CAUGHT_UP_MS = 90_000;

/** Creates a webhook at a server. Returns its secret. */
async function createHook(server: string, url: string): Promise<string> {
  const response = await fetch(`${server}/hooks/`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ url, rooms: [`${PREFIX}*`] }),
  });
  const { secret } = (await response.json()) as { secret?: string };
  if (!secret) throw new Error(`the webhook was refused with status ${response.status}`);
  return secret;
}

const readStored = (database: Database) =>
  database.run((orm) =>
    rows<StoredState>(
      orm,
      sql`select r.name as room, m.id::float8 as id, m.version::float8 as version, m.content, m.deleted_at is not null as deleted
        from messages m join rooms r on r.id = m.room_id where r.name like ${`${PREFIX}%`}::text`,
    ),
  );

interface Faults {
  readonly stage: Stage;
  readonly receiver: IllReceiver;
  readonly awayMs: readonly [number, number];
  /** Cuts connections to the database. Returns how many. */
  cut(): Promise<number>;
}

/** Kills a node in the middle of a request, cuts connections to the database, and lets the receiver die and return. */
async function breakAll({ stage, receiver, awayMs, cut }: Faults, round: number): Promise<number> {
  const flows = async (most: number) => {
    const before = receiver.taken.length;
    await until("the receiver takes more", CAUGHT_UP_MS, () => receiver.taken.length > before + most);
  };
  await flows(3);
  await until("requests wait for their responses", CAUGHT_UP_MS, () => receiver.open > 1);
  const server = stage.servers[round % stage.servers.length];
  await server?.kill();
  let ended = await cut();
  await receiver.die();
  await Bun.sleep(between(...awayMs));
  receiver.rise();
  await Bun.sleep(between(0, 300));
  ended += await cut();
  await server?.start();
  await flows(5);
  return ended;
}

/** Two nodes on Postgres send to a receiver that is ill. */
export const webhooksDelivered: Scenario = {
  name: "webhooks: a node killed, and the database and an ill receiver away",
  play: ({ postgres, full }) =>
    onStage({ postgres, servers: 2, env: { ADMIN_TOKEN, OUTBOUND_ALLOW: "127.0.0.1" } }, async (stage) => {
      const receiver = await startIllReceiver();
      try {
        receiver.secret = await createHook(stage.server.url, receiver.url);
        const clients = [...ROOMS, OTHER].flatMap((room) => stage.join(2, { room }));
        await stage.ready();
        const load = startLoad(clients, { perSecond: 20, window: 40 });
        let ended = 0;
        const form = full ? "full" : "short";
        const cut = () => postgres.terminate(stage.databaseUrl, 0.7);
        for (let round = 0; round < ROUNDS[form]; round++)
          ended += await breakAll({ stage, receiver, awayMs: AWAY_MS[form], cut }, round);
        load.stop();
        await stage.settled();
        const database = new Bun.SQL(stage.databaseUrl, { max: 1 });
        const behind = async () => {
          const [row] = (await database`select count(*)::int as count from rooms r
            left join cursors c on c.room_id = r.id and c.consumer like 'hook:%'
            where r.name like ${`${PREFIX}%`} and r.version > coalesce(c.version, 0)`) as { count: number }[];
          return row?.count ?? 0;
        };
        try {
          await until("everything was sent", CAUGHT_UP_MS, async () => (await behind()) === 0);
        } finally {
          await database.close();
        }
        let judged: ReturnType<typeof judgeDeliveries> | undefined;
        const verdict = await stage.verdict(async (database) => {
          judged = judgeDeliveries(receiver, await readStored(database));
          return judged.wrong;
        });
        return withMore(
          verdict,
          `deliveries ${receiver.got.length}, taken ${receiver.taken.length} with ${judged?.changes} changes, taken again ${judged?.repeats}, ` +
            `refused or lost ${receiver.refused}, sender gone ${receiver.unheard}; connections cut ${ended}`,
          [
            receiver.unsigned > 0 && `${receiver.unsigned} deliveries were not signed`,
            receiver.refused === 0 && "the receiver refused nothing: too little was tested",
          ],
        );
      } finally {
        await receiver.die();
      }
    }),
};

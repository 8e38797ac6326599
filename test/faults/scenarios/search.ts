import { sql } from "drizzle-orm";
import { type Database, rows } from "../../../src/db/database.ts";
import { termsOfMessage } from "../../../src/search/terms.ts";
import { BLOCK, SEARCH } from "../../../src/store/searchindex.ts";
import { until } from "../condition.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import { onStage } from "../stage.ts";

const KILLS = { short: 3, full: 20 } as const;
/** The lease of a node that was killed ends before another one goes on, and some rooms may have failed meanwhile. */
const INDEXED_MS = 120_000;

interface Row {
  readonly id: number;
  readonly room: number;
  readonly senderId: number;
  readonly content: string;
  readonly files: string | null;
  readonly findable: boolean;
  /** JSON; null: it is not in the index. */
  readonly terms: string | null;
}

/** Compares the index with each message: it has the terms of all that can be found, and nothing else. */
async function compare(database: Database): Promise<string[]> {
  const found = await database.run((orm) =>
    rows<Row>(
      orm,
      sql`select coalesce(m.room_id, s.room_id)::float8 as room, coalesce(m.id, s.id)::float8 as id, m.sender_id::float8 as "senderId",
          m.content, m.files, m.id is not null and m.deleted_at is null and m.notice is null as findable,
          array_to_json(tsvector_to_array(s.terms))::text as terms
        from messages m full join search s on s.room_id = m.room_id and s.id = m.id`,
    ),
  );
  const wrong = found.flatMap(({ findable, terms, ...message }) => {
    const { room, id } = message;
    const name = `message ${id} of room ${room}`;
    if (!findable) return terms === null ? [] : [`${name} cannot be found, but is in the index`];
    const prefix = `${room.toString(16)}.${Math.trunc(id / BLOCK).toString(16)}:`;
    const expected = termsOfMessage(message).map((term) => prefix + term);
    const is = terms === null ? [] : (JSON.parse(terms) as string[]);
    return Bun.deepEquals(expected.toSorted(), is.toSorted()) ? [] : [`${name} is not found by what it says`];
  });
  if (found.every(({ findable }) => findable)) wrong.push("no message was deleted: too little was tested");
  return wrong.length > 5 ? [...wrong.slice(0, 5), `and ${wrong.length - 5} more`] : wrong;
}

/** Nodes are killed in turn while they index what others post, edit and delete. */
export const indexKilled: Scenario = {
  name: "search: nodes killed while they index",
  play: ({ postgres, full }) =>
    onStage({ postgres, servers: 2 }, async (stage) => {
      const clients = ["one", "two", "three"].flatMap((room) => stage.join(4, { room }));
      await stage.ready();
      const load = startLoad(clients, { perSecond: 30, window: 40 });
      const database = new Bun.SQL(stage.databaseUrl, { max: 1 });
      const indexed = async () => {
        const [row] = (await database`select count(*)::int as count from search`) as { count: number }[];
        return row?.count ?? 0;
      };
      const behind = async () => {
        const [row] = (await database`select count(*)::int as count from rooms r
          left join cursors c on c.room_id = r.id and c.consumer = ${SEARCH}
          where r.version > coalesce(c.version, 0)`) as { count: number }[];
        return row?.count ?? 0;
      };
      let left = 0;
      try {
        for (let kill = 0; kill < (full ? KILLS.full : KILLS.short); kill++) {
          const before = await indexed();
          await until("messages are indexed", INDEXED_MS, async () => (await indexed()) > before);
          await Bun.sleep(between(0, 300));
          await until("changes wait for the index", INDEXED_MS, async () => (await behind()) > 0);
          const server = stage.servers[kill % 2];
          await server?.kill();
          left += await behind();
          await server?.start();
        }
        load.stop();
        await stage.settled();
        await until("everything is indexed", INDEXED_MS, async () => (await behind()) === 0);
        const count = await indexed();
        return withMore(
          await stage.verdict(compare),
          `in the index ${count}, rooms with changes to index at the kills ${left}`,
          [left === 0 && "everything was indexed at each kill: nothing was tested"],
        );
      } finally {
        await database.close();
      }
    }),
};

import { existsSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { amcheck } from "@electric-sql/pglite/contrib/amcheck";
import { drizzle } from "drizzle-orm/pglite";
import { DataFS } from "../../src/db/data-fs.ts";
import type { Database, Orm, PoolOptions } from "../../src/db/database.ts";
import { requireDurable, START_PARAMS } from "../../src/db/durability.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createPool } from "../../src/db/pool.ts";
import * as schema from "../../src/db/schema.ts";
import { expected, holes, readRoom } from "../support/stored.ts";
import type { Acked, Sent } from "./workload.ts";

// Opens what power failures have left, one folder for each line of standard input, and prints what is wrong. It opens
// them as the program does, but in this thread, and with an extension that checks indexes.

/** What to verify. */
export interface Question {
  /** The data directory, as DATA_DIR. */
  readonly folder: string;
  readonly asked: readonly Sent[];
  readonly acked: readonly Acked[];
}

/** The result: whether it opens, the acknowledged changes that are missing, and other problems. */
export interface Verdict {
  opens: boolean;
  lost: number;
  problems: string[];
}

const DIST = join(import.meta.dir, "../../node_modules/@electric-sql/pglite/dist");
const compile = async (name: string) => WebAssembly.compile(await Bun.file(join(DIST, name)).arrayBuffer());
const parts = {
  pgliteWasmModule: await compile("pglite.wasm"),
  initdbWasmModule: await compile("initdb.wasm"),
  fsBundle: Bun.file(join(DIST, "pglite.data")),
};

async function verify({ folder, asked, acked }: Question, verdict: Verdict): Promise<void> {
  const dataDir = join(folder, "postgres");
  if (!existsSync(dataDir)) {
    // The program would create a new database.
    verdict.opens = true;
    verdict.lost = acked.length;
    return;
  }
  const files = await DataFS.prepare(dataDir, () => {
    verdict.problems.push("it panics");
    console.log(JSON.stringify(verdict));
    process.exit(1); // PGlite never returns from a panic
  });
  const pglite = await PGlite.create({
    fs: files,
    startParams: [...START_PARAMS],
    ...parts,
    extensions: { amcheck },
  });
  await requireDurable(pglite, files);
  const database = databaseOf(pglite);
  await migrate(database);
  verdict.opens = true;
  const wrong = (problem: string) => void verdict.problems.push(problem);

  const sent = new Map(asked.map((change) => [change.clientId, change]));
  for (const [room, acks] of Map.groupBy(acked, (ack) => ack.room)) {
    const stored = await readRoom(database, room);
    const posts = new Map(stored.messages.map(({ clientId, id }) => [clientId, id]));
    const changes = new Map(stored.changes.map(({ clientId, version }) => [clientId, version]));
    verdict.lost += acks.filter(({ clientId, id, version }) =>
      sent.get(clientId)?.type === "post" ? posts.get(clientId) !== id : changes.get(clientId) !== version,
    ).length;
    if (holes(stored) > 0) wrong(`${room} has holes`);
    if (posts.size !== stored.messages.length || changes.size !== stored.changes.length)
      wrong(`${room} has doubles`);
    if (!Bun.deepEquals(stored.messages, expected(stored, sent))) wrong(`${room} differs from its changes`);
  }
  await checkFiles(pglite, wrong);
  await pglite.query("insert into meta (name, value) values ('written', '')");
  await pglite.close();
}

/** Checks every index and table with Postgres's amcheck. */
async function checkFiles(pglite: PGlite, wrong: (problem: string) => void): Promise<void> {
  await pglite.exec("create extension amcheck");
  const { rows: relations } = await pglite.query<{
    name: string;
    kind: string;
    method: string;
    unique: boolean;
  }>(
    `select c.oid::regclass::text as name, c.relkind as kind, a.amname as method, coalesce(i.indisunique, false) as unique
      from pg_class c join pg_am a on a.oid = c.relam left join pg_index i on i.indexrelid = c.oid
      where c.relkind in ('r', 't', 'm', 'i') order by 1`,
  );
  for (const { name, kind, method, unique } of relations) {
    try {
      if (kind === "i" && method === "btree")
        await pglite.query("select bt_index_check($1::regclass, true, $2)", [name, unique]);
      else if (kind === "i" && method === "gin")
        await pglite.query("select gin_index_check($1::regclass)", [name]);
      else if (kind !== "i") {
        const { rows } = await pglite.query("select * from verify_heapam($1::regclass)", [name]);
        if (rows.length > 0) wrong(`${name}: ${JSON.stringify(rows[0])}`);
      }
    } catch (error) {
      wrong(`${name}: ${(error as Error).message}`);
    }
  }
}

function databaseOf(pglite: PGlite): Database {
  const orm = drizzle({ client: pglite, schema, casing: "snake_case" }) as unknown as Orm;
  const pool = (options: PoolOptions) => createPool(() => ({ orm }), options);
  return {
    driver: "pglite",
    pooled: false,
    connections: 1,
    failed: new Promise(() => {}),
    openAll: async () => 1,
    run: pool({ connections: 1, limitMs: 60_000 }).run,
    pool,
    close: () => pglite.close(),
  };
}

for await (const line of console) {
  const question = JSON.parse(line) as Question;
  const verdict: Verdict = { opens: false, lost: 0, problems: [] };
  try {
    await verify(question, verdict);
  } catch (error) {
    verdict.problems.push(String((error as Error).message).slice(0, 300));
  }
  console.log(JSON.stringify(verdict));
}

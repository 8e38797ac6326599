import { existsSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { amcheck } from "@electric-sql/pglite/contrib/amcheck";
import { drizzle } from "drizzle-orm/pglite";
import { DataFS } from "../../src/db/data-fs.ts";
import { type Database, type Orm, type PoolOptions, rows } from "../../src/db/database.ts";
import { requireDurable, START_PARAMS } from "../../src/db/durability.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createPool } from "../../src/db/pool.ts";
import * as schema from "../../src/db/schema.ts";
import { openDisk } from "../../src/files/disk.ts";
import type { Variant } from "../../src/protocol/files.ts";
import { sizesOf } from "../../src/store/files.ts";
import { expected, holes, readRoom } from "../support/stored.ts";
import type { Acked, Sent, Stored } from "./workload.ts";

// Opens what power failures have left, one folder for each line of standard input, and prints what is wrong. It opens
// them as the program does, but in this thread, and with an extension that checks indexes.

/** What to verify. */
export interface Question {
  /** The data directory, as DATA_DIR. */
  readonly folder: string;
  readonly asked: readonly Sent[];
  readonly acked: readonly Acked[];
  readonly stored: readonly Stored[];
  readonly dropped: readonly string[];
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

async function verify(question: Question, verdict: Verdict): Promise<void> {
  const { folder, asked, acked } = question;
  const dataDir = join(folder, "postgres");
  if (!existsSync(dataDir)) {
    // The program would create a new database.
    verdict.opens = true;
    verdict.lost = acked.length + question.stored.length;
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
  verdict.lost += await checkUploads(database, question, wrong);
  await checkFiles(pglite, wrong);
  await pglite.query("insert into meta (name, value) values ('written', '')");
  await pglite.close();
}

/**
 * Checks that everything that the database has of files is whole, and that each message has its files. Returns the number of
 * acknowledged uploads that are lost.
 */
async function checkUploads(
  database: Database,
  { folder, stored, dropped }: Question,
  wrong: (problem: string) => void,
): Promise<number> {
  const blobs = await openDisk(join(folder, "files"));
  const found = await database.run((orm) =>
    rows<{ id: string; state: string; hash: string; variants: string; message: string | null }>(
      orm,
      sql`select f.id::text as id, f.state, f.hash, f.variants, m.files as message
        from files f left join messages m on m.room_id = f.room_id and m.id = f.message_id`,
    ),
  );
  const kept = found.filter(({ state }) => state === "ready" || state === "attached");
  for (const { id, state, hash, variants, message } of kept) {
    const bytes = await blobs.read(id, "original").catch(() => undefined);
    if (!bytes || new Bun.CryptoHasher("sha256").update(bytes).digest("hex") !== hash)
      wrong(`the file ${id} is ${bytes ? "not whole" : "gone"}`);
    for (const [variant, size] of Object.entries(sizesOf(variants)))
      if ((await blobs.read(id, variant as Variant).catch(() => undefined))?.length !== size)
        wrong(`the ${variant} of ${id} is not whole`);
    if (state === "attached" && !message?.includes(id)) wrong(`the message of ${id} does not have it`);
  }
  const named = await database.run((orm) =>
    rows<{ files: string }>(orm, sql`select files from messages where files is not null`),
  );
  for (const { files } of named)
    for (const { id } of JSON.parse(files) as { id: string }[])
      if (!kept.some((row) => row.id === id && row.state === "attached"))
        wrong(`a message points to ${id}, which is not there`);
  return stored.filter(({ id, hash }) => {
    const row = kept.find((one) => one.id === id);
    return row ? row.hash !== hash : !dropped.includes(id);
  }).length;
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
        const { rows: faults } = await pglite.query("select * from verify_heapam($1::regclass)", [name]);
        if (faults.length > 0) wrong(`${name}: ${JSON.stringify(faults[0])}`);
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

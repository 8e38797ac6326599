import { sql } from "drizzle-orm";
import { type Database, type Pool, rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { memoryFolder } from "./folder.ts";
import { cachedTemplate } from "./template.ts";

// Opening an embedded database takes more than a second of CPU time; emptying one that is open takes a few
// milliseconds. Databases that nobody opens a second time are therefore kept, emptied and lent again.

/** Databases beyond this many are closed when they come back. Few test files have more open at once. */
const KEPT_MAX = 3;
/** A database whose work has not ended this many milliseconds after it was closed is not used again. */
const WORK_ENDS_MS = 5_000;

// preload.ts replaces the module's openDatabase by `openRecycled`.
const open = openDatabase;

const disposable = new Set<string>();
/** Folders whose database stays open, with the database once it was opened. */
const lasting = new Map<string, Database | undefined>();
const kept: Database[] = [];

/** A folder for DATA_DIR that is opened once and not looked into: its database may come from another test. */
export function disposableFolder() {
  const { path, remove } = memoryFolder();
  disposable.add(path);
  return {
    path,
    remove() {
      disposable.delete(path);
      remove();
    },
  };
}

/** A folder for DATA_DIR that only this process opens, often: its database stays open until the folder is removed. */
export function lastingFolder() {
  const { path, remove } = memoryFolder();
  lasting.set(path, undefined);
  return {
    path,
    async remove() {
      const database = lasting.get(path);
      lasting.delete(path);
      if (database) await giveBack(database);
      remove();
    },
  };
}

/** `openDatabase` for tests: lends a kept database to a folder of this file, and opens all others for real. */
export const openRecycled: typeof openDatabase = async (config, template) => {
  const path = config.DATABASE_DRIVER === "pglite" ? config.DATA_DIR : "";
  if (!disposable.has(path) && !lasting.has(path)) return open(config, template);
  const make = async () =>
    kept.pop() ?? open({ ...config, DATA_DIR: memoryFolder().path }, template ?? (await cachedTemplate()));
  const database = lasting.get(path) ?? (await make());
  if (disposable.has(path)) return lend(database, giveBack);
  lasting.set(path, database);
  return lend(database, async () => {});
};

const nothing = () => {};

/** Takes an idle database back. */
async function giveBack(database: Database): Promise<void> {
  if (kept.length === KEPT_MAX) return database.close();
  await empty(database);
  kept.push(database);
}

/** `after` runs once the borrower has closed the database and its work has ended. */
function lend(database: Database, after: (database: Database) => Promise<void>): Database {
  const underWay = new Set<Promise<unknown>>();
  let closed = false;
  const track = ({ run }: Pool): Pool => ({
    run(work) {
      if (closed) return Promise.reject(new Error("the embedded database is closed"));
      const result = run(work);
      const ended = result.then(nothing, nothing);
      underWay.add(ended);
      void ended.then(() => underWay.delete(ended));
      return result;
    },
    close: async () => {},
  });
  return {
    ...database,
    ...track(database),
    pool: (options) => track(database.pool(options)),
    async close() {
      if (closed) return;
      closed = true;
      const idle = Promise.all(underWay).then(() => true);
      const late = Bun.sleep(WORK_ENDS_MS).then(() => false);
      await ((await Promise.race([idle, late])) ? after(database) : database.close());
    },
  };
}

/** Makes it what the template is: the server itself is the only person, sequences at their start, no statistics for the planner. */
async function empty(database: Database): Promise<void> {
  await database.run(async (orm) => {
    const tables = await rows<{ names: string }>(
      orm,
      sql`select string_agg(format('%I', relname), ', ') as names from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
    );
    await rows(orm, sql.raw(`create temporary table server as select * from users where id = 0`));
    await rows(orm, sql.raw(`truncate ${tables[0]?.names} restart identity`));
    await rows(orm, sql`insert into users overriding system value select * from server`);
    await rows(orm, sql`drop table server`);
    await rows(orm, sql`insert into meta (name, value) values ('generation', '2')`);
    await rows(
      orm,
      sql`delete from pg_statistic using pg_class
        where starelid = oid and relnamespace = 'public'::regnamespace`,
    );
  });
}

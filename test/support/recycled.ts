import { sql } from "drizzle-orm";
import { type Database, type Pool, rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { temporaryFolder } from "./folder.ts";

// Opening an embedded database takes more than a second of CPU time; emptying one that is open takes a few
// milliseconds. Databases that nobody opens a second time are therefore kept, emptied and lent again.

/** Databases beyond this many are closed when they come back. Few test files have more open at once. */
const KEPT_MAX = 3;
/** A database whose work has not ended this many milliseconds after it was closed is not used again. */
const WORK_ENDS_MS = 5_000;

// preload.ts replaces the module's openDatabase by `openRecycled`.
const open = openDatabase;

const disposable = new Set<string>();
const kept: Database[] = [];

/** A folder for DATA_DIR that is opened once and not looked into: its database may come from another test. */
export function disposableFolder() {
  const { path, remove } = temporaryFolder();
  disposable.add(path);
  return {
    path,
    remove() {
      disposable.delete(path);
      remove();
    },
  };
}

/** `openDatabase` for tests: lends a kept database to a disposable folder, and opens all others for real. */
export const openRecycled: typeof openDatabase = async (config, template) => {
  if (config.DATABASE_DRIVER !== "pglite" || !disposable.has(config.DATA_DIR)) return open(config, template);
  return lend(kept.pop() ?? (await open({ ...config, DATA_DIR: temporaryFolder().path }, template)));
};

const nothing = () => {};

function lend(database: Database): Database {
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
      if (kept.length < KEPT_MAX && (await Promise.race([idle, late]))) {
        await empty(database);
        kept.push(database);
      } else await database.close();
    },
  };
}

/** Makes it what the template is: no rows, sequences at their start, no statistics for the planner. */
async function empty(database: Database): Promise<void> {
  await database.run(async (orm) => {
    const tables = await rows<{ names: string }>(
      orm,
      sql`select string_agg(format('%I', relname), ', ') as names from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
    );
    await rows(orm, sql.raw(`truncate ${tables[0]?.names} restart identity`));
    await rows(
      orm,
      sql`delete from pg_statistic using pg_class
        where starelid = oid and relnamespace = 'public'::regnamespace`,
    );
  });
}

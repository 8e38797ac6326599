import { sql } from "drizzle-orm";
import { runOrRefuse } from "../db/away.ts";
import { type Database, rows } from "../db/database.ts";
import { fromNow } from "../db/time.ts";
import type { HeldFile, HeldStore } from "../files/ports.ts";
import { ofKey } from "./receiving.ts";

/** Files that one statement takes. */
const BATCH = 5;

/** The rows of files that the scanner has not cleared, in SQL. */
export function createHeldStore(database: Database): HeldStore {
  const run = <T>(statement: ReturnType<typeof sql>) =>
    runOrRefuse(database, (orm) => rows<T>(orm, statement));

  return {
    take: (forMs) =>
      run<HeldFile>(sql`update files f set at = ${fromNow(forMs)}
        where f.id in (
          select id from files where state = 'held' and at < clock_timestamp()
          order by at limit ${BATCH}::int for update skip locked
        ) returning f.id::text as id, f.size::float8 as size`),

    async settle(id, outcome) {
      const now =
        outcome === "clean" ? sql`state = 'ready'` : sql`state = 'rejected', size = 0, placeholder = null`;
      const settled = await run(sql`update files set ${now}, at = clock_timestamp()
        where id = ${id}::text::uuid and state = 'held' returning true as settled`);
      return settled.length > 0;
    },

    async defer(id, forMs) {
      await run(sql`update files set at = ${fromNow(forMs)} where id = ${id}::text::uuid and state = 'held'`);
    },

    async wasRejected(key) {
      const found = await run(
        sql`select true as found from files f where ${ofKey(key)} and f.state = 'rejected' limit 1`,
      );
      return found.length > 0;
    },
  };
}

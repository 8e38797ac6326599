import { sql } from "drizzle-orm";
import { runOrRefuse } from "../db/away.ts";
import { type Database, rows } from "../db/database.ts";
import type { MovingStore } from "../files/ports.ts";
import { uuids } from "./sql.ts";

const now = sql`(extract(epoch from clock_timestamp()) * 1000)`;

/** What moving files has to know of their rows, in SQL. */
export function createMovingStore(database: Database): MovingStore {
  const run = <T>(statement: ReturnType<typeof sql>) =>
    runOrRefuse(database, (orm) => rows<T>(orm, statement));

  return {
    async hold(holder, forMs) {
      const until = sql`${holder}::text || ' ' || (${now} + ${forMs}::float8)::bigint`;
      const held = await run(sql`
        insert into meta (name, value) values ('file_mover', ${until})
        on conflict (name) do update set value = excluded.value
          where split_part(meta.value, ' ', 1) = ${holder}::text or split_part(meta.value, ' ', 2)::bigint < ${now}
        returning true as held`);
      return held.length > 0;
    },

    movable: (ids) =>
      run(sql`select f.id::text as id, f.state in ('held', 'ready', 'attached') as "isComplete" from files f
        where f.id = any(${uuids(ids)}) and f.state in ('held', 'ready', 'attached', 'uploading', 'receiving')`),
  };
}

import { sql } from "drizzle-orm";
import { type Database, rows } from "../db/database.ts";
import type { Sizes } from "../files/ports.ts";
import { sizesOf } from "./files.ts";
import { uuids } from "./sql.ts";

/** What is compared with the stored files. */
export const sampleFiles = (database: Database) => ({
  /** Some files that are complete, at random. */
  async complete(most: number): Promise<readonly { readonly id: string; readonly sizes: Sizes }[]> {
    const found = await database.run((orm) =>
      rows<{ id: string; variants: string }>(
        orm,
        sql`select id::text as id, variants from files where state in ('held', 'ready', 'attached')
          order by random() limit ${most}::int`,
      ),
    );
    return found.map(({ id, variants }) => ({ id, sizes: sizesOf(variants) }));
  },
  /** How many of some files have no row. */
  async unknown(ids: readonly string[]): Promise<number> {
    const found = await database.run((orm) =>
      rows<{ unknown: number }>(
        orm,
        sql`select count(*)::float8 as unknown from unnest(${uuids(ids)}) as s(id)
          where not exists (select from files f where f.id = s.id and f.state <> 'stray')`,
      ),
    );
    return found[0]?.unknown ?? 0;
  },
});

import { existsSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { type Database, rows } from "./database.ts";

/** The folder of migrations, beside the compiled program's entry point or in the checkout. */
const FOLDER = [join(import.meta.dir, "drizzle"), join(import.meta.dir, "../../drizzle")].find((folder) =>
  existsSync(folder),
);

/** How long all migrations may take, in milliseconds: they copy tables of any size, and nodes wait for each other. */
const LIMIT_MS = 30 * 60_000;
/** An arbitrary advisory lock key that nothing else uses. */
const LOCK = 7_205_392_331;

/**
 * Applies the pending migrations in one transaction, only once if several nodes start at the same time.
 * Drizzle's own migrators take no lock and cannot run inside the transaction that holds one.
 */
export async function migrate(database: Database): Promise<void> {
  if (!FOLDER) throw new Error("the migrations are missing from this build");
  const migrations = readMigrationFiles({ migrationsFolder: FOLDER });
  const pool = database.pool({ connections: 1, limitMs: LIMIT_MS });
  const applied = pool.run((orm) =>
    orm.transaction(async (tx) => {
      await rows(tx, sql`select pg_advisory_xact_lock(${LOCK}::bigint)`);
      await rows(tx, sql`create schema if not exists drizzle`);
      await rows(
        tx,
        sql`create table if not exists drizzle.migrations (at bigint primary key, hash text not null)`,
      );
      const [last] = await rows<{ at: number }>(
        tx,
        sql`select max(at)::float8 as at from drizzle.migrations`,
      );
      for (const { folderMillis, hash, sql: statements } of migrations) {
        if (folderMillis <= (last?.at ?? 0)) continue;
        for (const statement of statements) await rows(tx, sql.raw(statement));
        await rows(
          tx,
          sql`insert into drizzle.migrations (at, hash) values (${folderMillis}::bigint, ${hash}::text)`,
        );
      }
    }),
  );
  await applied.finally(() => pool.close());
}

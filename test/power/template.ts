import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { dependencies } from "../../package.json";

const ROOT = join(import.meta.dir, "../..");
const CACHE = join(ROOT, "node_modules/.cache/parley");
const MIGRATIONS = readMigrationFiles({ migrationsFolder: join(ROOT, "drizzle") });

/** Little memory and a short log, so that a short run writes pages out and recycles the log. */
const SMALL = [
  "alter system set shared_buffers = '2MB'",
  "alter system set max_wal_size = '4MB'",
  "alter system set min_wal_size = '2MB'",
  "update pg_database set datistemplate = false",
  "drop database template0",
  "drop database template1",
];

/** Returns the path of a gzipped data directory with the first `count` migrations; without `count` it has them all. */
export async function smallTemplate(count = MIGRATIONS.length): Promise<string> {
  const migrations = MIGRATIONS.slice(0, count);
  const key = Bun.hash(JSON.stringify([dependencies["@electric-sql/pglite"], migrations, SMALL])).toString(
    36,
  );
  const path = join(CACHE, `power-${key}.tar.gz`);
  if (await Bun.file(path).exists()) return path;
  const pglite = await PGlite.create({ initDbStartParams: ["--wal-segsize=1"] });
  await pglite.exec(
    "create schema drizzle; create table drizzle.migrations (at bigint primary key, hash text not null)",
  );
  for (const { sql, folderMillis, hash } of migrations) {
    for (const statement of sql) await pglite.exec(statement);
    await pglite.query("insert into drizzle.migrations (at, hash) values ($1, $2)", [folderMillis, hash]);
  }
  for (const statement of SMALL) await pglite.exec(statement);
  await pglite.exec("checkpoint");
  await mkdir(CACHE, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await Bun.write(unfinished, await pglite.dumpDataDir("gzip"));
  await rename(unfinished, path);
  await pglite.close();
  return path;
}

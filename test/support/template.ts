import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { dependencies } from "../../package.json";
import { rows } from "../../src/db/database.ts";
import { openPglite } from "../../src/db/pglite.ts";
import { createDataDir, makeTemplate } from "../../src/db/template.ts";
import { memoryFolder } from "./folder.ts";

const ROOT = join(import.meta.dir, "../..");
const CACHE = join(ROOT, "node_modules/.cache/parley");

/**
 * Makes the program's template cheaper to open. PGlite zeroes its buffers at every start, which takes a third of the CPU
 * time at the default of 128 MB.
 */
const CHEAPER = ["alter system set shared_buffers = '32MB'"];

/**
 * Returns the template of the tests' embedded databases. It is created once per set of migrations and version of PGlite,
 * and cached. Processes that run concurrently may all create it; the last one replaces an identical file.
 */
export async function cachedTemplate(): Promise<Blob> {
  const migrations = readMigrationFiles({ migrationsFolder: join(ROOT, "drizzle") });
  const key = Bun.hash(JSON.stringify([dependencies["@electric-sql/pglite"], migrations, CHEAPER])).toString(
    36,
  );
  const path = join(CACHE, `template-${key}.tar.gz`);
  if (!(await Bun.file(path).exists())) {
    await mkdir(CACHE, { recursive: true });
    const unfinished = `${path}.${process.pid}`;
    await Bun.write(unfinished, await cheaperTemplate());
    await rename(unfinished, path);
  }
  return Bun.file(path);
}

async function cheaperTemplate(): Promise<Blob> {
  const folder = memoryFolder();
  const dataDir = join(folder.path, "postgres");
  await createDataDir(dataDir, await makeTemplate());
  const database = await openPglite({ dataDir });
  for (const statement of CHEAPER) await database.run((orm) => rows(orm, sql.raw(statement)));
  const template = await database.dump();
  await database.close();
  folder.remove();
  return template;
}

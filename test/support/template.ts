import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { dependencies } from "../../package.json";
import { makeTemplate } from "../../src/db/template.ts";

const ROOT = join(import.meta.dir, "../..");
const CACHE = join(ROOT, "node_modules/.cache/parley");

/**
 * What fresh embedded databases start from: made once for a set of migrations and a version of PGlite, and kept. Test
 * files that run at the same time may both make it; the last one to finish replaces the other's, which is the same.
 */
export async function cachedTemplate(): Promise<Blob> {
  const migrations = readMigrationFiles({ migrationsFolder: join(ROOT, "drizzle") });
  const key = Bun.hash(JSON.stringify([dependencies["@electric-sql/pglite"], migrations])).toString(36);
  const path = join(CACHE, `template-${key}.tar.gz`);
  if (!(await Bun.file(path).exists())) {
    await mkdir(CACHE, { recursive: true });
    const unfinished = `${path}.${process.pid}`;
    await Bun.write(unfinished, await makeTemplate());
    await rename(unfinished, path);
  }
  return Bun.file(path);
}

import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { dependencies } from "../../package.json";
import { makeTemplate } from "../../src/db/template.ts";

const ROOT = join(import.meta.dir, "../..");
const CACHE = join(ROOT, "node_modules/.cache/parley");

/**
 * Returns the template of fresh embedded databases. It is created once per set of migrations and version of PGlite, and
 * cached. Test files that run concurrently may both create it; the last one replaces an identical file.
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

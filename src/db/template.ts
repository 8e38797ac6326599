import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { type Database, rows } from "./database.ts";
import { migrate } from "./migrate.ts";
import { openPglite } from "./pglite.ts";
import { closeContents, closeFolder } from "./private.ts";
import { publishFolder } from "./sync.ts";

/** The file that the build places beside the compiled program's entry point. */
export const TEMPLATE_FILE = "template.tar.gz";

/** Returns the data directory of a database with the schema and no rows, as a gzipped tar. */
export async function makeTemplate(): Promise<Blob> {
  const database = await openPglite({});
  try {
    await migrate(database);
    await dropTemplates(database);
    return await database.dump();
  } finally {
    await database.close();
  }
}

/**
 * Drops the databases that nothing connects to. They are two thirds of the files, which each start syncs, and without a
 * connection nobody could freeze their transaction ids.
 */
async function dropTemplates(database: Database): Promise<void> {
  for (const statement of [
    "update pg_database set datistemplate = false",
    "drop database template0",
    "drop database template1",
  ])
    await database.run((orm) => rows(orm, sql.raw(statement)));
}

/** Returns the template built into the compiled program; undefined if the program runs from source. */
export function builtInTemplate(): Blob | undefined {
  const path = join(import.meta.dir, TEMPLATE_FILE);
  return Bun.isStandaloneExecutable && existsSync(path) ? Bun.file(path) : undefined;
}

/**
 * Creates the data directory of a new embedded database atomically: an interrupted start, or a power failure, leaves
 * nothing that looks like a database. Without a template it runs initdb, which takes seconds.
 */
export async function createDataDir(dataDir: string, template?: Blob): Promise<void> {
  const unfinished = `${dataDir}.new`;
  await rm(unfinished, { recursive: true, force: true });
  if (template) await new Bun.Archive(await template.bytes()).extract(unfinished);
  else {
    const database = await openPglite({ dataDir: unfinished });
    await dropTemplates(database);
    await database.close();
  }
  // initdb and the template give most files permissions for everyone.
  closeFolder(unfinished);
  closeContents(unfinished);
  await publishFolder(unfinished, dataDir);
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Database, DatabaseConfig } from "./database.ts";
import { requireGeneration } from "./generation.ts";
import { migrate } from "./migrate.ts";
import { keepsSettings, requireServer } from "./server.ts";
import { explainOpening } from "./unusable.ts";
import { namesPooler, withoutForeign } from "./url.ts";

/**
 * Opens the configured database and migrates its schema. Loads only the driver in use. A new embedded
 * database starts from `template`, by default the one built into the program.
 * @throws {DatabaseUnusable} if the cause can be fixed outside this program.
 */
export async function openDatabase(config: DatabaseConfig, template?: Blob): Promise<Database> {
  let database: Database | undefined;
  try {
    database = await connect(config, template);
    if (database.driver !== "pglite") await requireServer(database, config);
    await migrate(database);
    await requireGeneration(database);
    return database;
  } catch (error) {
    await database?.close();
    throw explainOpening(config, error);
  }
}

async function connect(config: DatabaseConfig, template: Blob | undefined): Promise<Database> {
  const { DATABASE_DRIVER: driver, DATABASE_URL: url = "", DATABASE_POOL: connections } = config;
  switch (driver) {
    case "pglite": {
      const [{ openPglite }, { builtInTemplate, createDataDir }] = await Promise.all([
        import("./pglite.ts"),
        import("./template.ts"),
      ]);
      const dataDir = join(config.DATA_DIR, "postgres");
      if (!existsSync(dataDir)) await createDataDir(dataDir, template ?? builtInTemplate());
      return openPglite({ dataDir });
    }
    case "postgres": {
      const { openPostgres } = await import("./postgres.ts");
      const own = withoutForeign(url);
      return openPostgres(own, connections, await isPooled(config, () => openPostgres(own, 1, false)));
    }
    case "neon": {
      const { openNeon } = await import("./neon.ts");
      return openNeon(url, connections, await isPooled(config), config.NEON_PROXY);
    }
  }
}

/** Whether connections go through a pooler. Finds out on a `direct` connection if the settings do not say. */
async function isPooled(config: DatabaseConfig, direct?: () => Database): Promise<boolean> {
  const { DATABASE_POOLER: pooler, DATABASE_URL: url = "" } = config;
  if (pooler !== undefined) return pooler === "transaction";
  if (namesPooler(url) || !direct) return namesPooler(url);
  const database = direct();
  return keepsSettings(database)
    .then((keeps) => !keeps)
    .finally(() => database.close());
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Database, DatabaseConfig } from "./database.ts";
import { migrate } from "./migrate.ts";
import { explainOpening } from "./unusable.ts";

/**
 * Opens the configured database and migrates its schema. Loads only the driver in use. A new embedded
 * database starts from `template`, by default the one built into the program.
 * @throws {DatabaseUnusable} if the cause can be fixed outside this program.
 */
export async function openDatabase(config: DatabaseConfig, template?: Blob): Promise<Database> {
  let database: Database | undefined;
  try {
    database = await connect(config, template);
    await migrate(database);
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
      return openPostgres(url, connections);
    }
    case "neon": {
      const { openNeon } = await import("./neon.ts");
      return openNeon(url, connections, config.NEON_PROXY);
    }
  }
}

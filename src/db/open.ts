import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { Database } from "./database.ts";
import { migrate } from "./migrate.ts";

export type DatabaseConfig = Pick<
  Config,
  "DATABASE_DRIVER" | "DATABASE_URL" | "DATABASE_POOL" | "DATA_DIR" | "NEON_PROXY"
>;

/**
 * Opens the database that the configuration names and brings its schema up to date. The driver that is not used is
 * not loaded. `template`: what a new embedded database starts from.
 */
export async function openDatabase(config: DatabaseConfig, template?: Blob): Promise<Database> {
  const database = await connect(config, template);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

async function connect(config: DatabaseConfig, template: Blob | undefined): Promise<Database> {
  const { DATABASE_DRIVER: driver, DATABASE_URL: url = "", DATABASE_POOL: connections } = config;
  switch (driver) {
    case "pglite": {
      const { openPglite } = await import("./pglite.ts");
      const isNew = !existsSync(join(config.DATA_DIR, "PG_VERSION"));
      return openPglite({ dataDir: config.DATA_DIR, ...(isNew && template && { template }) });
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

import { drizzle } from "drizzle-orm/bun-sql";
import type { Database, Orm } from "./database.ts";
import { createServerDatabase } from "./pool.ts";
import * as schema from "./schema.ts";
import { SESSION } from "./settings.ts";

const CONNECT_S = 5;

/** Opens a Postgres server through Bun's SQL client. Connects on first use. */
export function openPostgres(url: string, connections: number): Database {
  const connect = () => {
    const client = new Bun.SQL(url, { max: 1, connectionTimeout: CONNECT_S, connection: SESSION });
    return {
      orm: drizzle({ client, schema, casing: "snake_case" }) as unknown as Orm,
      close: () => client.close({ timeout: 0 }),
    };
  };
  return createServerDatabase("postgres", connect, connections);
}

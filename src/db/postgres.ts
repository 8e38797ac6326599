import { drizzle } from "drizzle-orm/bun-sql";
import { type Database, type Orm, sendingBy } from "./database.ts";
import { createServerDatabase } from "./pool.ts";
import * as schema from "./schema.ts";
import { SESSION } from "./settings.ts";

const CONNECT_S = 5;

/**
 * Opens a Postgres server through Bun's SQL client. Connects on first use. `pooled`: a pooler may give each transaction
 * another connection, so connections have no settings and no prepared statements.
 */
export function openPostgres(url: string, connections: number, pooled: boolean): Database {
  const session = pooled ? { prepare: false } : { connection: SESSION };
  const connect = () => {
    const client = new Bun.SQL(url, { max: 1, connectionTimeout: CONNECT_S, ...session });
    const orm = drizzle({ client, schema, casing: "snake_case" }) as unknown as Orm;
    return {
      orm: sendingBy(orm, (text, values) => client.unsafe(text, [...values])),
      close: () => client.close({ timeout: 0 }),
    };
  };
  return createServerDatabase("postgres", pooled, connect, connections);
}

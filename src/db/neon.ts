import { neonConfig, Pool } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-serverless";
import { type Database, type Orm, sendingBy } from "./database.ts";
import { createServerDatabase } from "./pool.ts";
import * as schema from "./schema.ts";
import { SESSION } from "./settings.ts";

const CONNECT_MS = 5_000;
const SETTINGS = Object.entries(SESSION)
  .map(([name, value]) => `set ${name} = '${value}'`)
  .join("; ");

/**
 * Opens a Neon database through its serverless driver, which speaks the Postgres protocol over a WebSocket.
 * `proxy` (host:port/path) replaces the WebSocket address that the driver derives from the database's host,
 * and is used without TLS. `pooled`: Neon's pooler may give each transaction another connection, so connections have no
 * settings.
 */
export function openNeon(url: string, connections: number, pooled: boolean, proxy?: string): Database {
  if (proxy) {
    neonConfig.wsProxy = () => proxy;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineTLS = false;
    neonConfig.pipelineConnect = false;
  }
  const connect = () => {
    const client = new Pool({ connectionString: url, max: 1, connectionTimeoutMillis: CONNECT_MS });
    client.on("connect", (connection: { query(sql: string): Promise<unknown> }) => {
      if (pooled) return;
      void connection.query(SETTINGS).catch(() => {}); // the query that needed the connection reports the error
    });
    client.on("error", () => {}); // a lost idle connection; the pool replaces it on demand
    const orm = drizzle({ client, schema, casing: "snake_case" }) as unknown as Orm;
    return {
      orm: sendingBy(orm, (text, values) => client.query(text, [...values])),
      close: () => client.end(),
    };
  };
  return createServerDatabase("neon", pooled, connect, connections);
}

import { loadConfig } from "../../src/config/config.ts";
import type { Database } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { memoryFolder } from "./folder.ts";
import { startNeonBridge } from "./neon-bridge.ts";
import { disposableFolder } from "./recycled.ts";
import { cachedTemplate } from "./template.ts";

/** A private database for one test; `close` also removes it. */
export interface TestDatabase extends Database {
  /** The environment variables that point a server to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Opens it a second time, like another node. Fails for the embedded database, which allows only one owner. */
  again(): Promise<Database>;
}

async function open(env: Record<string, string>, remove: () => unknown): Promise<TestDatabase> {
  const config = loadConfig(env);
  const template = config.DATABASE_DRIVER === "pglite" ? await cachedTemplate() : undefined;
  const again = () => openDatabase(config, template);
  const database = await again();
  const close = async () => {
    await database.close();
    await remove();
  };
  return { ...database, env, again, close };
}

/** Returns an embedded database, migrated and empty. Other tests may have used it before. */
export async function freshDatabase(): Promise<TestDatabase> {
  const folder = disposableFolder();
  return open({ DATA_DIR: folder.path }, folder.remove);
}

/** The same, newly made from the template: for tests of how databases are made, or that change the schema. */
export async function newDatabase(): Promise<TestDatabase> {
  const folder = memoryFolder();
  return open({ DATA_DIR: folder.path }, folder.remove);
}

/** Creates a database on the Postgres server of TEST_DATABASE_URL. */
export async function postgresDatabase(): Promise<TestDatabase> {
  const { url, drop } = await createDatabase();
  return open({ DATABASE_URL: url }, drop);
}

/** Like `postgresDatabase`, but through Neon's driver, with a bridge instead of Neon's proxy. */
export async function neonDatabase(): Promise<TestDatabase> {
  const { url, drop } = await createDatabase();
  const { hostname, port } = new URL(url);
  const bridge = startNeonBridge({ hostname, port: Number(port || 5432) });
  return open({ DATABASE_URL: url, DATABASE_DRIVER: "neon", NEON_PROXY: bridge.proxy }, async () => {
    bridge.stop();
    await drop();
  });
}

/** Creates an empty database on the server of TEST_DATABASE_URL; `drop` removes it. */
export async function createDatabase() {
  const server = new Bun.SQL(process.env.TEST_DATABASE_URL ?? "", { max: 1 });
  const name = `parley_test_${crypto.randomUUID().replaceAll("-", "")}`;
  await server.unsafe(`create database ${name}`);
  const url = new URL(process.env.TEST_DATABASE_URL ?? "");
  url.pathname = `/${name}`;
  const drop = async () => {
    await server.unsafe(`drop database if exists ${name} with (force)`);
    await server.close();
  };
  return { url: url.href, drop };
}

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { type Database, rows } from "../../src/db/database.ts";
import { loadMeta } from "../../src/db/meta.ts";
import { createDataDir } from "../../src/db/template.ts";
import { newDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startTestServer } from "../support/server.ts";
import { cachedTemplate } from "../support/template.ts";

setDefaultTimeout(30_000);

let database: Database;
beforeAll(async () => {
  database = await newDatabase();
});
afterAll(() => database.close());

test("a new embedded database has the schema, and nobody but the server itself", async () => {
  const tables = await database.run((orm) =>
    rows<{ name: string }>(orm, sql`select tablename as name from pg_tables where schemaname = 'public'`),
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["users", "keys", "messages", "meta"]),
  );
  for (const { name } of tables) {
    const found = await database.run((orm) => rows(orm, sql`select * from ${sql.identifier(name)} limit 2`));
    const there: Readonly<Record<string, unknown>> = {
      users: expect.objectContaining({ id: 0, uid: "u_system" }),
      meta: { name: "generation", value: "4" },
    };
    expect({ [name]: found }).toEqual({ [name]: name in there ? [there[name]] : [] });
  }
});

test("two installations share no epoch, instance or key", async () => {
  const other = await newDatabase();
  const [here, there] = [await loadMeta(database), await loadMeta(other)];
  await other.close();
  expect(here.epoch).not.toBe(there.epoch);
  expect(here.instance).not.toBe(there.instance);

  const kids = async () => {
    const folder = temporaryFolder();
    const server = await startTestServer({ DATA_DIR: folder.path });
    const { keys } = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    await server.stop();
    folder.remove();
    return keys.map(({ kid }) => kid);
  };
  const [first, second] = [await kids(), await kids()];
  expect(first).toHaveLength(1);
  expect(first).not.toEqual(second);
});

test("the leftovers of an interrupted start are not mistaken for a database", async () => {
  const folder = temporaryFolder();
  const dataDir = join(folder.path, "postgres");
  await mkdir(`${dataDir}.new/base`, { recursive: true });
  await Bun.write(`${dataDir}.new/PG_VERSION`, "9.6\n");
  await createDataDir(dataDir, await cachedTemplate());
  expect(await Bun.file(join(dataDir, "PG_VERSION")).text()).not.toBe("9.6\n");
  expect(existsSync(`${dataDir}.new`)).toBe(false);
  folder.remove();
});

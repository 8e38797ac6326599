import { expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { loadConfig } from "../../src/config/config.ts";
import { DatabaseUnusable } from "../../src/db/unusable.ts";
import { postgresDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { startTestServer } from "../support/server.ts";

setDefaultTimeout(30_000);

// A node of an older version would show private rooms to everyone, and post for people who were removed.
needs("TEST_DATABASE_URL")("a database that a newer version has migrated", () => {
  test("ends the nodes of this version within seconds, and refuses new ones with one line", async () => {
    const database = await postgresDatabase();
    const { env } = database;
    const server = await startTestServer(env);
    try {
      await database.run((orm) => rows(orm, sql`update meta set value = '1000' where name = 'generation'`));
      const why = await server.failed.catch((error: unknown) => error);
      expect(why).toBeInstanceOf(DatabaseUnusable);
      const refused = await openDatabase(loadConfig(env)).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(DatabaseUnusable);
      expect((refused as Error).message).toMatch(/^A newer version of Parley .+ start that version[^\n]+$/);
    } finally {
      await server.stop();
      await database.close();
    }
  });

  test("cannot be read or written by versions that know no private rooms, which do not look at that number", async () => {
    const database = await postgresDatabase();
    try {
      // A part of each statement of those versions, as they have it.
      for (const statement of [
        sql`update rooms r set version = r.version + 1 where r.departures = 0`,
        sql`select sum(c.reacted) from messages c`,
      ]) {
        const refused = await database.run((orm) => rows(orm, statement)).catch((error: unknown) => error);
        expect(String((refused as Error).cause)).toMatch(/column .+ does not exist/);
      }
    } finally {
      await database.close();
    }
  });
});

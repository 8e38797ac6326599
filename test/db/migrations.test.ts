import { expect, test } from "bun:test";
import { join } from "node:path";
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api";
import { entries } from "../../drizzle/meta/_journal.json";
import * as schema from "../../src/db/schema.ts";

test("the migrations produce the schema: `bun run migrations` would write nothing", async () => {
  const last = String(entries.at(-1)?.idx).padStart(4, "0");
  const path = join(import.meta.dir, `../../drizzle/meta/${last}_snapshot.json`);
  const snapshot = await Bun.file(path).json();
  const wanted = generateDrizzleJson(schema, snapshot.id, undefined, "snake_case");
  expect(await generateMigration(snapshot, wanted)).toEqual([]);
});

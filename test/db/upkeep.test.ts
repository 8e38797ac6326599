import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { rows } from "../../src/db/database.ts";
import { checkpointIfDue, keepUp, vacuumIfDue } from "../../src/db/upkeep.ts";
import { createLog } from "../../src/log.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { handClock } from "../support/hand-clock.ts";

setDefaultTimeout(30_000);

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const run = <T>(statement: string) => database.run((orm) => rows<T>(orm, sql.raw(statement)));
/** Statistics otherwise become visible once a second. */
const count = () => run("select pg_stat_force_next_flush()");
const dead = async () =>
  (
    await run<{ dead: number }>(
      "select n_dead_tup::int as dead from pg_stat_user_tables where relname = 'rooms'",
    )
  )[0]?.dead;

test("a checkpoint is written when the log has become long, and when it has become old", async () => {
  await run("checkpoint");
  expect(await checkpointIfDue(database)).toBe(false);
  const write = () => run("select pg_logical_emit_message(false, 'test', repeat('x', 100000))");
  await write();
  expect(await checkpointIfDue(database)).toBe(false);
  expect(await checkpointIfDue(database, { most: 90_000 })).toBe(true);
  expect(await checkpointIfDue(database, { most: 90_000 })).toBe(false);
  expect(await checkpointIfDue(database, { afterMs: -1 })).toBe(false); // old, but with nothing in it
  await write();
  expect(await checkpointIfDue(database, { afterMs: -1 })).toBe(true);
});

test("a table is vacuumed once enough of its rows were replaced, or are new", async () => {
  expect(await vacuumIfDue(database)).toBeUndefined();
  await run("insert into rooms (name) select 'room' || n from generate_series(1, 100) n");
  await count();
  expect(await vacuumIfDue(database, { newRows: 99 })).toBe("rooms");
  expect(await vacuumIfDue(database, { newRows: 99 })).toBeUndefined();

  await run("update rooms set skeleton = 'replaced'");
  await count();
  expect(await dead()).toBeGreaterThan(70);
  expect(await vacuumIfDue(database, { deadRows: 50 })).toBe("rooms");
  expect(await dead()).toBe(0);
});

test("tables of any kind are frozen before transaction ids run out", async () => {
  for (let id = 0; id < 60; id++) await run("select pg_current_xact_id()");
  const names = new Set<string | undefined>();
  for (let next = 0; next < 5; next++) names.add(await vacuumIfDue(database, { age: 50 }));
  expect(names.size).toBe(5);
  expect(names).not.toContain(undefined);
});

// Tables used to be looked at only when no checkpoint was due, so under a constant load they were never vacuumed. And the
// log was looked at so rarely that it grew to hundreds of MiB in between.
test("under a constant load there is a checkpoint every second, and tables are vacuumed nevertheless", async () => {
  const { clock, pass } = handClock();
  const done: string[] = [];
  const execute = async (statement: SQL) => {
    const { sql: text } = new PgDialect().sqlToQuery(statement);
    const [what] = /^(checkpoint|vacuum)/.exec(text) ?? [];
    if (what) done.push(what);
    return [{ bytes: 2 ** 30, ms: 0, name: "rooms", replaced: false }];
  };
  const pool = { run: (work: (orm: unknown) => unknown) => work({ execute }), close: async () => {} };
  const upkeep = keepUp({ driver: "pglite", pool: () => pool } as never, clock, createLog("silent"));
  for (let second = 0; second < 10; second++) {
    pass(1_000);
    await new Promise(setImmediate);
  }
  upkeep.stop();
  expect(done).toEqual([
    ...["checkpoint", "checkpoint", "checkpoint", "checkpoint", "vacuum"],
    ...["checkpoint", "checkpoint", "checkpoint", "checkpoint", "vacuum"],
  ]);
});

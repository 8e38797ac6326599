import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq, inArray, sql } from "drizzle-orm";
import { type Database, DatabaseTimeout, isDatabaseAway, rows, sqlState } from "../../src/db/database.ts";
import { loadMeta, renewEpoch } from "../../src/db/meta.ts";
import { migrate } from "../../src/db/migrate.ts";
import { messages, meta, rooms, users } from "../../src/db/schema.ts";
import { neonDatabase, newDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { soonerThan } from "../support/sooner-than.ts";
import { ORDER } from "../support/order.ts";

setDefaultTimeout(30_000);

describe("storage on the embedded database", () => storage(newDatabase));
needs("TEST_DATABASE_URL")("storage on Postgres", () => storage(postgresDatabase));
needs("TEST_DATABASE_URL")("storage through Neon's driver", () => storage(neonDatabase));

/** The guarantees of every driver. */
function storage(create: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  /** The same database, opened once per node; only once if it is embedded. */
  let nodes: Database[];

  beforeAll(async () => {
    database = await create();
    nodes = [database];
    if (database.driver !== "pglite")
      nodes.push(...(await Promise.all([database.again(), database.again(), database.again()])));
  });
  afterAll(async () => {
    for (const node of nodes.slice(1)) await node.close();
    await database.close();
  });

  const stateOf = (work: Promise<unknown>) => work.then(() => "no error", sqlState);
  const newRoom = (name: string) => database.run((orm) => orm.insert(rooms).values({ name }).returning());
  const roomsNamed = (name: string) =>
    database.run((orm) => orm.select().from(rooms).where(eq(rooms.name, name)));

  test("migrations are applied once, no matter how many nodes start at the same time", async () => {
    for (const statement of [
      "drop schema drizzle cascade",
      "drop schema public cascade",
      "create schema public",
    ])
      await database.run((orm) => rows(orm, sql.raw(statement)));
    await Promise.all([...nodes, ...nodes].map((node) => migrate(node)));
    const { entries } = await import("../../drizzle/meta/_journal.json");
    const applied = await database.run((orm) => rows(orm, sql`select hash from drizzle.migrations`));
    expect(applied).toHaveLength(entries.length);
    expect(await roomsNamed("none")).toEqual([]);
  });

  test("epoch and instance are created once and are the same for all nodes", async () => {
    const [first, ...others] = await Promise.all([...nodes, ...nodes].map((node) => loadMeta(node)));
    for (const other of others) expect(other).toEqual(first as NonNullable<typeof first>);
  });

  test("a new epoch does not change the instance", async () => {
    const before = await loadMeta(database);
    const epoch = await renewEpoch(database, ORDER);
    expect(epoch).not.toBe(before.epoch);
    expect(await loadMeta(database)).toEqual({ ...before, epoch });
  });

  test("a new epoch moves the fence of each room in which someone has lost a right, and no other", async () => {
    const [fenced, plain] = ["someone-was-removed", "nobody-was-removed"];
    const fences = () =>
      database.run((orm) =>
        orm
          .select({ name: rooms.name, fence: rooms.fence })
          .from(rooms)
          .where(inArray(rooms.name, [fenced, plain])),
      );
    await database.run((orm) => orm.insert(rooms).values([{ name: fenced, fence: 5 }, { name: plain }]));
    await renewEpoch(database, ORDER);
    const found = new Map((await fences()).map(({ name, fence }) => [name, fence]));
    expect(found.get(fenced)).toBeGreaterThan(5);
    expect(found.get(plain)).toBe(0);
    await database.run((orm) => orm.delete(rooms).where(inArray(rooms.name, [fenced, plain])));
  });

  test("a failed transaction leaves nothing behind and rejects with the thrown error", async () => {
    const thrown = new Error("no");
    const work = database.run((orm) =>
      orm.transaction(async (tx) => {
        await tx.insert(rooms).values({ name: "rolled-back" });
        throw thrown;
      }),
    );
    await expect(work).rejects.toBe(thrown);
    expect(await roomsNamed("rolled-back")).toEqual([]);
  });

  test("a transaction with a failed statement leaves nothing behind", async () => {
    await newRoom("taken");
    const work = database.run((orm) =>
      orm.transaction(async (tx) => {
        await tx.insert(rooms).values({ name: "beside-taken" });
        await tx.insert(rooms).values({ name: "taken" });
      }),
    );
    expect(await stateOf(work)).toBe("23505");
    expect(await roomsNamed("beside-taken")).toEqual([]);
  });

  test("concurrent work does not become part of a transaction", async () => {
    const inside = Promise.withResolvers<void>();
    const transaction = database.run((orm) =>
      orm.transaction(async (tx) => {
        await tx.insert(rooms).values({ name: "inside" });
        inside.resolve();
        await newRoomBeside;
        throw new Error("rolled back");
      }),
    );
    // On a single connection the concurrent work waits for the transaction, which must not wait for it then.
    const beside = inside.promise.then(() => newRoom("beside"));
    const newRoomBeside = database.driver === "pglite" ? Promise.resolve() : beside;
    await expect(transaction).rejects.toThrow("rolled back");
    await beside;
    expect(await roomsNamed("inside")).toEqual([]);
    expect(await roomsNamed("beside")).toHaveLength(1);
  });

  test("work beyond its time limit is abandoned, and the next work runs", async () => {
    const pool = database.pool({ connections: 2, limitMs: 300 });
    const slow = pool.run((orm) => rows(orm, sql`select pg_sleep(1.5)`));
    await expect(soonerThan(1_400, slow)).rejects.toBeInstanceOf(DatabaseTimeout);
    // The embedded database has one connection, which stays busy until the abandoned work ends.
    if (database.driver === "pglite") await database.run((orm) => rows(orm, sql`select 1`));
    expect(await pool.run((orm) => rows<{ one: number }>(orm, sql`select 1::int4 as one`))).toEqual([
      { one: 1 },
    ]);
    await pool.close();
  });

  // One slow read used to end the work of everyone on its pool.
  test("on a server, work that exceeds its time limit loses only its own connection", async () => {
    if (database.driver === "pglite") return;
    const pool = database.pool({ connections: 2, limitMs: 1_000 });
    const sleep = (seconds: number) => pool.run((orm) => rows(orm, sql`select pg_sleep(${seconds}::float8)`));
    const slow = sleep(3);
    await sleep(0.6);
    const beside = sleep(0.6);
    await expect(slow).rejects.toBeInstanceOf(DatabaseTimeout);
    expect(await beside).toHaveLength(1);
    await pool.close();
  });

  // Sixty reads at once used to declare the database away: those at the end of the queue had "timed out".
  test("the time limit does not include the wait for a connection", async () => {
    const pool = database.pool({ connections: 1, limitMs: 1_000 });
    const sleep = () => pool.run((orm) => rows(orm, sql`select pg_sleep(0.3)`));
    expect(await Promise.all(Array.from({ length: 5 }, sleep))).toHaveLength(5);
    await pool.close();
  });

  test("work that gets no connection in time is refused as busy, and the database is not away", async () => {
    const pool = database.pool({ connections: 1, limitMs: 30_000, waitMs: 100 });
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const first = pool.run(async () => {
      entered.resolve();
      await leave.promise;
    });
    await entered.promise;
    const refused = await pool.run((orm) => rows(orm, sql`select 1`)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "Refusal", code: "busy" });
    expect(isDatabaseAway(refused)).toBe(false);
    leave.resolve();
    await first;
    expect(await pool.run((orm) => rows(orm, sql`select 1`))).toHaveLength(1);
    await pool.close();
  });

  test("a closed pool rejects work", async () => {
    const pool = database.pool({ connections: 1, limitMs: 1000 });
    await pool.run((orm) => rows(orm, sql`select 1`));
    await pool.close();
    await expect(pool.run((orm) => rows(orm, sql`select 1`))).rejects.toThrow("closed");
    expect(await database.run((orm) => rows(orm, sql`select 1`))).toHaveLength(1);
  });

  test("the SQLSTATE of an error is found behind Drizzle's and the driver's errors", async () => {
    const run = (statement: string) => stateOf(database.run((orm) => rows(orm, sql.raw(statement))));
    expect(await run("select 1/0")).toBe("22012");
    expect(await run("select * from nowhere")).toBe("42P01");
    expect(await run("select")).toBe("no error");
    await newRoom("twice");
    expect(await stateOf(newRoom("twice"))).toBe("23505");
    expect(sqlState(new Error("another"))).toBeUndefined();
  });

  test("NUL in a text is rejected with 22021, and the connection stays usable", async () => {
    const insert = database.run((orm) => orm.insert(meta).values({ name: "nul", value: "a\0b" }));
    expect(await stateOf(insert)).toBe("22021");
    expect(await roomsNamed("nul")).toEqual([]);
  });

  test("ids and versions are numbers up to 2^53 - 1", async () => {
    const [room] = await database.run((orm) =>
      orm.insert(rooms).values({ name: "numbers", version: Number.MAX_SAFE_INTEGER }).returning(),
    );
    expect(room).toMatchObject({ id: expect.any(Number), version: Number.MAX_SAFE_INTEGER });
    const [raw] = await database.run((orm) =>
      rows(orm, sql`select version::float8 as version, 7::int4 as small from rooms where name = 'numbers'`),
    );
    expect(raw).toEqual({ version: Number.MAX_SAFE_INTEGER, small: 7 });
  });

  test("a message is read as it was written: every script, times to the millisecond, null values", async () => {
    const sent = {
      roomId: 1,
      id: 1,
      version: 1,
      senderId: 2,
      clientId: "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
      content: `line\nbreak "quotes" 'single' \\ back {brace} $1 مرحبا 你好 👩‍👩‍👧 e\u0301 \u{10FFFF}`,
      replyTo: null,
      thread: null,
      alsoRoom: null,
      files: null,
      mentions: 3,
      unreached: `["@nobody"]`,
      createdAt: new Date("2024-02-29T23:59:59.987Z"),
      editedAt: new Date("1999-12-31T00:00:00.001Z"),
      deletedAt: null,
      reactionCount: 1_000,
      notice: null,
      data: `{"order": 1.0,  "note":"\\u00e9"}`,
    };
    await database.run((orm) => orm.insert(messages).values(sent));
    const [found] = await database.run((orm) => orm.select().from(messages).where(eq(messages.roomId, 1)));
    expect(found).toEqual(sent);
  });

  test("the database's clock is close to the current time", async () => {
    const [user] = await database.run((orm) =>
      orm.insert(users).values({ username: "Ada", usernameFold: "ada" }).returning(),
    );
    expect(user?.createdAt).toBeInstanceOf(Date);
    expect(Math.abs(Date.now() - (user?.createdAt.getTime() ?? 0))).toBeLessThan(60_000);
  });

  test("every connection has the session settings", async () => {
    const pool = database.pool({ connections: 1, limitMs: 5000 });
    for (const connections of [database, pool]) {
      const [settings] = await connections.run((orm) =>
        rows(
          orm,
          sql`select current_setting('plan_cache_mode') as plans, current_setting('enable_seqscan') as scans,
                     current_setting('jit') as jit`,
        ),
      );
      expect(settings).toEqual({ plans: "force_generic_plan", scans: "off", jit: "off" });
    }
    await pool.close();
  });
}

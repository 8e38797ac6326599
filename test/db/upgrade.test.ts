import { afterAll, beforeAll, expect, test } from "bun:test";
import { readTo } from "../../src/chat/ports.ts";
import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { createStore } from "../../src/store/store.ts";
import { onEachDriver, setBan } from "../chat/stocked.ts";
import { type Orm, rows } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createListStore } from "../../src/store/lists.ts";
import { createMemberStore } from "../../src/store/members.ts";
import type { TestDatabase } from "../support/database.ts";
import { START_MS } from "../support/house.ts";

// Databases of earlier versions, with rows as those versions wrote them.

const MIGRATIONS = readMigrationFiles({ migrationsFolder: join(import.meta.dir, "../../drizzle") });

/** Rebuilds a database as it was after its first `count` migrations. */
async function goBack(orm: Orm, count: number): Promise<void> {
  for (const statement of [
    "drop schema drizzle cascade",
    "drop schema public cascade",
    "create schema public",
  ])
    await rows(orm, sql.raw(statement));
  await rows(orm, sql`create schema drizzle`);
  await rows(orm, sql`create table drizzle.migrations (at bigint primary key, hash text not null)`);
  for (const { sql: statements, folderMillis, hash } of MIGRATIONS.slice(0, count)) {
    for (const statement of statements) await rows(orm, sql.raw(statement));
    await rows(
      orm,
      sql`insert into drizzle.migrations (at, hash) values (${folderMillis}::bigint, ${hash}::text)`,
    );
  }
}

onEachDriver((open) => {
  let database: TestDatabase;
  const run = <T>(statement: SQL) => database.run((orm) => rows<T>(orm, statement));
  const [ADA, BEN, CY, DEE] = [1, 2, 3, 4];
  const [JOINED, BANNED] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];

  beforeAll(async () => {
    database = await open();
    await database.run((orm) => goBack(orm, 1));
    await run(
      sql`insert into users (username, username_fold) values ('ada', 'ada'), ('ben', 'ben'), ('cy', 'cy'), ('dee', 'dee')`,
    );
    await run(sql`insert into users (username, username_fold, issuer, subject)
      select subject, subject, 'https://id.example', subject from unnest(array['auth0|7', 'u_7', 'me']) subject`);
    await run(sql`insert into rooms (name, version) values ('garden', 5), ('lobby', 2), ('attic', 0)`);
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, n, ${BEN}::bigint, gen_random_uuid(), 'message ' || n, now()
      from rooms r cross join lateral generate_series(1, r.version) n`);
    const member = (userId: number, room: string, lastRead: number, joined: string, banned: string | null) =>
      run(sql`insert into members (user_id, room_id, last_read, joined_at, banned_at)
        select ${userId}::bigint, id, ${lastRead}::bigint, ${joined}::text::timestamptz, ${banned}::text::timestamptz
        from rooms where name = ${room}::text`);
    await member(ADA, "garden", 3, JOINED, null);
    await member(ADA, "lobby", 0, JOINED, null); // posted by HTTP and never joined
    await member(BEN, "garden", 5, JOINED, null);
    await member(CY, "garden", 2, JOINED, BANNED); // a member who was banned
    await member(CY, "lobby", 1, JOINED, null);
    await member(DEE, "garden", 0, BANNED, BANNED); // banned, and never in the room
    await member(DEE, "attic", 0, BANNED, BANNED); // banned before the room had messages
    await migrate(database);
  }, START_MS);
  afterAll(() => database.close());

  test("memberships, bans and read marks move to their own tables", async () => {
    const time = (column: string) =>
      sql.raw(`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`);
    expect(
      await run(sql`select m.user_id::float8 as "userId", r.name, m.state, m.version::float8 as version, ${time("m.since")} as since
        from members m join rooms r on r.id = m.room_id order by m.user_id, r.name`),
    ).toEqual(
      [
        [ADA, "garden"],
        [ADA, "lobby"],
        [BEN, "garden"],
        [CY, "garden"],
        [CY, "lobby"],
      ].map(([userId, name]) => ({ userId, name, state: "in", version: 0, since: JOINED })),
    );
    expect(
      await run(sql`select b.user_id::float8 as "userId", r.name, ${time("b.at")} as at
        from bans b join rooms r on r.id = b.room_id order by b.user_id, r.name`),
    ).toEqual([
      { userId: CY, name: "garden", at: BANNED },
      { userId: DEE, name: "attic", at: BANNED },
      { userId: DEE, name: "garden", at: BANNED },
    ]);
    expect(
      await run(sql`select o.user_id::float8 as "userId", r.name, o.last_read::float8 as "lastRead"
        from own o join rooms r on r.id = o.room_id order by o.user_id, r.name`),
    ).toEqual([
      { userId: ADA, name: "garden", lastRead: 3 },
      { userId: BEN, name: "garden", lastRead: 5 },
      { userId: CY, name: "garden", lastRead: 2 },
      { userId: CY, name: "lobby", lastRead: 1 },
    ]);
  });

  test("people get an id: the subject of an outside identity, which nobody can mistake for another id", async () => {
    const ids = await run<{ id: number; uid: string }>(
      sql`select id::float8 as id, uid from users order by id`,
    );
    const local = expect.stringMatching(/^u_[\w-]{22}$/);
    expect(ids.map(({ uid }) => uid)).toEqual([
      "u_system",
      local,
      local,
      local,
      local,
      "auth0|7",
      "=u_7",
      "=me",
    ]);
  });

  test("rooms know their newest message, and lose nothing else", async () => {
    expect(
      await run(
        sql`select name, kind, last_post::float8 as last, fence::float8 as fence from rooms order by name`,
      ),
    ).toEqual([
      { name: "attic", kind: "open", last: 0, fence: 0 },
      { name: "garden", kind: "open", last: 5, fence: 0 },
      { name: "lobby", kind: "open", last: 2, fence: 0 },
    ]);
  });

  test("migrating again changes nothing", async () => {
    await migrate(database);
    const applied = await run<{ hash: string }>(sql`select hash from drizzle.migrations order by at`);
    expect(applied.map(({ hash }) => hash)).toEqual(MIGRATIONS.map(({ hash }) => hash));
    expect(await run(sql`select user_id from bans`)).toHaveLength(3);
  });

  test("lists show what was unread before, and hide rooms by ban", async () => {
    const lists = createListStore(database);
    const mine = async (userId: number) =>
      (await lists.rooms(userId, { scope: "mine", patterns: null, after: "", limit: 10 })).rooms.map(
        ({ room, lastRead, unread }) => [room, lastRead, unread],
      );
    expect(await mine(ADA)).toEqual([
      ["garden", 3, 2],
      ["lobby", 0, 2],
    ]);
    expect(await mine(BEN)).toEqual([["garden", 5, 0]]);
    expect(await mine(CY)).toEqual([["lobby", 1, 1]]);
    expect(await mine(DEE)).toEqual([]);
    expect(await lists.room({ userId: DEE, room: "garden" })).toBeUndefined();
  });

  test("members go on from where they were, and a lifted ban makes nobody a member who was none", async () => {
    const members = createMemberStore(database);
    const seat = (userId: number, room = "garden") => ({ userId, room });
    expect(await members.departures([ADA, CY, DEE])).toEqual([
      new Map(),
      new Map([["garden", "banned"]]),
      new Map([
        ["garden", "banned"],
        ["attic", "banned"],
      ]),
    ]);
    expect(await members.join([seat(ADA), seat(ADA, "lobby")])).toEqual([
      { lastRead: 3, unread: 2 },
      { lastRead: 0, unread: 2 },
    ]);
    expect(await members.mark([{ ...seat(ADA), ...readTo(2) }])).toEqual([{ lastRead: 3, moved: false }]);
    const { messages } = createStore(database);
    for (const userId of [CY, DEE]) await setBan(messages, "unbanned", seat(userId));
    expect(await members.join([seat(CY), seat(DEE)])).toEqual([
      { lastRead: 2, unread: 3 },
      { lastRead: 7, unread: 0 }, // the two notices too
    ]);
  });
});

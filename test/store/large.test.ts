import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import type { Change } from "../../src/chat/room/change.ts";
import { createMembers } from "../../src/store/members.ts";
import { UNREAD_LOOK } from "../../src/store/member-statements.ts";
import { createOverviews } from "../../src/store/lists.ts";
import { createStore, type MessageStore } from "../../src/store/messages.ts";
import { systemClock } from "../../src/clock.ts";
import { type Pool, rows } from "../../src/db/database.ts";
import { type Explained, explained } from "../support/explain.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";

setDefaultTimeout(180_000);

// Every statement that the chat asks of a database with a very large room in it, by the plan that it is carried out with.

// It has all the messages: plans are made for rooms of a middling size, and here that is all of them.
const LARGE = "large-7";
const ROOMS = 3_000;

onEachDriver((open) => {
  let at: Stocked;
  let size: number;
  let database: Explained;
  let store: MessageStore;

  let filling: Pool;
  const run = (statement: SQL) => filling.run((orm) => rows(orm, statement));

  beforeAll(async () => {
    at = await stock(open);
    // The embedded database takes too long to be filled for a test.
    size = at.database.driver === "pglite" ? 100_000 : 1_000_000;
    filling = at.database.pool({ connections: 1, limitMs: 180_000 });
    database = explained(at.database);
    store = createStore(database);
    await run(sql`insert into rooms (name, version)
      select 'large-' || n, case n when 7 then ${size}::int * 2 else 50 end from generate_series(1, ${ROOMS}::int) n`);
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, case when n % 50 = 0 then n + ${size}::int else n end, ${at.ada}::bigint, gen_random_uuid(), repeat('wide ', 20), now()
      from rooms r, generate_series(1, ${size}::int) n where r.name = ${LARGE}`);
    await run(sql`insert into changes (room_id, sender_id, client_id, kind, message_id, version, at)
      select m.room_id, m.sender_id, gen_random_uuid(), 'react', m.id, m.version, now() from messages m where m.version <> m.id`);
    await run(sql`insert into reactions (room_id, message_id, user_id, emoji)
      select m.room_id, m.id, m.sender_id, '👍' from messages m where m.version <> m.id`);
    await run(sql`insert into members (user_id, room_id, last_read)
      select u.id, r.id, 0 from users u, rooms r where r.id % 2 = 0`);
    await run(sql`analyze`);
  }, 180_000);
  afterAll(() => at.database.close());

  const change = (fields: Partial<Change> & { kind: string }): Change =>
    ({ room: LARGE, senderId: at.ada, username: "ada", clientId: crypto.randomUUID(), ...fields }) as Change;
  const members = () => createMembers(database, systemClock);
  const overviews = () => createOverviews(database);

  describe("reads and writes by key only", () => {
    test.each<[string, () => Promise<unknown>]>([
      ["changes near the end", () => store.changesSince(LARGE, size - 100)],
      ["changes from the beginning", () => store.changesSince(LARGE, 0)],
      ["posts for a plain client", () => store.postsSince(LARGE, size / 2)],
      ["the newest page of history", () => store.messages(LARGE, { before: Number.MAX_SAFE_INTEGER }, 101)],
      ["a deep page of history", () => store.messages(LARGE, { before: size / 2 }, 101)],
      ["a page forward", () => store.messages(LARGE, { after: size / 2 }, 101)],
      ["counters", () => store.counters([LARGE, "large-8"])],
      ["posts", () => store.commit(0, [post(at.ada, LARGE, "x"), post(at.ben, "large-8", "y")], false)],
      ["a post, carefully", () => store.commit(0, [post(at.ada, LARGE, "x")], true)],
      [
        "an edit, a deletion and reactions",
        () =>
          store.commit(
            0,
            [
              change({ kind: "edit", id: 40, content: "y" }),
              change({ kind: "delete", id: 50 }),
              change({ kind: "react", id: 60, emoji: "🎉", on: true }),
              change({ kind: "react", id: 100, emoji: "👍", on: false }),
            ],
            false,
          ),
      ],
      ["a member who comes", () => members().joined(at.ben, "large-9")],
      ["a member who comes back to a million unread", () => members().joined(at.ben, LARGE)],
      ["one's own million, unread", () => members().joined(at.ada, LARGE)],
      ["read marks", () => members().read(at.ada, LARGE, 1_000)],
      ["one's rooms", () => overviews().mine(at.ada, { after: "", limit: 50 })],
      ["one's rooms, further on", () => overviews().mine(at.ada, { after: "large-5", limit: 50 })],
      ["all rooms", () => overviews().all(at.ben, { after: "large-6", limit: 50 })],
      ["one room", () => overviews().one(at.ben, LARGE)],
    ])("%s", async (_, ask) => {
      database.takeScans();
      await ask();
      const scans = database.takeScans();
      expect(scans.length).toBeGreaterThan(0);
      const tables = /^(messages|reactions|changes|rooms)$/;
      for (const { table, type, condition, rows } of scans) {
        if (!tables.test(table)) continue;
        expect(`${type} of ${table}: ${condition}`).toMatch(/: .*(room_id = |name = |name > |\(id = )/);
        expect(`${type} of ${table}: ${rows <= UNREAD_LOOK ? "few" : rows} rows`).toEndWith("few rows");
      }
    });
  });

  test("unread messages are looked for among the next few thousand, whatever one wrote oneself", async () => {
    const { joined } = createMembers(at.database, systemClock);
    const message = (id: number, sender: number) => sql`insert into messages
      (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, n, ${sender}::bigint, gen_random_uuid(), 'x', now()
      from rooms r, generate_series(${id}::int, ${id}::int) n where r.name = ${LARGE}`;
    const mark = (id: number) =>
      run(sql`insert into members (user_id, room_id, last_read)
        select ${at.ada}::bigint, id, ${id}::int from rooms where name = ${LARGE}
        on conflict (user_id, room_id) do update set last_read = excluded.last_read`);
    await run(message(3 * size, at.ben));
    await mark(size);
    const within = await joined(at.ada, LARGE);
    expect(within.unread).toBe(1);
    await mark(0);
    const beyond = await joined(at.ada, LARGE);
    expect(beyond.unread).toBe(0);
  });
});

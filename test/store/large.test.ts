import { nobodyKnown } from "../support/stubs.ts";
import { readTo } from "../../src/chat/ports.ts";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import type { Change } from "../../src/chat/change.ts";
import type { InboxPlace, RecentRange, RoomRange } from "../../src/chat/lists.ts";
import type { ChatStore } from "../../src/chat/ports.ts";
import { type Pool, rows } from "../../src/db/database.ts";
import { createStore } from "../../src/store/store.ts";
import { type Explained, explained } from "../support/explain.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { upTo, named } from "../support/stubs.ts";

setDefaultTimeout(180_000);

// The execution plan of every statement of the chat, on a database with a very large room.

// One room has all the messages. Plans are made for a room of average size, which is far smaller.
const LARGE = "large-7";
const ROOMS = 3_000;
/** The id of someone who is a member of no room. */
const NOBODY = 1_000_000;
/** No statement reads more rows of a table. */
const FEW = 5_000;

onEachDriver((open) => {
  let at: Stocked;
  let size: number;
  let database: Explained;
  let store: ChatStore;

  let filling: Pool;
  const run = (statement: SQL) => filling.run((orm) => rows(orm, statement));

  beforeAll(async () => {
    at = await stock(open);
    // The embedded database takes too long to fill.
    size = at.database.driver === "pglite" ? 100_000 : 1_000_000;
    filling = at.database.pool({ connections: 1, limitMs: 180_000 });
    database = explained(at.database);
    store = { ...createStore(database), journal: undefined, people: nobodyKnown };
    await run(sql`insert into rooms (name, version, last_post, posted_at)
      select 'large-' || n, case n when 7 then ${size}::int * 2 else 50 end, case n when 7 then ${size}::int else 50 end,
        now() - n * interval '1 minute'
      from generate_series(1, ${ROOMS}::int) n`);
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, case when n % 50 = 0 then n + ${size}::int else n end, ${at.ada}::bigint, gen_random_uuid(), repeat('wide ', 20), now()
      from rooms r, generate_series(1, ${size}::int) n where r.name = ${LARGE}`);
    await run(sql`insert into changes (room_id, sender_id, client_id, kind, message_id, version, at)
      select m.room_id, m.sender_id, gen_random_uuid(), 'react', m.id, m.version, now() from messages m where m.version <> m.id`);
    await run(sql`insert into reactions (room_id, message_id, user_id, emoji)
      select m.room_id, m.id, m.sender_id, '👍' from messages m where m.version <> m.id`);
    await run(sql`insert into members (user_id, room_id)
      select u.id, r.id from users u, rooms r where r.id % 2 = 0 or r.name = ${LARGE}`);
    // Of others too, as they accumulate over years.
    await run(sql`insert into members (user_id, room_id, state)
      select u.id, r.id, 'left' from (select id from users union all select generate_series(1000, 2000)) u, rooms r
      where r.id % 100 = 1 and r.name <> ${LARGE}`);
    await run(sql`insert into bans (user_id, room_id)
      select u.id, r.id from (select id from users union all select generate_series(1000, 2000)) u, rooms r
      where r.id % 100 = 3 and r.name <> ${LARGE}`);
    await run(sql`insert into own (user_id, room_id, last_read)
      select u.id, r.id, 10 from users u, rooms r where r.id % 4 = 0`);
    // Everyone is mentioned again and again, also by name, and in rooms that they may not read any more.
    await run(sql`insert into mentions (user_id, room_id, message_id, sender_id, at)
      select case when n % 20 = 0 then 0 else u.id end, r.id, n, ${NOBODY}::bigint, now() - n * interval '1 second'
      from rooms r cross join lateral generate_series(1, case when r.name = ${LARGE} then 30000 else 5 end) n
      join users u on u.id > 0 and (n % 20 > 0 or u.id = ${at.ada}::bigint)`);
    await run(sql`analyze`);
  }, 600_000);
  afterAll(() => at.database.close());

  const change = (fields: Partial<Change> & { kind: string }): Change =>
    ({ room: LARGE, senderId: at.ada, ...named("ada"), clientId: crypto.randomUUID(), ...fields }) as Change;
  const list = (userId: number, range: Partial<RoomRange>) =>
    store.lists.rooms(userId, { scope: "mine", patterns: null, after: "", limit: 50, ...range });
  const inbox = (userId: number, before: InboxPlace | null) =>
    store.lists.inbox(userId, { before, patterns: null, membersOnly: false, limit: 50 });
  const recent = (userId: number, range: Partial<RecentRange>) =>
    store.lists.recent(userId, { before: null, patterns: null, hidden: false, limit: 50, ...range });

  describe("every statement uses keys, and reads few rows", () => {
    test.each<[string, () => Promise<unknown>]>([
      ["changes near the end", () => store.messages.changesSince(LARGE, size - 100)],
      ["changes from the beginning", () => store.messages.changesSince(LARGE, 0)],
      ["posts for a plain client", () => store.messages.postsSince(LARGE, size / 2)],
      [
        "the newest page of history",
        () => store.messages.messages(LARGE, { before: Number.MAX_SAFE_INTEGER }, upTo(101)),
      ],
      ["a deep page of history", () => store.messages.messages(LARGE, { before: size / 2 }, upTo(101))],
      ["a page forward", () => store.messages.messages(LARGE, { after: size / 2 }, upTo(101))],
      ["counters", () => store.messages.counters([LARGE, "large-8"])],
      [
        "posts",
        () => store.messages.commit(0, [post(at.ada, LARGE, "x"), post(at.ben, "large-8", "y")], false),
      ],
      ["a post on the careful path", () => store.messages.commit(0, [post(at.ada, LARGE, "x")], true)],
      [
        "an edit, a deletion and reactions",
        () =>
          store.messages.commit(
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
      ["a new member", () => store.members.join([{ userId: at.ben, room: "large-9" }])],
      ["the first member of a new room", () => store.members.join([{ userId: at.ben, room: "new" }])],
      ["a member with a million unread", () => store.members.join([{ userId: at.ben, room: LARGE }])],
      ["a member whose own million follows", () => store.members.join([{ userId: at.ada, room: LARGE }])],
      ["a member who leaves", () => store.members.leave({ userId: at.ben, room: "large-8" })],
      ["read marks", () => store.members.mark([{ userId: at.ada, room: LARGE, ...readTo(1_000) }])],
      ["departures", () => store.members.departures([at.ada, at.ben])],
      ["one's rooms", () => list(at.ada, {})],
      ["one's rooms, further on", () => list(at.ada, { after: "large-5" })],
      ["one's rooms by activity", () => recent(at.ada, {})],
      [
        "one's rooms by activity, further on",
        () => recent(at.ada, { before: { pinned: false, at: Date.now() * 1000 - 6e10, room: "large-1000" } }),
      ],
      ["all rooms", () => list(at.ben, { scope: "all", after: "large-6" })],
      ["rooms by pattern", () => list(at.ben, { scope: "all", patterns: ["large-7*", "other"] })],
      ["rooms that look alike", () => list(at.ben, { scope: "all", like: "1arge-1234" })],
      ["one room", () => store.lists.room({ userId: at.ben, room: LARGE })],
      ["a page of members", () => store.lists.members(LARGE, { after: 0, limit: 100 })],
      ["members by name", () => store.lists.members(LARGE, { after: 0, limit: 100, q: "b" })],
      ["a pinned room", () => store.lists.prefer({ userId: at.ben, room: LARGE }, { pinned: true })],
      ["the rooms of people who watch", () => store.watch.roomsOf([at.ada, at.ben])],
      ["the state of watched rooms", () => store.watch.states([1, 2, 3])],
      [
        "the latest changes of memberships",
        async () => {
          const [newest] = await run(sql`select max(stamp)::float8 as stamp from members`);
          return store.watch.changes((newest as { stamp: number }).stamp - 100, 1_000);
        },
      ],
      ["what someone wrote", () => store.lists.written(at.ada, { after: null, patterns: null, limit: 200 })],
      [
        "what someone wrote, further on",
        () =>
          store.lists.written(at.ada, {
            after: { room: LARGE, clientId: "80000000-0000-4000-8000-000000000000" },
            patterns: ["large*"],
            limit: 200,
          }),
      ],
      ["one's mentions", () => inbox(at.ada, null)],
      [
        "one's mentions, further on",
        () => inbox(at.ada, { at: Date.now() * 1000 - 9e9, key: "80000000-0000-4000-8000-000000000000" }),
      ],
      [
        "a post with mentions",
        () =>
          store.messages.commit(
            0,
            [post(at.ada, LARGE, "x", { mentions: ["@ben"], mentioned: new Map([["@ben", at.ben]]) })],
            false,
          ),
      ],
      [
        "rooms whose new messages mention anyone",
        () => store.watch.mentioning([{ roomId: 7, after: 29_990 }]),
      ],
      [
        "the mentions of people who watch",
        () => store.watch.mentions({ roomId: 7, after: 29_990, userIds: [at.ada, at.ben] }),
      ],
      ["someone's messages", () => store.lists.messagesOf({ userId: at.ada, room: null }, 501)],
      ["someone's messages in a room", () => store.lists.messagesOf({ userId: at.ben, room: LARGE }, 501)],
    ])("%s", async (_, ask) => {
      database.takeScans();
      await ask();
      const scans = database.takeScans();
      expect(scans.length).toBeGreaterThan(0);
      const tables = /^(messages|mentions|reactions|changes|rooms|members|bans|own)$/;
      for (const { table, type, condition, rows } of scans) {
        if (!tables.test(table)) continue;
        expect(`${type} of ${table}: ${condition}`).toMatch(
          /^Tid Scan |: .*(room_id = |user_id = |name = |name > |skeleton |stamp |\(ROW\(room_id, (user_id|id)\) >=? |\(id = )/,
        );
        expect(`${type} of ${table}: ${rows <= FEW ? "few" : rows} rows`).toEndWith("few rows");
      }
    });
  });

  // A list for someone who may enter few rooms used to read all names until its page was full.
  test("a list by patterns reads only the names that begin like one of them", async () => {
    for (const [patterns, most] of [
      [["*"], 420],
      [["large-77*"], 22],
      [["large-7", "large-8"], 4],
      [["nowhere-*", "never"], 0],
    ] as const) {
      database.takeScans();
      await list(NOBODY, { scope: "all", patterns, limit: 200 });
      const read = database.takeScans().filter(({ table }) => table === "rooms");
      expect(read.reduce((sum, scan) => sum + scan.rows, 0)).toBeLessThanOrEqual(most);
    }
  });

  test("unread messages are counted among the next thousand, including one's own", async () => {
    const join = async () => (await at.members.join([{ userId: at.ada, room: LARGE }]))[0];
    const message = (id: number, sender: number) => sql`insert into messages
      (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, n, ${sender}::bigint, gen_random_uuid(), 'x', now()
      from rooms r, generate_series(${id}::int, ${id}::int) n where r.name = ${LARGE}`;
    const mark = (id: number) =>
      run(sql`insert into own (user_id, room_id, last_read)
        select ${at.ada}::bigint, id, ${id}::int from rooms where name = ${LARGE}
        on conflict (user_id, room_id) do update set last_read = excluded.last_read`);
    await run(message(3 * size, at.ben));
    await mark(size);
    expect(await join()).toEqual({ lastRead: size, unread: 1 });
    await mark(0);
    expect(await join()).toEqual({ lastRead: 0, unread: 0 });
  });
});

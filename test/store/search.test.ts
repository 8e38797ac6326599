import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import * as fc from "fast-check";
import { createSearch, type SearchQuery } from "../../src/chat/access/search.ts";
import type { Change } from "../../src/chat/change.ts";
import { permits } from "../../src/chat/rights.ts";
import { systemClock } from "../../src/clock.ts";
import { searchConsumer } from "../../src/consumers/search.ts";
import { clearDeletedRooms } from "../../src/db/clearing.ts";
import { rows } from "../../src/db/database.ts";
import { createPlaces } from "../../src/limits/places.ts";
import { placesOf } from "../../src/search/match.ts";
import { parseQuery } from "../../src/search/query.ts";
import { tokensOf } from "../../src/search/tokens.ts";
import { createCursorStore } from "../../src/store/cursors.ts";
import { reindex } from "../../src/store/reindex.ts";
import { createMessageStore } from "../../src/store/messages.ts";
import { createSearchStore } from "../../src/store/search.ts";
import { createSearchIndex, SEARCH } from "../../src/store/searchindex.ts";
import { acksOf, onEachDriver, post, setBan, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { countingStatements } from "../support/counted.ts";
import { explained } from "../support/explain.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { named, passFor, upTo } from "../support/stubs.ts";

setDefaultTimeout(120_000);

// The index and its search, on each driver, compared with a plain scan of what the database has.

onEachDriver((open) => {
  let at: Stocked;
  let people: Readonly<Record<"ada" | "ben", number>>;

  beforeAll(async () => {
    at = await stock(open);
    people = { ada: at.ada, ben: at.ben };
  }, START_MS);
  afterAll(() => at.database.close());

  /** Brings the index up to date, as the consumer does. */
  const indexAll = async () => {
    const [cursors, consumer] = [
      createCursorStore(at.database),
      searchConsumer(createSearchIndex(at.database), systemClock),
    ];
    for (let next: number | null = 0; next !== null;) {
      const slice: Awaited<ReturnType<typeof cursors.behind>> = await cursors.behind(SEARCH, next);
      const { leased } = await cursors.claim(
        SEARCH,
        { names: [], ids: slice.behind },
        { limit: 1_000, leaseMs: 60_000 },
      );
      for (const room of leased)
        for (let upto = room.after; upto < room.counter;) {
          const batch = await consumer.read(room, upto);
          await consumer.handle(room, batch);
          await cursors.advance(SEARCH, room, (upto = batch.upto), {
            leaseMs: 60_000,
            release: upto >= room.counter,
          });
        }
      next = slice.next;
    }
  };

  const searchAs = (
    userId: number,
    { patterns = null as readonly string[] | null, membersOnly = false } = {},
  ) => {
    const search = createSearch({
      store: createSearchStore(at.database),
      people: {
        find: async (names) =>
          names.map((name) =>
            name === "me" ? userId : (people[name.replace("@", "") as "ada" | "ben"] ?? null),
          ),
      },
      reads: createPlaces({ each: 10, waiting: 10 }),
      access: { reenter: async () => ({}) as never, readable: () => patterns, membersOnly },
      // Time stands still: on a busy machine a search would be cut short.
      clock: { monotonic: () => 0, soon: systemClock.soon },
    });
    const identity = passFor({ userId, username: "somebody" }, "nowhere").person;
    return (query: string, more: Partial<SearchQuery> = {}) =>
      search(identity, { q: query, limit: 50, ...more });
  };

  /** All pages of a search, as `room id`. */
  const everything = async (
    userId: number,
    q: string,
    { room, limit = 50 }: { room?: string; limit?: number } = {},
  ) => {
    const found: string[] = [];
    for (let before: string | undefined; ;) {
      const page = await searchAs(userId)(q, { room, limit, before });
      expect(page.partial).toBe(false);
      found.push(...page.found.map((one) => `${one.room} ${one.message.id}`));
      if (page.next === undefined) return found;
      before = page.next;
    }
  };

  interface Scanned {
    readonly room: string;
    readonly id: number;
    readonly senderId: number;
    readonly content: string;
    readonly files: string | null;
    readonly at: number;
  }

  /** What a plain scan finds: every message of every room that the person is in and that they may see. */
  const scan = async (userId: number, q: string, rooms: readonly string[], open: readonly string[] = []) => {
    const query = parseQuery(q);
    const seats = rooms.map((room) => ({ userId, room }));
    const memberships = await at.members.memberships(seats);
    const froms = new Map<string, number>();
    memberships.forEach((membership, index) => {
      const { room } = seats[index] as (typeof seats)[number];
      const isMine = membership.state === "in" || open.includes(room);
      if (isMine && permits(membership, "read", { now: 0 }) === undefined) froms.set(room, membership.from);
    });
    const all = await at.database.run((orm) =>
      rows<Scanned>(
        orm,
        sql`select r.name as room, m.id::float8 as id, m.sender_id::float8 as "senderId", m.content, m.files,
            extract(epoch from m.created_at)::float8 as at
          from messages m join rooms r on r.id = m.room_id where m.deleted_at is null and m.notice is null
          order by m.created_at desc, m.room_id desc, m.id desc`,
      ),
    );
    return all
      .filter(({ room, id }) => id >= (froms.get(room) ?? Infinity))
      .filter(({ room }) => query.in === undefined || room === query.in)
      .filter(({ senderId }) => query.from === undefined || senderId === people[query.from as "ada" | "ben"])
      .filter(({ at }) => at * 1000 < (query.before ?? Infinity) && at * 1000 >= (query.after ?? -Infinity))
      .filter(({ content }) => !query.has.has("link") || content.includes("https://"))
      .filter(({ files }) => !query.has.has("file") || files !== null)
      .filter(({ content }) =>
        query.needles.every((needle) => placesOf(needle, tokensOf(content)).length > 0),
      )
      .map(({ room, id }) => `${room} ${id}`);
  };

  const commit = async (...changes: readonly Change[]) => at.store.commit(0, changes, true);
  const roomOf = async (kind: "open" | "private") => {
    if (kind === "open") {
      const room = `o-${crypto.randomUUID()}`;
      await at.members.join([
        { userId: at.ada, room },
        { userId: at.ben, room },
      ]);
      return room;
    }
    const room = `p-${crypto.randomUUID()}`;
    const history = "joined";
    const create = { kind: "private", people: [at.ada] } as const;
    acksOf(await commit(rulingsOf({ userId: at.ada, username: "ada" }).create(room, create, { history })));
    return room;
  };
  const by = (userId: number) => ({ senderId: userId, ...named(userId === at.ada ? "ada" : "ben") });
  const say = async (room: string, content: string, userId = at.ada) => {
    const { outcomes } = await at.store.commit(0, [{ ...post(userId, room, content), fence: -1 }], true);
    const [outcome] = outcomes;
    return outcome && "ack" in outcome ? outcome.ack.id : 0;
  };
  const rowsOf = async (room: string) => {
    const found = await at.database.run((orm) =>
      rows<{ id: number; terms: string }>(
        orm,
        sql`select s.id::float8 as id, s.terms::text as terms from search s join rooms r on r.id = s.room_id
          where r.name = ${room}::text order by s.id`,
      ),
    );
    return found.map(({ id }) => id);
  };

  const TEXTS = [
    "hello world",
    "Hello, WORLD! https://example.com",
    "Café au lait",
    "cafe noir",
    "東京都に行く",
    "京都の水",
    "水",
    "สวัสดีครับ",
    "한국어 공부",
    "Straße 12",
    "👍 nice",
    "world hello",
    "…",
  ];
  const QUERIES = [
    "hello",
    "hello world",
    '"hello world"',
    "cafe",
    "京都",
    "水",
    "東京都",
    "สวัส",
    "한국",
    "strasse",
    "👍",
    "from:ada",
    "from:ben hello",
    "has:link",
    "has:file",
    "after:2020-01-01 hello",
    "before:2020-01-01 hello",
  ];

  const step = fc.record({
    what: fc.constantFrom(
      "post",
      "post",
      "post",
      "post",
      "edit",
      "delete",
      "remove",
      "react",
      "add",
      "out",
      "ban",
      "unban",
      "leave",
      "index",
    ),
    where: fc.nat(2),
    byBen: fc.boolean(),
    id: fc.integer({ min: 1, max: 8 }),
    text: fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 })),
  });

  test("a search finds what a plain scan finds, in its order, for any texts, members and beginnings", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 30 }),
        fc.array(fc.constantFrom(...QUERIES), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, queries, limit) => {
          const rooms = [await roomOf("open"), await roomOf("private"), await roomOf("private")];
          const ada = rulingsOf({ userId: at.ada, username: "ada" });
          for (const { what, where, byBen, id, text } of steps) {
            const room = rooms[where] as string;
            const sender = byBen ? at.ben : at.ada;
            const base = { room, clientId: crypto.randomUUID() as string, fence: -1, ...by(sender) };
            if (what === "post") await say(room, text, sender);
            if (what === "edit") await commit({ kind: "edit", ...base, id, content: text });
            if (what === "delete") await commit({ kind: "delete", ...base, id });
            if (what === "react") await commit({ kind: "react", ...base, id, emoji: "👍", on: true });
            if (what === "remove")
              await commit({ kind: "remove", room, id, clientId: base.clientId, order: ORDER });
            if (what === "add" && where > 0) await commit(ada.appoint(room, "in", [at.ben]));
            if (what === "out" && where > 0) await commit(ada.appoint(room, "out", [at.ben]));
            if (what === "ban") await setBan(at.store, "banned", { userId: at.ben, room });
            if (what === "unban") await setBan(at.store, "unbanned", { userId: at.ben, room });
            if (what === "leave" && where === 0) await at.members.leave({ userId: at.ben, room });
            if (what === "index") await indexAll();
          }
          await indexAll();
          for (const q of queries)
            for (const userId of [at.ada, at.ben]) {
              const expected = await scan(userId, q, rooms);
              const found = await everything(userId, q, { limit });
              expect(found.filter((one) => rooms.some((room) => one.startsWith(room)))).toEqual(expected);
              const [room = ""] = rooms;
              expect(await everything(userId, q, { room, limit })).toEqual(
                await scan(userId, q, [room], [room]),
              );
            }
        },
      ),
      { numRuns: 8 },
    ));

  test("a deletion takes the message out of the index in its own commit", async () => {
    const room = await roomOf("open");
    const ids = [
      await say(room, "apple one"),
      await say(room, "apple two"),
      await say(room, "apple three"),
    ] as const;
    await indexAll();
    expect(await rowsOf(room)).toEqual([...ids]);
    await commit({
      kind: "delete",
      room,
      clientId: crypto.randomUUID(),
      fence: -1,
      ...by(at.ada),
      id: ids[0],
    });
    expect(await rowsOf(room)).toEqual([ids[1], ids[2]]);
    await commit({ kind: "remove", room, clientId: crypto.randomUUID(), order: ORDER, id: ids[1] });
    expect(await rowsOf(room)).toEqual([ids[2]]);
  });

  test("what was deleted since it was read for the index does not come back", async () => {
    const room = await roomOf("open");
    const id = await say(room, "apple");
    const index = createSearchIndex(at.database);
    const [leased] = (
      await createCursorStore(at.database).claim(
        `x-${room}`,
        { names: [room], ids: [] },
        { limit: 1, leaseMs: 1 },
      )
    ).leased;
    if (!leased) throw new Error("there is nothing to index");
    const consumer = searchConsumer(index, systemClock);
    const batch = await consumer.read(leased, 0);
    await commit({ kind: "delete", room, clientId: crypto.randomUUID(), fence: -1, ...by(at.ada), id });
    await consumer.handle(leased, batch);
    expect(await rowsOf(room)).toEqual([]);
  });

  test("a deletion and the index never pass each other", async () => {
    const another = await at.another();
    const room = await roomOf("open");
    const consumer = searchConsumer(createSearchIndex(at.database), systemClock);
    for (let round = 0; round < 20; round++) {
      const id = await say(room, `apple ${round}`);
      const [leased] = (
        await createCursorStore(at.database).claim(
          `y-${room}-${round}`,
          { names: [room], ids: [] },
          { limit: 1, leaseMs: 1 },
        )
      ).leased;
      if (!leased) throw new Error("there is nothing to index");
      const batch = await consumer.read(leased, id - 1);
      await Promise.all([
        consumer.handle(leased, batch),
        another.store.commit(
          0,
          [{ kind: "delete", room, clientId: crypto.randomUUID(), fence: -1, ...by(at.ada), id }],
          true,
        ),
      ]);
      expect(await rowsOf(room)).toEqual([]);
    }
    await another.close();
  });

  test("a deleted room is found no more, and what it was found by goes with its texts", async () => {
    const room = await roomOf("open");
    await say(room, "pear");
    await indexAll();
    expect(await everything(at.ada, "pear")).toHaveLength(1);
    acksOf(await commit(rulingsOf("operator").reform(room, { deleted: true })));
    expect(await everything(at.ada, "pear")).toEqual([]);
    while ((await clearDeletedRooms(at.database)) > 0);
    expect(await rowsOf(room)).toEqual([]);
    await indexAll();
    expect(await rowsOf(room)).toEqual([]);
    // A new life of the room.
    const id = await say(room, "pear again");
    await at.members.join([{ userId: at.ada, room }]);
    await indexAll();
    expect(await everything(at.ada, "pear")).toEqual([`${room} ${id}`]);
  });

  test("a search says that messages are missing once they have waited for seconds, and not before", async () => {
    const room = await roomOf("open");
    await indexAll();
    await say(room, "plum");
    expect((await searchAs(at.ada)("plum")).partial).toBe(false);
    await at.database.run((orm) =>
      rows(
        orm,
        sql`update messages set created_at = created_at - interval '6 seconds' where room_id = (select id from rooms where name = ${room}::text)`,
      ),
    );
    expect((await searchAs(at.ada)("plum")).partial).toBe(true);
    expect((await searchAs(at.ada)("plum", { room })).partial).toBe(true);
    await indexAll();
    expect(await searchAs(at.ada)("plum")).toMatchObject({ partial: false, found: [{ room }] });
  });

  test("a search finds a text that an edit took away no more, at once, and the new one once it is indexed", async () => {
    const room = await roomOf("open");
    const id = await say(room, "secret");
    await indexAll();
    await commit({
      kind: "edit",
      room,
      clientId: crypto.randomUUID(),
      fence: -1,
      ...by(at.ada),
      id,
      content: "harmless",
    });
    expect(await everything(at.ada, "secret", { room })).toEqual([]);
    await indexAll();
    expect(await everything(at.ada, "harmless", { room })).toEqual([`${room} ${id}`]);
  });

  test("indexing again keeps the search going, writes everything once more, and removes what stands for nothing", async () => {
    const room = await roomOf("open");
    const id = await say(room, "cherry");
    await indexAll();
    await at.database.run((orm) =>
      rows(
        orm,
        sql`insert into search select room_id, 999, at, terms from search
          where room_id = (select id from rooms where name = ${room}::text)`,
      ),
    );
    await reindex(at.database, true);
    expect((await searchAs(at.ada)("cherry", { room })).found).toHaveLength(1);
    await indexAll();
    expect(await rowsOf(room)).toEqual([id]);
    await reindex(at.database, false);
    expect(await rowsOf(room)).toEqual([]);
    await indexAll();
    expect(await rowsOf(room)).toEqual([id]);
  });

  test("a token that allows some rooms finds messages in those alone", async () => {
    const [one, other] = [await roomOf("open"), await roomOf("open")];
    await say(one, "grape");
    await say(other, "grape");
    await indexAll();
    const found = async (patterns: readonly string[]) =>
      (await searchAs(at.ada, { patterns })("grape")).found.map(({ room }) => room);
    expect(await found([one])).toEqual([one]);
    expect(await found(["x*", other])).toEqual([other]);
    expect(await found([])).toEqual([]);
  });

  test("highlights are where the words are, in code points", async () => {
    const room = await roomOf("open");
    await say(room, "👍 Kiwi and 京都の KIWI");
    await indexAll();
    const { found } = await searchAs(at.ada)("kiwi 京都", { room });
    expect(found.map(({ highlights }) => highlights)).toEqual([
      [
        [2, 6],
        [11, 13],
        [15, 19],
      ],
    ]);
  });

  test("a lookup reads the index, not the messages of the room, whatever its size", async () => {
    const room = await roomOf("open");
    await at.store.commit(
      0,
      Array.from({ length: 400 }, (_, n) => post(at.ada, room, n % 100 === 7 ? "needle" : `straw ${n}`)),
      false,
    );
    await indexAll();
    const watched = explained(at.database);
    const store = createSearchStore(watched);
    const scope = { userId: at.ada, room, patterns: null, membersOnly: false };
    const { rooms } = await store.rooms(scope);
    const times = { after: 0, before: 8e15 };
    const blocks = await store.blocks(rooms, times, 100);
    expect(blocks).toHaveLength(1);
    watched.takeScans();
    const { hits } = await store.hits(scope, blocks, [{ term: "needle", prefix: false }], {
      ...times,
      place: undefined,
      limit: 10,
    });
    expect(hits).toHaveLength(4);
    const scans = watched.takeScans();
    expect(scans.filter(({ table }) => table === "search").map(({ type }) => type)).toEqual([
      "Bitmap Heap Scan",
    ]);
    for (const { table, rows: read } of scans)
      if (table !== "bans") expect([table, read <= 4]).toEqual([table, true]);
    // Nor does writing it read more of them than it writes.
    const index = createSearchIndex(watched);
    const { messages } = await index.read(rooms[0]?.roomId ?? 0, 390);
    watched.takeScans();
    await index.write(
      rooms[0]?.roomId ?? 0,
      messages.map(({ id, version }) => ({ id, version, terms: ["straw"] })),
    );
    const written = watched.takeScans().filter(({ table }) => table === "messages");
    expect(written.map(({ rows: read }) => read <= messages.length)).toEqual([true]);
  });

  test("rooms that someone may not read are not looked up at all", async () => {
    const store = createSearchStore(at.database);
    const room = await roomOf("open");
    await say(room, "quince");
    const looked = async (userId: number, one?: string) =>
      (await store.rooms({ userId, room: one, patterns: null, membersOnly: false })).rooms.length;
    const before = await looked(at.ben);
    await setBan(at.store, "banned", { userId: at.ben, room });
    expect(await looked(at.ben)).toBe(before - 1);
    expect(await looked(at.ben, room)).toBe(0);
    await setBan(at.store, "unbanned", { userId: at.ben, room });
    expect(await looked(at.ben)).toBe(before - 1);
    expect(await looked(at.ben, room)).toBe(1);
  });

  test("someone who is removed between the lookup of rooms and that of texts finds nothing there", async () => {
    const store = createSearchStore(at.database);
    const room = await roomOf("private");
    const ada = rulingsOf({ userId: at.ada, username: "ada" });
    acksOf(await commit(ada.appoint(room, "in", [at.ben])));
    await say(room, "medlar");
    await indexAll();
    const scope = { userId: at.ben, room: undefined, patterns: null, membersOnly: false };
    const times = { after: 0, before: 8e15 };
    const { rooms } = await store.rooms(scope);
    const blocks = await store.blocks(rooms, times, 1_000);
    const hits = async () =>
      (
        await store.hits(scope, blocks, [{ term: "medlar", prefix: false }], {
          ...times,
          place: undefined,
          limit: 10,
        })
      ).hits.length;
    expect(await hits()).toBe(1);
    acksOf(await commit(ada.appoint(room, "out", [at.ben])));
    expect(await hits()).toBe(0);
    // Back in the room, they see what comes from now on.
    acksOf(await commit(ada.appoint(room, "in", [at.ben])));
    expect(await hits()).toBe(0);
  });

  test("commits cost what they did before: one statement for posts, which knows nothing of the index", async () => {
    const statements: string[] = [];
    const counted = countingStatements(at.database, statements);
    const store = createMessageStore(counted, counted);
    const room = await roomOf("open");
    acksOf(await store.commit(0, [post(at.ada, room, "one"), post(at.ben, room, "two")], false));
    expect(statements).toHaveLength(1);
    const edit = { ...post(at.ada, room, "edited"), kind: "edit", id: 1 } as const;
    const reaction = { ...post(at.ben, room, ""), kind: "react", id: 1, emoji: "👍", on: true } as const;
    acksOf(await store.commit(0, [edit, reaction], false));
    expect(statements.filter((text) => /\b(search|search_blocks|cursors)\b/.test(text))).toEqual([]);
    // Nor does the database do more by itself.
    const [found] = await at.database.run((orm) =>
      rows<{ triggers: number; indexes: number }>(
        orm,
        sql`select (select count(*) from pg_trigger where tgrelid in ('messages'::regclass, 'rooms'::regclass))::int as triggers,
          (select count(*) from pg_index where indrelid = 'messages'::regclass
            and pg_get_indexdef(indexrelid) ilike '%gin%')::int as indexes`,
      ),
    );
    expect(found).toEqual({ triggers: 0, indexes: 0 });
  });

  test("all messages of a moment are found, page by page", async () => {
    const room = await roomOf("open");
    await at.store.commit(
      0,
      Array.from({ length: 120 }, () => post(at.ada, room, "melon")),
      false,
    );
    await indexAll();
    const found = await everything(at.ada, "melon", { room, limit: 50 });
    const { messages } = await at.store.messages(room, { after: 0 }, upTo(1_000));
    expect(found).toEqual(messages.map(({ id }) => `${room} ${id}`).toReversed());
  });
});

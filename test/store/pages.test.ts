import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { PAGE_MAX } from "../../src/chat/limits.ts";
import type { Page } from "../../src/chat/ports.ts";
import { rows } from "../../src/db/database.ts";
import { createStore } from "../../src/store/store.ts";
import { explained } from "../support/explain.ts";
import { START_MS } from "../support/house.ts";
import { replayFrame, upTo } from "../support/stubs.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";

// Pages that the store reads: changes and posts for clients that catch up, and messages for history.

onEachDriver((open) => {
  let at: Stocked;
  let room: string;

  beforeAll(async () => {
    at = await stock(open);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    room = crypto.randomUUID();
  });

  const write = async (count: number, content = (number: number) => `message ${number}`) => {
    const posts = Array.from({ length: count }, (_, index) => post(at.ada, room, content(index + 1)));
    for (let first = 0; first < count; first += 1000)
      await at.store.commit(0, posts.slice(first, first + 1000), false);
  };
  const run = (statement: SQL) => at.database.run((orm) => rows(orm, statement));
  /** Changes a message as an edit or a deletion would: the change takes the room's next version. */
  const change = (id: number, to: SQL) =>
    run(sql`with moved as (update rooms set version = version + 1 where name = ${room} returning id, version)
      update messages m set version = moved.version, ${to} from moved where m.room_id = moved.id and m.id = ${id}`);
  const edit = (id: number, content: string) => change(id, sql`content = ${content}, edited_at = now()`);
  const remove = (id: number) => change(id, sql`content = '', deleted_at = now()`);

  /** Fills a room with texts of 16,000 bytes that Postgres cannot compress. */
  const fill = async (count: number) => {
    await write(1);
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, n, ${at.ada}::bigint, gen_random_uuid(), (
        select string_agg(md5(n || ' ' || part), '') from generate_series(1, 500) part), now()
      from rooms r, generate_series(2, ${count}::int) n where r.name = ${room}`);
    await run(sql`update rooms set version = ${count}::int where name = ${room}`);
  };

  const shape = ({ messages }: Pick<Page, "messages">) => messages.map(({ id, version }) => [id, version]);
  const range = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);

  /** Reads all pages after a version, as a subscription does. */
  async function readAll(read: (after: number) => Promise<Page>, after = 0): Promise<Page[]> {
    const pages: Page[] = [];
    for (let from = after; ;) {
      const page = await read(from);
      pages.push(page);
      expect(page.end).toBeGreaterThanOrEqual(from);
      if (page.end >= page.counter) return pages;
      expect(page.end).toBeGreaterThan(from);
      from = page.end;
    }
  }
  const changes = (after: number) => at.store.changesSince(room, after);
  const posts = (after: number) => at.store.postsSince(room, after);

  test("a room without messages has an empty page that ends at 0", async () => {
    const empty = { epoch: at.epoch, counter: 0, fence: 0, messages: [] };
    expect(await changes(0)).toEqual({ ...empty, end: 0 });
    expect(await posts(0)).toEqual({ ...empty, end: 0 });
    expect(await at.store.messages(room, { after: 0 }, upTo(10))).toEqual({ ...empty, more: false, edge: 0 });
  });

  test("changes are ordered by version: each message once, in its last state", async () => {
    await write(5);
    await edit(2, "edited");
    await remove(4);
    await edit(2, "edited again");
    const page = await changes(0);
    expect(page).toMatchObject({ counter: 8, end: 8 });
    expect(shape(page)).toEqual([
      [1, 1],
      [3, 3],
      [5, 5],
      [4, 7],
      [2, 8],
    ]);
    expect(page.messages.at(-1)).toMatchObject({ content: "edited again", editedAt: expect.any(String) });
    expect(page.messages.at(-2)).toMatchObject({ content: "", deletedAt: expect.any(String) });
    expect(shape(await changes(5))).toEqual([
      [4, 7],
      [2, 8],
    ]);
    expect(shape(await changes(7))).toEqual([[2, 8]]);
    expect(shape(await changes(8))).toEqual([]);
  });

  test("posts are ordered by id, in their present state", async () => {
    await write(3);
    await edit(1, "edited");
    await at.store.commit(0, [post(at.ben, room, "later")], false);
    await remove(2);
    const page = await posts(0);
    expect(page).toMatchObject({ counter: 6, end: 6 });
    expect(shape(page)).toEqual([
      [1, 4],
      [2, 6],
      [3, 3],
      [5, 5],
    ]);
    expect(shape(await posts(2))).toEqual([
      [3, 3],
      [5, 5],
    ]);
    expect(shape(await posts(4))).toEqual([[5, 5]]);
  });

  test("a page has at most 200 rows, and the next page begins at its end", async () => {
    await write(450);
    await edit(10, "edited");
    for (const read of [changes, posts]) {
      const pages = await readAll(read);
      expect(pages.map(({ messages }) => messages.length)).toEqual([200, 200, 50]);
      const ids = pages.flatMap(({ messages }) => messages.map(({ id }) => id));
      expect(ids.toSorted((a, b) => a - b)).toEqual(range(1, 450));
      expect(pages.at(-1)).toMatchObject({ counter: 451, end: 451 });
      expect(Math.max(...pages.flatMap(({ messages }) => messages.map(({ version }) => version)))).toBe(451);
    }
  });

  test("after a last page that is exactly full, reading still reaches the counter", async () => {
    await write(200);
    for (const read of [changes, posts]) {
      const pages = await readAll(read);
      expect(pages.flatMap(({ messages }) => messages)).toHaveLength(200);
    }
  });

  // Encoded characters take one to six bytes each.
  test.each(["x", "あ", "🙂", '"', "\u0001"])(
    "pages of long messages of %j are bounded in bytes",
    async (filling) => {
      await write(30, (number) => `${number} `.padEnd(10_000, filling));
      for (const read of [changes, posts]) {
        const pages = await readAll(read);
        expect(pages.length).toBeGreaterThan(2);
        for (const { messages } of pages) {
          const frames = messages.map((message) => replayFrame(room, message, 0));
          expect(Buffer.byteLength(frames.join(""))).toBeLessThanOrEqual(PAGE_MAX);
        }
        expect(pages.flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual(range(1, 30));
      }
    },
  );

  test("history is ordered by id, with tombstones: the first messages after an id, or the last ones before it", async () => {
    await write(20);
    await remove(19);
    const ids = async (bounds: { after: number } | { before: number }, limit: number) =>
      (await at.store.messages(room, bounds, upTo(limit))).messages.map(({ id }) => id);
    expect(await ids({ after: 0 }, 3)).toEqual([1, 2, 3]);
    expect(await ids({ after: 17 }, 5)).toEqual([18, 19, 20]);
    expect(await ids({ before: 20 }, 3)).toEqual([17, 18, 19]);
    expect(await ids({ before: 3 }, 5)).toEqual([1, 2]);
    expect(await ids({ before: Number.MAX_SAFE_INTEGER }, 2)).toEqual([19, 20]);
    expect(await ids({ after: Number.MAX_SAFE_INTEGER }, 2)).toEqual([]);
  });

  test("a page of history has the messages that fit, nearest first, and says whether there are more", async () => {
    const lengths = Array.from(
      { length: 260 },
      (_, index) => (index % 7 === 0 ? 9_000 : (index * 37) % 900) + 1,
    );
    await write(lengths.length, (number) => "x".repeat(lengths[number - 1] as number));
    const sizes = lengths.map((length) => length + 256);
    const ranges: ({ after: number } | { before: number })[] = [
      { after: 0 },
      { after: 30 },
      { before: 261 },
      { before: 240 },
    ];
    for (const [messages, bytes] of [
      [1_000, 16_000_000],
      [200, 300_000],
      [201, 16_000_000],
      [1_000, 262_144],
      [10, 1],
    ] as const)
      for (const bounds of ranges) {
        const ids = "after" in bounds ? range(bounds.after + 1, 260) : range(1, bounds.before - 1).reverse();
        let total = 0;
        const fit = ids.filter((id, index) => {
          total += sizes[id - 1] as number;
          return index === 0 || (index < messages && total <= bytes);
        });
        const page = await at.store.messages(room, bounds, { messages, bytes });
        const found = page.messages.map(({ id }) => id);
        expect(found).toEqual("after" in bounds ? fit : fit.toReversed());
        expect(page.more).toBe(fit.length < ids.length);
      }
  });

  // A page of 8 used to read 1,000 messages of 16 KB.
  test("texts that do not fit into a page are not read", async () => {
    const watched = explained(at.database);
    const { messages } = createStore(watched);
    await fill(220);
    for (const read of [
      () => messages.messages(room, { before: 221 }, { messages: 1_000, bytes: PAGE_MAX }),
      () => messages.messages(room, { after: 0 }, { messages: 1_000, bytes: PAGE_MAX }),
      () => messages.changesSince(room, 0),
      () => messages.postsSince(room, 0),
    ]) {
      watched.takeBlocks();
      const page = await read();
      expect(page.messages.length).toBeWithin(8, 10);
      // A text of this size takes nine blocks at least.
      expect(watched.takeBlocks()).toBeLessThan(201 * 4);
    }
  });

  test("reactions count towards the size of a page", async () => {
    const REACTED = 60;
    await write(REACTED);
    await run(sql`insert into reactions (room_id, message_id, user_id, emoji)
      select m.room_id, m.id, ${at.ben}::bigint, repeat('e', 30) || n from messages m, generate_series(1, 20) n
      where m.room_id = (select id from rooms where name = ${room})`);
    for (let id = 1; id <= REACTED; id++) await edit(id, "x");
    const { messages, more } = await at.store.messages(room, { after: 0 }, { messages: 100, bytes: 20_000 });
    const bytes = messages.reduce((sum, { reactions }) => sum + JSON.stringify(reactions).length, 0);
    expect(bytes).toBeWithin(10_000, 20_000);
    expect(more).toBe(true);
  });
});

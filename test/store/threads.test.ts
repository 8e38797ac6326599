import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import fc from "fast-check";
import type { Change, Post } from "../../src/chat/change.ts";
import type { View } from "../../src/chat/ports.ts";
import { rows } from "../../src/db/database.ts";
import { postAll } from "../../src/store/posting.ts";
import { createStore } from "../../src/store/store.ts";
import type { Message } from "../../src/message.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { explained, walRecordsOf } from "../support/explain.ts";
import { START_MS } from "../support/house.ts";
import { named, upTo } from "../support/stubs.ts";

// Threads: what commits make of replies, how they are paged, and what people keep about them. On each driver.

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

  const commit = async (...changes: Change[]) => acksOf(await at.store.commit(0, changes, false));
  const reply = (userId: number, root: number, content: string, more: Partial<Post> = {}) =>
    post(userId, room, content, { thread: { root, alsoRoom: false }, ...more });
  const remove = (userId: number, id: number): Change => ({
    kind: "delete",
    room,
    senderId: userId,
    ...named("ada"),
    clientId: crypto.randomUUID(),
    id,
    fence: 0,
  });
  const page = (view: View = {}, range: { after: number } | { before: number } = { after: 0 }, most = 1000) =>
    at.store.messages(room, range, upTo(most), view);
  const ids = ({ messages }: { messages: readonly Message[] }) => messages.map(({ id }) => id);
  const seat = (userId: number) => ({ userId, room });
  const listed = (userId: number, all = false) =>
    at.threads.list(userId, { all, before: null, patterns: null, limit: 100 });

  test("a reply belongs to the first message of the thread, whichever message of it the reply names", async () => {
    await commit(post(at.ada, room, "root"), post(at.ben, room, "another"));
    const [first] = await commit(reply(at.ben, 1, "one"));
    await commit(reply(at.ada, first?.id ?? 0, "two", { thread: { root: first?.id ?? 0, alsoRoom: true } }));
    const { messages } = await page();
    expect(messages.map(({ thread }) => thread)).toEqual([
      null,
      null,
      { root: 1, alsoRoom: false },
      { root: 1, alsoRoom: true },
    ]);
  });

  test("a reply to nothing, to a notice or in a room without messages is refused", async () => {
    const refused = async (...posts: Post[]) =>
      (await at.store.commit(0, posts, false)).outcomes.map(
        (outcome) => outcome && "errors" in outcome && outcome.errors,
      );
    const errors = { thread: ["must be the id of a message in this room"] };
    expect(await refused(reply(at.ada, 1, "no room"))).toEqual([errors]);
    const appoint = rulingsOf("operator").appoint(room, "banned", [at.ben]);
    await commit(appoint, post(at.ada, room, "root"));
    expect(await refused(reply(at.ada, 1, "a notice"), reply(at.ada, 9, "nothing"))).toEqual([
      errors,
      errors,
    ]);
    await commit(rulingsOf("operator").appoint(room, "unbanned", [at.ben]));
  });

  test("a deleted first message keeps its replies, and takes more", async () => {
    await commit(post(at.ada, room, "root"));
    await commit(reply(at.ben, 1, "one"), remove(at.ada, 1), reply(at.ben, 1, "two"));
    const [root] = (await page({ replies: true })).messages;
    expect(root).toMatchObject({ content: "", deletedAt: expect.any(String), replies: { count: 2 } });
    expect(ids(await page({ thread: 1 }))).toEqual([2, 4]);
  });

  test("a thread is paged in both directions, with tombstones", async () => {
    await commit(post(at.ada, room, "root"), post(at.ada, room, "another"));
    for (let count = 0; count < 5; count++)
      await commit(reply(at.ben, 1, `reply ${count}`), reply(at.ben, 2, "x"));
    await commit(remove(at.ben, 5));
    const forth = await page({ thread: 1 }, { after: 0 }, 2);
    expect([ids(forth), forth.more, forth.edge]).toEqual([[3, 5], true, 5]);
    expect(forth.messages[1]).toMatchObject({ content: "", thread: { root: 1 } });
    const back = await page({ thread: 1 }, { before: 11 }, 3);
    expect([ids(back), back.more, back.edge]).toEqual([[5, 7, 9], true, 5]);
    expect(ids(await page({ thread: 1, from: 6 }))).toEqual([7, 9, 11]);
  });

  test("summaries say what a scan of the room says", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            who: fc.boolean(),
            what: fc.constantFrom("post", "reply", "reply", "delete"),
            at: fc.nat(30),
          }),
          { minLength: 1, maxLength: 30 },
        ),
        async (steps) => {
          room = crypto.randomUUID();
          await commit(post(at.ada, room, "first"));
          for (const { who, what, at: id } of steps) {
            const userId = who ? at.ada : at.ben;
            const change =
              what === "post"
                ? post(userId, room, "post")
                : what === "reply"
                  ? reply(userId, 1 + id, "reply")
                  : remove(userId, 1 + id);
            await at.store.commit(0, [change], false);
          }
          const { messages, counter } = await page({ replies: true });
          const expected = messages.map((message) => {
            const replies = messages.filter(
              ({ thread, deletedAt }) => thread?.root === message.id && deletedAt === null,
            );
            const last = replies.at(-1);
            const people = [...new Set(replies.toReversed().map(({ username }) => username))];
            return last && { count: replies.length, last: last.id, timestamp: last.timestamp, people };
          });
          expect(
            messages.map(
              ({ replies }) =>
                replies && {
                  count: replies.count,
                  last: replies.last.id,
                  timestamp: replies.last.timestamp,
                  people: replies.people.map(({ username }) => username),
                },
            ),
          ).toEqual(expected);
          const news = await at.threads.news(messages.map(({ id: root }) => ({ room, root })));
          messages.forEach(({ replies, thread }, index) =>
            expect(news[index]).toMatchObject({ counter, replies: thread ? null : (replies ?? null) }),
          );
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a summary counts up to 100 replies and says that there are more", async () => {
    await commit(post(at.ada, room, "root"));
    await commit(...Array.from({ length: 100 }, () => reply(at.ben, 1, "reply")));
    expect((await page({ replies: true })).messages[0]?.replies).toMatchObject({ count: 100, more: false });
    await commit(reply(at.ada, 1, "one more"));
    expect((await page({ replies: true })).messages[0]?.replies).toMatchObject({
      count: 100,
      more: true,
      last: { id: 102 },
      people: [{ username: "ada" }, { username: "ben" }],
    });
  });

  test("replies in threads neither count as unread in the room nor move it up in lists", async () => {
    const other = crypto.randomUUID();
    await at.members.join([seat(at.ada)]);
    await commit(post(at.ben, room, "root"), post(at.ada, other, "later"));
    await commit(
      reply(at.ben, 1, "hidden"),
      reply(at.ben, 1, "shown", { thread: { root: 1, alsoRoom: true } }),
    );
    await commit(reply(at.ben, 1, "hidden again"));
    const summary = await at.lists.room(seat(at.ada));
    expect(summary).toMatchObject({ unread: 2, last: { id: 3, content: "shown" } });
    await commit(post(at.ada, other, "latest"));
    await commit(reply(at.ben, 1, "hidden once more"));
    const { rooms } = await at.lists.recent(at.ada, {
      before: null,
      patterns: null,
      hidden: false,
      limit: 2,
    });
    expect(rooms.map(({ room: name }) => name)).toEqual([other, room]);
  });

  test("the main conversation is paged without its threads, a bounded number of ids at a time", async () => {
    await commit(post(at.ada, room, "first"));
    // Nearly all of the room is one thread.
    await at.database.run((orm) =>
      rows(
        orm,
        sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at, thread, also_room)
          select r.id, n, n, ${at.ada}::bigint, gen_random_uuid(), 'reply', now(), 1, n % 5000 = 0
          from rooms r, generate_series(2, 24999) n where r.name = ${room}`,
      ),
    );
    await at.database.run((orm) => rows(orm, sql`update rooms set version = 24999 where name = ${room}`));
    await commit(post(at.ada, room, "last"));
    const seen = explained(at.database);
    const { messages: store } = createStore(seen);
    const expected = [1, 5000, 10_000, 15_000, 20_000, 25_000];
    for (const backward of [true, false]) {
      const found: number[] = [];
      let edge = backward ? Number.MAX_SAFE_INTEGER : 0;
      for (let more = true; more;) {
        const range = backward ? { before: edge } : { after: edge };
        const part = await store.messages(room, range, upTo(100), { main: true });
        found.push(...(backward ? ids(part).toReversed() : ids(part)));
        expect(part.edge).not.toBe(edge);
        ({ edge, more } = part);
        const read = seen.takeScans().filter(({ table }) => table === "messages");
        expect(Math.max(...read.map((scan) => scan.rows))).toBeLessThanOrEqual(2_001);
        expect(read.length).toBeLessThanOrEqual(10);
      }
      expect(found).toEqual(backward ? expected.toReversed() : expected);
    }
    // For someone who does not see the first message, its replies are no thread.
    const newcomer = await page({ main: true, from: 24_998 }, { before: Number.MAX_SAFE_INTEGER });
    expect(ids(newcomer)).toEqual([24_998, 24_999, 25_000]);
  });

  test("summaries and pages of threads read the index of threads, and no more than they show", async () => {
    const filler = Array.from({ length: 300 }, (_, index) => post(at.ada, room, `filler ${index}`));
    await commit(...filler);
    for (let root = 1; root <= 50; root++)
      await commit(...Array.from({ length: 10 }, () => reply(at.ben, root, "reply")));
    await at.database.run((orm) => rows(orm, sql`analyze messages`));
    const seen = explained(at.database);
    const { messages: store, threads } = createStore(seen);
    const { messages } = await store.messages(room, { before: 101 }, upTo(100), { replies: true });
    expect(messages.filter(({ replies }) => replies?.count === 10)).toHaveLength(50);
    let scans = seen.takeScans().filter(({ table }) => table === "messages");
    expect(scans.every(({ condition }) => condition !== "")).toBe(true);
    // The page, but no reply of any thread.
    expect(scans.reduce((sum, scan) => sum + scan.rows, 0)).toBeLessThanOrEqual(101);
    await store.messages(room, { before: 10_000 }, upTo(10), { thread: 7 });
    scans = seen.takeScans().filter(({ table }) => table === "messages");
    expect(scans.some(({ condition }) => condition.includes("thread = "))).toBe(true);
    expect(scans.reduce((sum, scan) => sum + scan.rows, 0)).toBeLessThanOrEqual(20);
    await threads.list(at.ben, { all: true, before: null, patterns: null, limit: 50 });
    scans = seen.takeScans().filter(({ table }) => table === "messages");
    expect(scans.every(({ condition }) => condition !== "")).toBe(true);
  });

  test("people follow the threads in which they reply and that they began, unless they choose not to", async () => {
    await commit(post(at.ada, room, "root"));
    expect(await at.threads.seat(seat(at.ada), 1)).toEqual({ following: false, lastRead: 0 });
    await commit(reply(at.ben, 1, "one"));
    expect(await at.threads.seat(seat(at.ada), 1)).toEqual({ following: true, lastRead: 1 });
    expect(await at.threads.seat(seat(at.ben), 1)).toEqual({ following: true, lastRead: 2 });
    expect(await at.threads.change(seat(at.ada), 1, { following: false })).toMatchObject({
      following: false,
    });
    await commit(reply(at.ben, 1, "two"));
    expect(await at.threads.seat(seat(at.ada), 1)).toMatchObject({ following: false });
    await commit(reply(at.ada, 1, "three"));
    expect(await at.threads.seat(seat(at.ada), 1)).toEqual({ following: true, lastRead: 4 });
  });

  test("a read mark moves forward only, and never past the room's end", async () => {
    await commit(post(at.ada, room, "root"));
    await commit(reply(at.ben, 1, "one"), reply(at.ben, 1, "two"), reply(at.ben, 1, "three"));
    const read = (readTo: number) => at.threads.change(seat(at.ada), 1, { readTo });
    expect(await read(3)).toEqual({ following: true, lastRead: 3 });
    expect(await read(2)).toEqual({ following: true, lastRead: 3 });
    expect(await read(1_000_000)).toEqual({ following: true, lastRead: 4 });
    expect(await at.threads.change(seat(at.ada), 1, { following: false })).toMatchObject({ lastRead: 4 });
  });

  test("only the first message of a thread can be followed", async () => {
    await commit(post(at.ada, room, "root"));
    await commit(reply(at.ben, 1, "one"));
    expect(await at.threads.change(seat(at.ada), 2, { following: true })).toBeNull();
    expect(await at.threads.change(seat(at.ada), 9, { following: true })).toBeNull();
    expect(await at.threads.change({ userId: at.ada, room: "nowhere" }, 1, { following: true })).toBeNull();
  });

  test("following a thread by choice begins with what is said from then on", async () => {
    await commit(post(at.ada, room, "root"), post(at.ada, room, "another"));
    await commit(reply(at.ada, 1, "one"), reply(at.ada, 1, "two"));
    await at.members.join([seat(at.ben)]);
    expect(await at.threads.change(seat(at.ben), 1, { following: true })).toEqual({
      following: true,
      lastRead: 4,
    });
    expect(await at.threads.change(seat(at.ben), 2, { following: true })).toEqual({
      following: true,
      lastRead: 0,
    });
    await commit(reply(at.ada, 1, "three"));
    const { threads } = await listed(at.ben);
    expect(threads.filter((one) => one.room === room)).toMatchObject([
      { root: { id: 1, content: "root" }, unread: 1, replies: { count: 3 }, lastRead: 4 },
    ]);
    // Following again marks nothing as read.
    expect(await at.threads.change(seat(at.ben), 1, { following: true })).toMatchObject({ lastRead: 4 });
  });

  test("the list has threads with unread replies by their last reply, and pages through them", async () => {
    await commit(post(at.ada, room, "a"), post(at.ada, room, "b"), post(at.ada, room, "c"));
    await commit(reply(at.ben, 1, "one"));
    await commit(reply(at.ben, 3, "two"));
    await commit(reply(at.ben, 2, "three"));
    const inRoom = (threads: readonly { room: string; root: { id: number } }[]) =>
      threads.filter((one) => one.room === room).map(({ root }) => root.id);
    expect(inRoom((await listed(at.ada)).threads)).toEqual([2, 3, 1]);
    expect((await at.lists.room(seat(at.ada)))?.threads).toBe(3);
    const first = await at.threads.list(at.ada, { all: true, before: null, patterns: [room], limit: 2 });
    expect(inRoom(first.threads)).toEqual([2, 3]);
    const rest = await at.threads.list(at.ada, {
      all: true,
      before: first.next ?? null,
      patterns: [room],
      limit: 2,
    });
    expect([inRoom(rest.threads), rest.next]).toEqual([[1], undefined]);
    await at.threads.change(seat(at.ada), 2, { readTo: 6 });
    expect(inRoom((await listed(at.ada)).threads)).toEqual([3, 1]);
    expect(inRoom((await listed(at.ada, true)).threads)).toEqual([2, 3, 1]);
    expect((await at.lists.room(seat(at.ada)))?.threads).toBe(2);
    // One's own replies and deleted ones are not unread.
    await commit(reply(at.ada, 2, "mine"), remove(at.ben, 5));
    expect(inRoom((await listed(at.ada)).threads)).toEqual([1]);
    // Nor is anything in rooms that one has left.
    await at.members.leave(seat(at.ada));
    expect(inRoom((await listed(at.ada, true)).threads)).toEqual([]);
  });

  test("posts outside of threads cost what they did: one statement, and nothing for threads in the log", async () => {
    const posts = [post(at.ada, room, "one"), post(at.ben, room, "two", { replyTo: 1 })];
    await commit(post(at.ada, room, "the room exists"), post(at.ben, room, "so does its member"));
    const statement = postAll(posts, [], () => 0, new Map()).toSQL();
    const undone = new Error("undone");
    /** The records that the commit writes to the log, with the index of threads or without it. */
    const costs = async (drop: boolean) => {
      let records = 0;
      await at.database
        .run((orm) =>
          orm.transaction(async (tx) => {
            if (drop) await rows(tx, sql`drop index messages_thread`);
            records = await walRecordsOf(tx, statement);
            throw undone;
          }),
        )
        .catch((error: unknown) => {
          if (error !== undone) throw error;
        });
      return records;
    };
    /** The least of several: now and then the database prunes a page or logs it in full. */
    const least = async (drop: boolean) => {
      const counts: number[] = [];
      for (let round = 0; round < 6; round++) counts.push(await costs(drop));
      return Math.min(...counts);
    };
    const records = await least(false);
    // One for the room, and each message with its two indexes.
    expect(records).toBeGreaterThanOrEqual(7);
    expect(records).toBe(await least(true));
    expect(new PgDialect().sqlToQuery(statement).sql).not.toMatch(/thread|also_room/);
  });
});

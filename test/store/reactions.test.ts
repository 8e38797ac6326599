import { afterAll, beforeAll, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { PAGE_MAX } from "../../src/chat/limits.ts";
import type { Change } from "../../src/chat/change.ts";
import type { Page } from "../../src/chat/ports.ts";
import { rows } from "../../src/db/database.ts";
import { createStore } from "../../src/store/store.ts";
import { explained } from "../support/explain.ts";
import { START_MS } from "../support/house.ts";
import { replayFrame, upTo, named } from "../support/stubs.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";

// Messages with many reactions are large, however short their texts are.

const MESSAGES = 60;
const FIRST_EMOJI = 0x1f600;
const emojiOf = (index: number) => String.fromCodePoint(FIRST_EMOJI + index);

onEachDriver((open) => {
  let at: Stocked;

  beforeAll(async () => {
    at = await stock(open);
    const run = (statement: SQL) => at.database.run((orm) => rows(orm, statement));
    const posts = Array.from({ length: MESSAGES }, (_, index) =>
      post(at.ada, "plaza", `message ${index + 1}`),
    );
    await at.store.commit(0, posts, false);
    // Twenty people react with twenty emojis to each message, and each message has changed since.
    await run(sql`insert into users (username, username_fold)
      select 'reactor-' || n, 'reactor-' || n from generate_series(1, 20) n`);
    await run(sql`insert into reactions (room_id, message_id, user_id, emoji)
      select m.room_id, m.id, u.id, chr(${FIRST_EMOJI}::int + e) from messages m, users u, generate_series(1, 20) e
      where u.username like 'reactor-%'`);
    await run(sql`update messages set version = id + ${MESSAGES}::int, reaction_count = 400`);
    await run(sql`update rooms set version = ${2 * MESSAGES}::int`);
  }, START_MS);
  afterAll(() => at.database.close());

  test.each(["changesSince", "postsSince"] as const)("their pages are bounded in bytes: %s", async (read) => {
    const pages: Page[] = [];
    for (let from = 0; from < 2 * MESSAGES; from = pages.at(-1)?.end ?? Infinity)
      pages.push(await at.store[read]("plaza", from));
    const messages = pages.flatMap((page) => page.messages);
    expect(messages.map(({ id }) => id)).toEqual(Array.from({ length: MESSAGES }, (_, index) => index + 1));
    const sizes = messages.map((message) => JSON.stringify(message).length);
    expect(Math.min(...sizes)).toBeGreaterThan(4_000);
    for (const page of pages) {
      const frames = page.messages.map((message) => replayFrame("plaza", message, 0));
      expect(Buffer.byteLength(frames.join(""))).toBeLessThanOrEqual(PAGE_MAX);
    }
  });

  // A page used to read the reactions of all messages that fit by their texts, and then to drop what did not fit with them:
  // a hundred short messages with a thousand reactions each took the database half a second, for one unit of a budget.
  test("a page reads little more than the reactions that fit into it", async () => {
    const database = explained(at.database);
    const all = { messages: MESSAGES, bytes: PAGE_MAX };
    const { messages, more } = await createStore(database).messages.messages("plaza", { after: 0 }, all);
    expect(more).toBe(true);
    expect(messages.length).toBeGreaterThan(5);
    const read = database.takeScans().filter(({ table }) => table === "reactions");
    expect(read.reduce((sum, { rows }) => sum + rows, 0)).toBe(400 * messages.length);
  });

  // The names of all who reacted used to be looked up for each reaction: 950 of them on each of 20 messages took longer than
  // any other commit, and everybody's messages waited.
  test("a commit looks up each person who reacted once, however many messages they reacted to", async () => {
    const database = explained(at.database);
    const changes = Array.from({ length: MESSAGES }, (_, index): Change => {
      const id = index + 1;
      const by = {
        room: "plaza",
        senderId: at.ben,
        ...named("ben"),
        fence: 0,
        clientId: crypto.randomUUID(),
      };
      return { kind: "react", ...by, id, emoji: emojiOf(1), on: true };
    });
    const { outcomes } = await createStore(database).messages.commit(0, changes, false);
    expect(outcomes.every((outcome) => outcome !== null && "ack" in outcome)).toBe(true);
    const read = database.takeScans().filter(({ table }) => table === "users");
    // Besides them: the sender of each message, and whoever reacts now.
    expect(read.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(20 + 2 * MESSAGES);
    const [first] = (await at.store.messages("plaza", { after: 0 }, upTo(1))).messages;
    expect(first?.reactions[0]).toMatchObject({ count: 21, users: expect.arrayContaining(["reactor-1"]) });
    const counted = await at.database.run((orm) =>
      rows(orm, sql`select distinct reaction_count from messages`),
    );
    expect(counted).toEqual([{ reaction_count: 401 }]);
  });
});

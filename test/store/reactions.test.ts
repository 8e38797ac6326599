import { afterAll, beforeAll, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { PAGE_MAX } from "../../src/chat/limits.ts";
import type { Page } from "../../src/chat/ports.ts";
import { rows } from "../../src/db/database.ts";
import { START_MS } from "../support/house.ts";
import { replayFrame } from "../support/stubs.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";

// Messages with many reactions are large, however short their texts are.

const MESSAGES = 60;

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
      select m.room_id, m.id, u.id, chr(128512 + e) from messages m, users u, generate_series(1, 20) e
      where u.username like 'reactor-%'`);
    await run(sql`update messages set version = id + ${MESSAGES}::int`);
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
});

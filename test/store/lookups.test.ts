import { afterAll, beforeAll, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import type { Change } from "../../src/chat/change.ts";
import type { ChatStore } from "../../src/chat/ports.ts";
import { rows } from "../../src/db/database.ts";
import { ID_MAX } from "../../src/protocol/limits.ts";
import { createStore } from "../../src/store/store.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { type Explained, explained } from "../support/explain.ts";
import { named, nobodyKnown } from "../support/stubs.ts";

// A database of many rooms with a single message has statistics by which all rooms are that small. For a lookup by room and
// id, the planner then took the index `messages_client` for as good as the key: it begins with the room too. So an edit in
// a large room read all of its messages.

const LARGE = "large";
const SIZE = 3_000;
/** No lookup reads more messages than this. */
const FEW = 300;

onEachDriver((open) => {
  let at: Stocked;
  let database: Explained;
  let store: ChatStore;
  const run = (statement: SQL) => at.database.run((orm) => rows(orm, statement));

  beforeAll(async () => {
    at = await stock(open);
    database = explained(at.database);
    store = { ...createStore(database), journal: undefined, people: nobodyKnown };
    await at.members.join([at.ada, at.ben].map((userId) => ({ userId, room: LARGE })));
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, n, ${at.ada}::bigint, gen_random_uuid(), 'x', now()
      from rooms r, generate_series(1, ${SIZE}::int) n where r.name = ${LARGE}`);
    await run(
      sql`update rooms set version = ${SIZE}::int, last_post = ${SIZE}::int, posted_at = now() where name = ${LARGE}`,
    );
    await run(
      sql`insert into own (user_id, room_id, last_read) select u.id, r.id, ${SIZE}::int from users u, rooms r`,
    );
    await run(sql`alter table messages alter column room_id set (n_distinct = -1)`);
    await run(sql`analyze`);
    await run(sql`alter table messages set (autovacuum_enabled = off)`);
    // What the statements below find.
    const [{ cy = 0 } = {}] = await at.database.run((orm) =>
      rows<{ cy: number }>(
        orm,
        sql`insert into users (username, username_fold, uid) values ('cy', 'cy', 'u_cy') returning id::float8 as cy`,
      ),
    );
    const { pin, appoint } = rulingsOf("operator");
    acksOf(
      await at.store.commit(
        0,
        [
          post(at.ben, LARGE, "a reply", { thread: { root: 20, alsoRoom: false } }),
          post(at.ada, LARGE, "for ben", mentioningBen()),
          pin(LARGE, 30),
          appoint(LARGE, "banned", [cy]),
        ],
        true,
      ),
    );
    await at.threads.change({ userId: at.ada, room: LARGE }, 20, { following: true });
    await store.saved.save({ userId: at.ada, room: LARGE }, { id: 40, from: 1 });
  }, 60_000);
  afterAll(() => at.database.close());

  const mentioningBen = () => ({ mentions: ["@ben"], mentioned: new Map([["@ben", at.ben]]) });
  const change = (fields: Partial<Change> & { kind: string }): Change =>
    ({
      room: LARGE,
      senderId: at.ada,
      ...named("ada"),
      clientId: crypto.randomUUID(),
      fence: 0,
      ...fields,
    }) as Change;
  const commit = async (careful: boolean, ...changes: Change[]) =>
    acksOf(await store.messages.commit(0, changes, careful));
  const seat = () => ({ userId: at.ada, room: LARGE });
  const all = { patterns: null, limit: 50 };

  test.each<[string, () => Promise<unknown>]>([
    ["a reply", () => commit(false, post(at.ada, LARGE, "x", { replyTo: 10, fence: 1 }))],
    ["a reply on the careful path", () => commit(true, post(at.ada, LARGE, "x", { replyTo: 10 }))],
    [
      "a reply in a thread",
      () => commit(false, post(at.ada, LARGE, "x", { thread: { root: 20, alsoRoom: false } })),
    ],
    ["an edit", () => commit(false, change({ kind: "edit", id: 50, content: "y" }))],
    [
      "an edit that mentions",
      () => commit(false, change({ kind: "edit", id: 60, content: "y", ...mentioningBen() })),
    ],
    ["a post that mentions", () => commit(false, post(at.ada, LARGE, "x", mentioningBen()))],
    ["a deletion", () => commit(false, change({ kind: "delete", id: 70 }))],
    ["a reaction", () => commit(false, change({ kind: "react", id: 80, emoji: "🎉", on: true }))],
    ["a pin", () => commit(true, rulingsOf("operator").pin(LARGE, 90))],
    ["the pins", () => store.messages.pinned(LARGE, { before: ID_MAX, from: 1 })],
    ["a message that is saved", () => store.saved.save(seat(), { id: 100, from: 1 })],
    ["saved messages", () => store.saved.list(at.ada, { ...all, before: ID_MAX, membersOnly: false })],
    ["mentions", () => store.lists.inbox(at.ben, { ...all, before: null, membersOnly: false })],
    ["one's rooms", () => store.lists.rooms(at.ben, { ...all, scope: "mine", after: "" })],
    ["one's rooms by activity", () => store.lists.recent(at.ben, { ...all, before: null, hidden: false })],
    ["a thread that is followed", () => store.threads.change(seat(), 20, { following: true })],
    ["followed threads", () => store.threads.list(at.ada, { ...all, all: true, before: null })],
    ["news of threads", () => store.threads.news([{ room: LARGE, root: 20 }])],
    ["bans", () => store.lists.bans(LARGE, { after: 0, limit: 50 })],
    ["a report", () => store.moderation.reports.report({ ...seat(), from: 1, fence: 1 }, 30, "spam")],
  ])("%s: looks messages up by their key in a room that is larger than the others", async (_, ask) => {
    database.takeScans();
    await ask();
    const scans = database.takeScans();
    expect(scans.length).toBeGreaterThan(0);
    const read = scans.filter(({ table }) => table === "messages");
    expect(read.filter(({ rows }) => rows > FEW)).toEqual([]);
  });
});

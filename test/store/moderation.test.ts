import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import {
  FENCED,
  INVITATIONS_MAX,
  type Listed,
  type ModerationStore,
  type Report,
} from "../../src/chat/moderationports.ts";
import { readAudit } from "../../src/db/audit.ts";
import { removeOldInvitations, removeOldReports } from "../../src/db/cleanup.ts";
import { clearDeletedRooms } from "../../src/db/clearing.ts";
import { rows } from "../../src/db/database.ts";
import { createModerationStore } from "../../src/store/moderation.ts";
import { START_MS } from "../support/house.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";

// Blocks, reports and invitations, on each driver. Rooms are written by hand, so that only these stores are under test.

const BY_HAND = { via: "http", actor: "ben", address: "192.0.2.1", reason: "" } as const;
const DAY = 24 * 3600_000;

onEachDriver((open) => {
  let at: Stocked;
  let store: ModerationStore;
  let room: string;

  beforeAll(async () => {
    at = await stock(open);
    store = createModerationStore(at.database);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    room = `a-${crypto.randomUUID()}`;
  });

  const run = <T>(statement: SQL) => at.database.run((orm) => rows<T>(orm, statement));
  const say = async (...contents: string[]) => {
    const posts = contents.map((content) => post(at.ada, room, content));
    await at.store.commit(0, posts, false);
  };
  const place = (settings: SQL, name = room) =>
    run(sql`update rooms set ${settings} where name = ${name}::text`);
  const may = (userId: number, more: { from?: number; fence?: number } = {}) => ({
    userId,
    room,
    from: 1,
    fence: 0,
    ...more,
  });
  const listed = <T>(page: Listed<T> | typeof FENCED | undefined): readonly T[] => {
    if (!page || page === FENCED) throw new Error("refused");
    return page.entries;
  };
  const reportsOf = async (more = {}, scope: "open" | "all" = "open") =>
    listed(await store.reports.reportsOf(may(at.ben, more), { after: undefined, limit: 10, scope }));
  const textsOf = (reports: readonly Report[]) => reports.map(({ message }) => message.content);

  test("a report keeps the message as it was, once for each person, and only what they may see", async () => {
    await say("one", "two", "three");
    await run(
      sql`update messages set notice = '{"type":"title"}' where id = 3 and room_id = (select id from rooms where name = ${room}::text)`,
    );
    expect(await store.reports.report(may(at.ben), 2, "spam")).toBe(true);
    expect(await store.reports.report(may(at.ben), 2, "again")).toBe(true);
    await run(
      sql`update messages set content = '', deleted_at = now() where id = 2 and room_id = (select id from rooms where name = ${room}::text)`,
    );
    expect(await store.reports.report(may(at.ada), 2, "deleted by now")).toBe(false);
    for (const [by, id] of [
      [may(at.ben), 3],
      [may(at.ben), 4],
      [may(at.ben, { from: 2 }), 1],
    ] as const)
      expect(await store.reports.report(by, id, "hidden")).toBe(false);
    expect(await store.reports.report(may(at.ben, { fence: 1 }), 1, "no rights by now")).toBe(FENCED);
    expect(await store.reports.report({ ...may(at.ben), room: "nowhere" }, 1, "nothing")).toBe(false);

    const [report, ...others] = await reportsOf();
    expect(others).toEqual([]);
    expect(report).toEqual({
      id: expect.any(String),
      room,
      at: expect.stringMatching(/Z$/),
      reason: "spam",
      by: { id: expect.stringMatching(/^u_/), username: "ben" },
      message: {
        id: 2,
        version: 2,
        sender: expect.objectContaining({ username: "ada" }),
        content: "two",
        data: null,
        files: null,
      },
      resolved: null,
    });
  });

  test("a moderator sees the reports of the room's present life that they may see, and resolves them", async () => {
    await say("one", "two", "three");
    for (const id of [1, 2, 3]) await store.reports.report(may(at.ben), id, `reason ${id}`);
    expect(textsOf(await reportsOf())).toEqual(["three", "two", "one"]);
    expect(textsOf(await reportsOf({ from: 3 }))).toEqual(["three"]);
    const first = await store.reports.reportsOf(may(at.ben), { after: undefined, limit: 2, scope: "open" });
    expect(first).toMatchObject({ more: true });
    const after = listed(first).at(-1)?.id;
    const next = await store.reports.reportsOf(may(at.ben), { after, limit: 2, scope: "open" });
    expect(next).toMatchObject({ more: false, entries: [{ message: { content: "one" } }] });

    const { id = "" } = listed(first)[0] ?? {};
    const resolving = { id, userId: at.ben, resolution: "warned", order: BY_HAND };
    expect(await store.reports.resolveIn(may(at.ben, { from: 4 }), resolving)).toBe(false);
    expect(await store.reports.resolveIn(may(at.ben, { fence: 1 }), resolving)).toBe(FENCED);
    for (const _ of ["once", "again"])
      expect(await store.reports.resolveIn(may(at.ben), resolving)).toBe(true);
    expect(textsOf(await reportsOf())).toEqual(["two", "one"]);
    expect((await reportsOf({}, "all"))[0]?.resolved).toMatchObject({
      by: { username: "ben" },
      resolution: "warned",
    });
    const deeds = (await readAudit(at.database, undefined, 50)).filter((deed) => deed.room === room);
    expect(deeds).toMatchObject([
      { action: "report.resolve", username: "ada", messageId: 3, actor: "ben", target: id, reason: "warned" },
    ]);

    // Operators see all. Moderators of a new life do not see what belongs to the one before.
    await place(sql`begins_after = 3`);
    expect(await reportsOf()).toEqual([]);
    const all = await store.reports.reports({ after: undefined, limit: 50, scope: "open" });
    expect(all.entries.filter((report) => report.room === room)).toHaveLength(2);
    expect(await store.reports.resolve({ ...resolving, id: crypto.randomUUID() })).toBe(false);

    await run(sql`update reports set resolved_at = now() - interval '29 days' where id = ${id}::text::uuid`);
    await removeOldReports(at.database);
    await run(sql`update reports set at = at - interval '90 days'`);
    expect(await run(sql`select from reports where id = ${id}::text::uuid`)).toHaveLength(1);
    await removeOldReports(at.database, 28 * DAY);
    expect(await run(sql`select from reports where id = ${id}::text::uuid`)).toHaveLength(0);
    expect(
      await run(sql`select from reports r join rooms q on q.id = r.room_id where q.name = ${room}::text`),
    ).toHaveLength(2);
  });

  test("a page of reports has at least one, and no more than fit", async () => {
    const content = "😀".repeat(60_000);
    for (const _ of [1, 2, 3, 4]) await say(content);
    for (const id of [1, 2, 3, 4]) await store.reports.report(may(at.ben), id, "long");
    const page = await store.reports.reportsOf(may(at.ben), { after: undefined, limit: 4, scope: "open" });
    expect(page).toMatchObject({ more: true });
    expect(listed(page)).toHaveLength(2);
  });

  test("a block moves the fence of the direct room of the two, once, and of no other room", async () => {
    const [two, three] = [`~two-${room}`, `~three-${room}`];
    const cy =
      (
        await run<{ id: number }>(
          sql`insert into users (username, username_fold) values (${room}::text, ${room}::text) returning id::float8 as id`,
        )
      )[0]?.id ?? 0;
    for (const [name, kind, people] of [
      [two, "direct", [at.ada, at.ben]],
      [three, "direct", [at.ada, at.ben, cy]],
      [`private-${room}`, "private", [at.ada, at.ben]],
    ] as const) {
      await run(sql`insert into rooms (name, kind) values (${name}::text, ${kind}::text)`);
      for (const userId of people)
        await run(
          sql`insert into members (user_id, room_id) select ${userId}::bigint, id from rooms where name = ${name}::text`,
        );
    }
    const fences = async () =>
      (
        await run<{ name: string; fence: number }>(
          sql`select name, fence::float8 as fence from rooms where fence > 0 and kind = 'direct'`,
        )
      ).filter(({ name }) => name.includes(room));
    const blocksOf = async (userId: number, after?: string, limit = 10) =>
      store.blocks.blocks(userId, { after, limit });
    for (const _ of ["once", "again"]) await store.blocks.block(at.ben, at.ada);
    expect(await fences()).toEqual([{ name: two, fence: 1 }]);
    await store.blocks.block(at.ben, cy);
    const page = await blocksOf(at.ben, undefined, 1);
    expect(page).toMatchObject({ more: true });
    const rest = await blocksOf(at.ben, page.entries[0]?.user.id, 1);
    expect(rest.more).toBe(false);
    expect([...page.entries, ...rest.entries].map(({ user }) => user.username).sort()).toEqual([room, "ada"]);
    expect(await blocksOf(at.ada)).toEqual({ entries: [], more: false });
    for (const userId of [at.ada, cy]) await store.blocks.unblock(at.ben, userId);
    expect((await blocksOf(at.ben)).entries).toEqual([]);
    expect(await fences()).toEqual([{ name: two, fence: 1 }]);
  });

  test("a link works until it expires, is used up or revoked, or its creator is thrown out", async () => {
    await say("one");
    const id = crypto.randomUUID();
    const create = (more: object = {}, by = may(at.ada)) =>
      store.invitations.create(by, { id, hash: `h1 ${room}`, ttlMs: DAY, maxUses: 2, ...more });
    const roomOf = () => store.invitations.roomOf(`h1 ${room}`, at.ben);
    const linksOf = async (userId: number, scope: "all" | "own") =>
      listed(await store.invitations.invitations(may(userId), { after: undefined, limit: 10 }, scope));

    expect(await create({}, may(at.ada, { fence: 7 }))).toBe(FENCED);
    expect(await create({ hash: `h0 ${room}` })).toMatchObject({
      id,
      maxUses: 2,
      uses: 0,
      by: { username: "ada" },
    });
    // A repeat gets another token for the same link. Nobody else can get one.
    expect(await create()).toMatchObject({ id });
    expect(await create({ hash: "stolen" }, may(at.ben))).toBeNull();
    expect(await store.invitations.roomOf(`h0 ${room}`, at.ben)).toBeUndefined();
    expect(await roomOf()).toBe(room);
    expect(await store.invitations.roomOf("unknown", at.ben)).toBeUndefined();
    expect(await linksOf(at.ben, "own")).toEqual([]);
    expect(await linksOf(at.ben, "all")).toMatchObject([{ id }]);

    const set = (values: SQL) => run(sql`update invitations set ${values} where id = ${id}::text::uuid`);
    for (const [spoil, mend] of [
      [() => set(sql`uses = 2`), () => set(sql`uses = 1`)],
      [() => set(sql`expires_at = now()`), () => set(sql`expires_at = now() + interval '1 day'`)],
      [() => place(sql`begins_after = version + 1`), () => place(sql`begins_after = 0`)],
      [() => place(sql`deleted_at = now()`), () => place(sql`deleted_at = null`)],
      [
        () => run(sql`update members set state = 'removed' where user_id = ${at.ada}::bigint`),
        () => run(sql`update members set state = 'in' where user_id = ${at.ada}::bigint`),
      ],
      [
        () =>
          run(
            sql`insert into bans (user_id, room_id) select ${at.ada}::bigint, id from rooms where name = ${room}::text`,
          ),
        () => run(sql`delete from bans where user_id = ${at.ada}::bigint`),
      ],
    ] as const) {
      await spoil();
      expect(await roomOf()).toBeUndefined();
      await mend();
      expect(await roomOf()).toBe(room);
    }
    expect(await store.invitations.revoke(may(at.ben), id, "own", BY_HAND)).toBe(false);
    expect(await store.invitations.revoke(may(at.ben, { fence: 7 }), id, "all", BY_HAND)).toBe(FENCED);
    expect(await store.invitations.revoke(may(at.ben), id, "all", BY_HAND)).toBe(true);
    expect(await store.invitations.revoke(may(at.ben), id, "all", BY_HAND)).toBe(false);
    expect(await create()).toBeNull();
    expect(await roomOf()).toBeUndefined();
    await set(sql`revoked_at = now() - interval '31 days'`);
    for (let after = await removeOldInvitations(at.database, null); after !== null;)
      after = await removeOldInvitations(at.database, after);
    expect(await run(sql`select from invitations where id = ${id}::text::uuid`)).toEqual([]);
  });

  test("one person's links to one room are limited, and listed in pages", async () => {
    await say("one");
    const create = () =>
      store.invitations.create(may(at.ada), {
        id: crypto.randomUUID(),
        hash: crypto.randomUUID(),
        ttlMs: DAY,
        maxUses: null,
      });
    const made: string[] = [];
    for (let count = 0; count < INVITATIONS_MAX; count++) {
      const link = await create();
      if (link && link !== FENCED) made.unshift(link.id);
    }
    expect(await create()).toBeNull();
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await store.invitations.invitations(may(at.ben), { after, limit: 7 }, "all");
      seen.push(...listed(page).map(({ id }) => id));
      if (page === FENCED || !page.more) break;
      after = seen.at(-1);
    }
    expect(seen).toEqual(made);
    await store.invitations.revoke(may(at.ada), made[0] ?? "", "own", BY_HAND);
    expect(await create()).toMatchObject({ uses: 0 });
  });

  test("a deleted room loses its texts and reactions, batch by batch, and keeps its keys and its new life", async () => {
    await say(...Array.from({ length: 1_100 }, (_, index) => `text ${index + 1}`));
    const id = sql`(select id from rooms where name = ${room}::text)`;
    await run(sql`insert into reactions (room_id, message_id, user_id, emoji)
      select ${id}, n, ${at.ben}::bigint, '👍' from generate_series(1, 1100) n`);
    await run(sql`update messages set reaction_count = 1, data = '{}' where room_id = ${id}`);
    await run(
      sql`update messages set content = '', notice = '{"type":"title","title":"secret","users":[]}' where room_id = ${id} and id = 5`,
    );
    await clearDeletedRooms(at.database); // those of other tests
    await place(sql`begins_after = 1050`);
    expect(await clearDeletedRooms(at.database, 1)).toBe(1_000);
    expect(await clearDeletedRooms(at.database)).toBe(50);
    expect(await clearDeletedRooms(at.database)).toBe(0);
    expect(
      await run(sql`select count(*)::int as messages, count(distinct client_id)::int as keys, min(content) as least,
          count(*) filter (where content <> '' or data is not null)::int as with_text,
          count(*) filter (where deleted_at is not null)::int as deleted,
          (select count(*)::int from reactions where room_id = ${id}) as reactions,
          (select notice::text from messages where room_id = ${id} and id = 5) as notice
        from messages where room_id = ${id}`),
    ).toEqual([
      {
        messages: 1_100,
        keys: 1_100,
        least: "",
        with_text: 50,
        deleted: 1_049,
        reactions: 50,
        notice: '{"type": "title", "users": []}',
      },
    ]);
  });
});

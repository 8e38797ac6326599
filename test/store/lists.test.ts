import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import type { MemberPage, Place, RoomSummary } from "../../src/chat/lists.ts";
import { rows } from "../../src/db/database.ts";
import { onEachDriver, type Stocked, stock } from "../chat/stocked.ts";

setDefaultTimeout(60_000);

// Lists of rooms by activity, and of members. The rooms are written as the commits of members and posts leave them.

onEachDriver((open) => {
  let at: Stocked;
  const run = (statement: SQL) => at.database.run((orm) => rows(orm, statement));

  beforeAll(async () => {
    at = await stock(open);
  });
  afterAll(() => at.database.close());

  interface Fields {
    kind?: string;
    title?: string;
    posts?: number;
    minutesAgo?: number;
    deleted?: boolean;
    beginsAfter?: number;
  }

  /** Creates a room with posts of Ben, the newest of which is as old as that. */
  async function room(name: string, fields: Fields = {}): Promise<void> {
    const {
      kind = "open",
      title = "",
      posts = 1,
      minutesAgo = 10,
      deleted = false,
      beginsAfter = 0,
    } = fields;
    const age = sql`now() - ${minutesAgo}::int * interval '1 minute'`;
    await run(sql`insert into rooms (name, kind, title, version, last_post, posted_at, deleted_at, begins_after)
      values (${name}, ${kind}, ${title}, ${posts + 1}::int, ${posts}::int, ${posts === 0 ? sql`null` : age},
        ${deleted ? sql`now()` : sql`null`}, ${beginsAfter}::int)`);
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
      select r.id, n, n, ${at.ben}::bigint, gen_random_uuid(), 'post ' || n, ${age}
      from rooms r, generate_series(1, ${posts}::int) n where r.name = ${name}`);
    // A change of the room: it has a version, but it is no post.
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at, notice)
      select r.id, r.version, r.version, 0, gen_random_uuid(), '', now(), '{"type":"topic","users":[]}'::jsonb
      from rooms r where r.name = ${name}`);
  }
  const member = (
    userId: number,
    name: string,
    { version = 0, from = 0, role = "member", minutesAgo = 60, state = "in" } = {},
  ) =>
    run(sql`insert into members (user_id, room_id, version, from_id, role, state, since)
      select ${userId}::bigint, id, ${version}::int, ${from}::int, ${role}, ${state}, now() - ${minutesAgo}::int * interval '1 minute'
      from rooms where name = ${name}`);

  async function walk(
    userId: number,
    { limit = 200, hidden = false, patterns = null as string[] | null } = {},
  ) {
    const pages: RoomSummary[][] = [];
    for (let before: Place | null | undefined = null; before !== undefined;) {
      const page = await at.lists.recent(userId, { before, patterns, hidden, limit });
      pages.push([...page.rooms]);
      before = page.next;
    }
    return pages;
  }
  const names = async (userId: number, query?: Parameters<typeof walk>[1]) =>
    (await walk(userId, query)).flat().map((summary) => summary.room);

  test("a list by activity shows what its reader may see of their rooms, and names no other", async () => {
    await room("old", { minutesAgo: 50 });
    await room("new", { minutesAgo: 5 });
    await room("same-a", { minutesAgo: 20 });
    await room("same-b", { minutesAgo: 20 });
    await room("empty", { posts: 0 });
    await room("~direct", { kind: "direct", posts: 150, minutesAgo: 30 });
    await room("~late", { kind: "private", title: "Late", posts: 5, minutesAgo: 1 });
    await room("~reborn", { kind: "private", posts: 3, minutesAgo: 2, beginsAfter: 3 });
    for (const name of ["old", "new", "same-a", "same-b"]) await member(at.ada, name);
    await member(at.ada, "empty", { minutesAgo: 15 });
    await member(at.ada, "~direct");
    await member(at.ben, "~direct");
    await run(
      sql`update users set name = 'Ben "B" {1}', picture = 'https://example.com/ben.png' where id = ${at.ben}::bigint`,
    );
    // Added when all posts had been written, to a room that shows newcomers nothing of the past.
    await member(at.ada, "~late", { version: 6, from: 6, role: "owner", minutesAgo: 40 });
    await member(at.ada, "~reborn", { version: 4, minutesAgo: 45 });
    // None of these is for Ada.
    await room("~strange", { kind: "private" });
    await room("gone", { deleted: true });
    await room("banned");
    await room("left");
    for (const name of ["gone", "banned"]) await member(at.ada, name);
    await member(at.ada, "left", { state: "left" });
    await run(
      sql`insert into bans (user_id, room_id) select ${at.ada}::bigint, id from rooms where name = 'banned'`,
    );

    const order = ["new", "empty", "same-b", "same-a", "~direct", "~late", "~reborn", "old"];
    expect(await names(at.ada)).toEqual(order);
    for (const limit of [1, 3]) {
      const pages = await walk(at.ada, { limit });
      expect(pages.flat().map((summary) => summary.room)).toEqual(order);
      expect(pages).toHaveLength(Math.ceil(order.length / limit));
    }
    expect(await names(at.ada, { patterns: ["s*-a", "~*"] })).toEqual([
      "same-a",
      "~direct",
      "~late",
      "~reborn",
    ]);

    const byName = new Map((await walk(at.ada)).flat().map((summary) => [summary.room, summary]));
    expect(byName.get("~direct")).toMatchObject({
      kind: "direct",
      people: [
        { username: "ben", name: 'Ben "B" {1}', picture: "https://example.com/ben.png" },
        { username: "ada" },
      ],
      last: { id: 150, username: "ben", user: { id: expect.stringMatching(/^u_/) }, content: "post 150" },
      lastRead: 0,
      unread: 100,
    });
    expect(Object.keys(byName.get("~direct")?.people?.[1] ?? {})).toEqual(["id", "username"]);
    expect(byName.get("~late")).toMatchObject({
      kind: "private",
      title: "Late",
      role: "owner",
      version: 6,
      last: null,
      lastRead: 6,
      unread: 0,
    });
    expect(byName.get("~reborn")).toMatchObject({ last: null, lastRead: 4, unread: 0 });
    expect(byName.get("new")).toMatchObject({ last: { id: 1 }, unread: 1, hidden: false, pinned: false });
    expect(byName.get("new")).not.toHaveProperty("people");

    const everywhere = async (userId: number) =>
      (await at.lists.rooms(userId, { scope: "all", patterns: null, after: "", limit: 200 })).rooms.map(
        (summary) => summary.room,
      );
    expect(await everywhere(at.ada)).toEqual(
      ["old", "new", "same-a", "same-b", "left", "~direct", "~late", "~reborn"].sort(),
    );
    expect(await everywhere(at.ben)).toEqual(["banned", "left", "new", "old", "same-a", "same-b", "~direct"]);
    for (const hiddenRoom of ["~strange", "gone", "banned"])
      expect(await at.lists.room({ userId: at.ada, room: hiddenRoom })).toBeUndefined();
  });

  test("a hidden room is back with a newer message or a new membership, and pinned rooms come first", async () => {
    for (const [index, name] of ["p-1", "p-2", "p-3"].entries()) {
      await room(name, { minutesAgo: index + 1 });
      await member(at.ben, name);
    }
    const mine = () => names(at.ben, { patterns: ["p-*"] });
    const prefer = (name: string, preferences: object) =>
      at.lists.prefer({ userId: at.ben, room: name }, preferences);
    expect(await prefer("p-3", { pinned: true, notify: "mentions" })).toBe(true);
    expect(await mine()).toEqual(["p-3", "p-1", "p-2"]);
    expect((await walk(at.ben, { limit: 1, patterns: ["p-*"] })).flat().map((one) => one.room)).toEqual(
      await mine(),
    );
    await prefer("p-3", { hidden: true });
    expect(await mine()).toEqual(["p-1", "p-2"]);
    expect((await walk(at.ben, { hidden: true, patterns: ["p-3"] })).flat()).toMatchObject([
      { room: "p-3", hidden: true, pinned: false, notify: "mentions" },
    ]);
    // A change that is no post leaves it hidden.
    await run(sql`update rooms set version = version + 1 where name = 'p-3'`);
    expect(await mine()).toEqual(["p-1", "p-2"]);
    await run(
      sql`update rooms set version = version + 1, last_post = version + 1, posted_at = now() where name = 'p-3'`,
    );
    expect(await mine()).toEqual(["p-3", "p-1", "p-2"]);
    await prefer("p-1", { hidden: true });
    await run(sql`update members m set version = r.version + 1 from rooms r
      where r.id = m.room_id and r.name = 'p-1' and m.user_id = ${at.ben}::bigint`);
    expect(await mine()).toEqual(["p-3", "p-1", "p-2"]);
    await prefer("p-2", { hidden: true });
    await prefer("p-2", { pinned: true });
    expect(await mine()).toEqual(["p-2", "p-3", "p-1"]);
    await prefer("p-2", { pinned: false, notify: null });
    expect(await at.lists.room({ userId: at.ben, room: "p-2" })).toMatchObject({
      pinned: false,
      notify: null,
    });
    expect(await prefer("~strange", { pinned: true })).toBe(false);
    expect(await prefer("nowhere", { hidden: true })).toBe(false);
  });

  test("members are listed by pages, and found by the beginning of a name in any case", async () => {
    const count = 450;
    await room("~crowd", { kind: "private" });
    await run(sql`insert into users (username, username_fold, name)
      select 'crowd-' || n, 'crowd-' || n, case when n % 100 = 0 then 'Иван Petrov ' || n end from generate_series(1, ${count}::int) n`);
    await run(sql`insert into members (user_id, room_id, role, muted_until) select u.id, r.id,
      case when u.username = 'crowd-7' then 'owner' else 'member' end,
      case when u.username = 'crowd-8' then now() + interval '1 hour' when u.username = 'crowd-9' then now() end
      from users u, rooms r where u.username like 'crowd-%' and r.name = '~crowd'`);
    await member(at.ada, "~crowd", { state: "removed" });
    const pages: MemberPage[] = [];
    for (let after: number | undefined = 0; after !== undefined; after = pages.at(-1)?.next)
      pages.push(await at.lists.members("~crowd", { after, limit: 100 }));
    expect(pages.map(({ members }) => members.length)).toEqual([100, 100, 100, 100, 50]);
    const all = pages.flatMap(({ members }) => members);
    expect(all.map(({ username }) => username)).toEqual(
      Array.from({ length: count }, (_, n) => `crowd-${n + 1}`),
    );
    expect(all[6]).toMatchObject({ role: "owner" });
    expect([all[7]?.mutedUntil, all[8]?.mutedUntil]).toEqual([expect.any(String), undefined]);
    expect(pages[0]).toMatchObject({ version: 2, fence: 0 });

    const found = async (q: string, limit = 100) => {
      const { members, next } = await at.lists.members("~crowd", { after: 0, limit, q });
      return { names: members.map(({ username }) => username), next };
    };
    expect(await found("CROWD-44")).toEqual({
      names: ["crowd-44", ...Array.from({ length: 10 }, (_, n) => `crowd-${440 + n}`)],
      next: undefined,
    });
    for (const q of ["иван", "PETROV"])
      expect((await found(q)).names).toEqual(["crowd-100", "crowd-200", "crowd-300", "crowd-400"]);
    const first = await found("иван", 3);
    expect(first.names).toHaveLength(3);
    expect(
      (await at.lists.members("~crowd", { after: first.next ?? 0, limit: 3, q: "иван" })).members,
    ).toMatchObject([{ username: "crowd-400", name: "Иван Petrov 400" }]);
    expect(await found("ada")).toEqual({ names: [], next: undefined });
    expect(await at.lists.members("nowhere", { after: 0, limit: 10 })).toMatchObject({
      members: [],
      next: undefined,
    });
  });
});

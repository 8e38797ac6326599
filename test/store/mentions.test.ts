import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { NO_FENCE, type Change, type Post } from "../../src/chat/change.ts";
import type { InboxEntry, InboxPlace } from "../../src/chat/lists.ts";
import { clearDeletedRooms } from "../../src/db/clearing.ts";
import { eraseDue } from "../../src/auth/erasure.ts";
import { rows } from "../../src/db/database.ts";
import { createStore } from "../../src/store/store.ts";
import { explained } from "../support/explain.ts";
import { named } from "../support/stubs.ts";
import { createRandom } from "../sim/random.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { ORDER } from "../support/order.ts";

setDefaultTimeout(60_000);

// Whom messages mention: what commits write, who is left out, and what each person finds later.

onEachDriver((open) => {
  let at: Stocked;
  const people = new Map<string, number>();
  const run = <T>(statement: SQL) => at.database.run((orm) => rows<T>(orm, statement));

  beforeAll(async () => {
    at = await stock(open);
    for (const name of ["cy", "dan", "eve"])
      await run(
        sql`insert into users (username, username_fold, uid) values (${name}, ${name}, ${`u_${name}`})`,
      );
    for (const { id, username } of await run<{ id: number; username: string }>(
      sql`select id::float8 as id, username from users where id > 0`,
    ))
      people.set(username, id);
  });
  afterAll(() => at.database.close());

  const idOf = (name: string) => people.get(name) ?? 0;
  const mentioning = (...names: string[]) => ({
    mentions: names.map((name) => `@${name}`),
    mentioned: new Map(
      names.flatMap((name): [string, number][] => {
        const id = people.get(name);
        return id === undefined ? [] : [[`@${name}`, id]];
      }),
    ),
  });
  const say = (sender: string, room: string, more: Partial<Post> = {}) =>
    post(idOf(sender), room, "hello", { ...named(sender), ...more });
  const amend = (kind: "edit" | "delete", sender: string, room: string, id: number, more: object = {}) =>
    ({
      kind,
      room,
      senderId: idOf(sender),
      ...named(sender),
      fence: 0,
      clientId: crypto.randomUUID(),
      id,
      ...(kind === "edit" && { content: `edited ${crypto.randomUUID()}` }),
      ...more,
    }) as Change;
  const commit = async (...changes: Change[]) => acksOf(await at.store.commit(0, changes, false));
  const refusals = async (...changes: Change[]) =>
    (await at.store.commit(0, changes, false)).outcomes.map((outcome) =>
      outcome && "refused" in outcome ? outcome.refused : undefined,
    );
  const rowsOf = async (room: string) =>
    (
      await run<{
        row: string;
      }>(sql`select n.message_id || ' ' || coalesce(nullif(u.username, 'parley'), 'everyone') as row
        from mentions n join rooms r on r.id = n.room_id left join users u on u.id = n.user_id and u.id > 0
        where r.name = ${room} order by 1`)
    ).map(({ row }) => row);
  const shownIn = async (room: string) =>
    (await at.store.messages(room, { after: 0 }, { messages: 100, bytes: 1e6 })).messages.map(
      ({ id, mentions }) =>
        `${id} ${mentions ? [...mentions.people.map(({ username }) => username), ...(mentions.everyone ? ["everyone"] : [])] : ""}`,
    );
  const inbox = async (name: string, limit = 50) => {
    const found: InboxEntry[] = [];
    for (let before: InboxPlace | null | undefined = null; before !== undefined;) {
      const page: Awaited<ReturnType<typeof at.lists.inbox>> = await at.lists.inbox(idOf(name), {
        before,
        limit,
        patterns: null,
        membersOnly: false,
      });
      found.push(...page.entries);
      before = page.next;
    }
    return found.map(({ room, unread, message }) => `${room} ${message.id}${unread ? " unread" : ""}`);
  };
  const countsOf = async (name: string) =>
    (
      await at.lists.recent(idOf(name), { before: null, patterns: null, hidden: true, limit: 200 })
    ).rooms.flatMap(({ room, mentions }) => (mentions > 0 ? [`${room} ${mentions}`] : []));
  const member = (
    name: string,
    room: string,
    more: { version?: number; from?: number; role?: string } = {},
  ) =>
    run(sql`insert into members (user_id, room_id, version, from_id, role)
      select ${idOf(name)}::bigint, id, ${more.version ?? 0}::int, ${more.from ?? 0}::int, ${more.role ?? "member"}
      from rooms where name = ${room}
      on conflict (user_id, room_id) do update set state = 'in', from_id = excluded.from_id, version = excluded.version`);
  const lastIn = async (room: string) =>
    (
      await run<{ version: number }>(sql`select version::float8 as version from rooms where name = ${room}`)
    )[0]?.version ?? 0;
  const privateRoom = async (room: string, ...names: string[]) => {
    await run(sql`insert into rooms (name, kind) values (${room}, 'private')`);
    for (const name of names) await member(name, room, { role: name === names[0] ? "owner" : "member" });
  };

  /** Rows of mentions that statements have read. */
  const readOf = (database: ReturnType<typeof explained>) =>
    database.takeScans().filter(({ table, rows }) => table === "mentions" && rows > 0);

  test("a post without mentions costs one statement, and none that is about mentions", async () => {
    await commit(say("ada", "plain"));
    const database = explained(at.database);
    let statements = 0;
    const counting = {
      ...database,
      pool: (options: Parameters<typeof database.pool>[0]) => {
        const pool = database.pool(options);
        return {
          ...pool,
          run: <T>(work: Parameters<typeof pool.run<T>>[0]) =>
            pool.run<T>((orm) =>
              work(
                new Proxy(orm, {
                  get(target, name) {
                    if (name === "execute") statements++;
                    const value: unknown = Reflect.get(target, name);
                    return typeof value === "function" ? value.bind(target) : value;
                  },
                }),
              ),
            ),
        };
      },
    };
    const store = createStore(counting).messages;
    acksOf(await store.commit(0, [say("ada", "plain", { mentions: null, everyone: undefined })], false));
    expect(statements).toBe(1);
    expect(readOf(database)).toEqual([]);
    const amendments = [amend("edit", "ada", "plain", 1), amend("delete", "ada", "plain", 2)];
    acksOf(await store.commit(0, amendments, false));
    expect(readOf(database)).toEqual([]);
  });

  test("mentions are written with their message, changed by edits, and removed by deletion", async () => {
    await commit(say("ada", "square", mentioning("cy", "ben")), say("ada", "square"));
    expect(await rowsOf("square")).toEqual(["1 ben", "1 cy"]);
    expect(await shownIn("square")).toEqual(["1 ben,cy", "2 "]);

    // An edit that says nothing about mentions keeps them.
    await commit(amend("edit", "ada", "square", 1));
    expect(await rowsOf("square")).toEqual(["1 ben", "1 cy"]);
    const [same] = await commit(amend("edit", "ada", "square", 2, { content: "hello", mentions: [] }));
    expect(same?.version).toBe(2);
    const [moved] = await commit(
      amend("edit", "ada", "square", 2, { content: "hello", ...mentioning("dan") }),
    );
    expect(moved?.version).toBe(4);
    await commit(amend("edit", "ada", "square", 1, mentioning("cy", "dan")));
    expect(await rowsOf("square")).toEqual(["1 cy", "1 dan", "2 dan"]);
    expect(await shownIn("square")).toEqual(["1 cy,dan", "2 dan"]);
    expect(await inbox("ben")).toEqual([]);

    await commit(amend("edit", "ada", "square", 2, { mentions: null }), amend("delete", "ada", "square", 1));
    expect(await rowsOf("square")).toEqual([]);
    expect(await shownIn("square")).toEqual(["1 ", "2 "]);
    // A post and its changes in one batch.
    const first = say("ada", "square", mentioning("cy"));
    const second = say("ada", "square", mentioning("cy", "dan"));
    await commit(
      first,
      second,
      amend("delete", "ada", "square", 8),
      amend("edit", "ada", "square", 9, mentioning("ben")),
    );
    expect(await rowsOf("square")).toEqual(["9 ben"]);
  });

  test("people who may not read a message are left out, and so are names of nobody: the two look alike", async () => {
    await privateRoom("secret", "ada", "ben", "cy");
    await member("cy", "secret", { from: 3 });
    const unknown = {
      mentions: ["@ben", "@eve", "u_nobody", "@eve"],
      mentioned: new Map([
        ["@ben", idOf("ben")],
        ["@eve", idOf("eve")],
      ]),
    };
    const told = say("ada", "secret", unknown);
    const [ack] = await commit(told);
    expect(ack).toMatchObject({ id: 1, unreached: ["@eve", "u_nobody"] });
    expect(await rowsOf("secret")).toEqual(["1 ben"]);
    // A repeat gets the same ack, whatever has changed since.
    await member("eve", "secret");
    const [again] = acksOf(await at.store.commit(0, [told], true));
    expect(again).toEqual({ ...(ack as object), duplicate: true } as never);
    expect(await at.store.answered(told)).toMatchObject({ ack: { unreached: ["@eve", "u_nobody"] } });

    // Cy sees messages from the third on, even if an edit of an earlier one mentions them.
    const edit = amend("edit", "ada", "secret", 1, mentioning("cy", "eve"));
    const [edited] = await commit(edit);
    expect(edited).toMatchObject({ version: 2, unreached: ["@cy"] });
    expect(acksOf(await at.store.commit(0, [edit], true))).toMatchObject([
      { duplicate: true, unreached: ["@cy"] },
    ]);
    expect(await rowsOf("secret")).toEqual(["1 eve"]);
    expect(await commit(say("ada", "secret", mentioning("cy")))).toMatchObject([{ id: 3 }]);

    // What a batch did before counts.
    const outcomes = await at.store.commit(
      0,
      [
        rulingsOf("operator").appoint("secret", "out", [idOf("ben")]),
        say("ada", "secret", mentioning("ben", "cy")),
      ].map((change) => (change.kind === "member" ? { ...change, order: ORDER } : change)),
      true,
    );
    expect(acksOf(outcomes)[1]).toMatchObject({ unreached: ["@ben"] });
    expect(await rowsOf("secret")).toEqual(["1 eve", "3 cy", "5 cy"]);
  });

  test("the size of a room and the role of its sender decide who may mention everyone", async () => {
    await privateRoom("team", "ada", "ben");
    expect(await refusals(say("ben", "team", { everyone: true }))).toEqual([undefined]);
    expect(await rowsOf("team")).toEqual(["1 everyone"]);
    expect(await shownIn("team")).toEqual(["1 everyone"]);
    await run(
      sql`insert into members (user_id, room_id) select n, r.id from rooms r, generate_series(10001, 10099) n where r.name = 'team'`,
    );
    expect(await refusals(say("ben", "team", { everyone: true }))).toEqual(["everyone_denied"]);
    // Ben's message has it already, so he may edit it, and take it back.
    expect(await refusals(amend("edit", "ben", "team", 1))).toEqual([undefined]);
    expect(await rowsOf("team")).toEqual(["1 everyone"]);
    expect(await refusals(amend("edit", "ben", "team", 1, { everyone: false }))).toEqual([undefined]);
    expect(await rowsOf("team")).toEqual([]);
    expect(await refusals(amend("edit", "ben", "team", 1, { everyone: true }))).toEqual(["everyone_denied"]);
    expect(await refusals(say("ada", "team", { everyone: true }))).toEqual([undefined]);
    expect(await refusals(say("ada", "open-team", { everyone: true }))).toEqual(["everyone_denied"]);
  });

  test("an inbox follows access, blocks and read marks, and counts are those of its unread messages", async () => {
    await privateRoom("inbox-a", "ada", "eve");
    await privateRoom("inbox-b", "ada", "eve");
    await commit(
      say("ada", "inbox-a", mentioning("eve")),
      say("ada", "inbox-b", { ...mentioning("eve"), everyone: true }),
    );
    await commit(say("ben", "inbox-open", mentioning("eve", "ben")));
    await commit(say("ada", "inbox-a", { everyone: true }));
    const isHere = (entry: string) => entry.startsWith("inbox-");
    // Newest first, however small its pages are.
    const all = await inbox("eve");
    expect(await inbox("eve", 1)).toEqual(all);
    expect(all.slice(0, 2)).toEqual(["inbox-a 2 unread", "inbox-open 1 unread"]);
    expect(all.filter(isHere).toSorted()).toEqual([
      "inbox-a 1 unread",
      "inbox-a 2 unread",
      "inbox-b 1 unread",
      "inbox-open 1 unread",
    ]);
    // One's own messages are no news, nor is a room that one is no member of counted.
    expect(await inbox("ben")).not.toContain("inbox-open 1 unread");
    expect((await countsOf("eve")).filter(isHere).toSorted()).toEqual(["inbox-a 2", "inbox-b 1"]);

    await at.members.mark([{ userId: idOf("eve"), room: "inbox-a", min: 1, max: 1 }]);
    expect(await inbox("eve")).toEqual(expect.arrayContaining(["inbox-a 1", "inbox-a 2 unread"]));
    expect(await countsOf("eve")).toContain("inbox-a 1");

    await run(
      sql`insert into blocks (user_id, blocked_id) values (${idOf("eve")}::bigint, ${idOf("ben")}::bigint)`,
    );
    expect(await inbox("eve")).not.toContain("inbox-open 1 unread");
    await run(sql`delete from blocks where user_id = ${idOf("eve")}::bigint`);

    // Someone who is removed finds nothing of the room any more, and someone who is back what they may see.
    await run(sql`update members set state = 'removed' where user_id = ${idOf("eve")}::bigint
      and room_id = (select id from rooms where name = 'inbox-a')`);
    expect((await inbox("eve")).filter((entry) => entry.startsWith("inbox-a"))).toEqual([]);
    await member("eve", "inbox-a", { from: 2, version: 2 });
    expect((await inbox("eve")).filter((entry) => entry.startsWith("inbox-a"))).toEqual([]);
    await member("eve", "inbox-a", { from: 1, version: 0 });

    await run(
      sql`insert into bans (user_id, room_id) select ${idOf("eve")}::bigint, id from rooms where name = 'inbox-open'`,
    );
    expect(await inbox("eve")).not.toContain("inbox-open 1 unread");

    await commit(amend("delete", "ada", "inbox-b", 1));
    expect((await inbox("eve")).filter((entry) => entry.startsWith("inbox-b"))).toEqual([]);
    const narrow = { before: null, limit: 50, patterns: ["inbox-*"], membersOnly: true };
    const { entries } = await at.lists.inbox(idOf("eve"), narrow);
    expect(new Set(entries.map(({ room }) => room))).toEqual(new Set(["inbox-a"]));
  });

  test("an inbox has what a plain scan of all messages finds, whatever became of access", async () => {
    const random = createRandom(7);
    const names = ["ada", "ben", "cy", "eve"];
    const rooms = ["scan-a", "scan-b", "scan-c", "scan-d"];
    for (const [index, room] of rooms.entries())
      await run(sql`insert into rooms (name, kind) values (${room}, ${index < 2 ? "open" : "private"})`);
    for (const room of rooms) for (const name of names) await member(name, room, { role: "owner" });
    for (let n = 0; n < 120; n++) {
      const [sender, room] = [random.pick(names), random.pick(rooms)];
      const last = await lastIn(room);
      const more = {
        ...mentioning(...names.filter(() => random.chance(0.3))),
        everyone: random.chance(0.2),
      };
      const what = random.next();
      const change =
        what < 0.6 || last === 0
          ? say(sender, room, more)
          : amend(what < 0.8 ? "edit" : "delete", sender, room, 1 + random.below(last), more);
      await at.store.commit(0, [change], true);
    }
    const pairs = names.flatMap((name) => rooms.map((room) => [name, room] as const));
    for (const [name, room] of pairs) {
      const last = await lastIn(room);
      const state = random.pick(["in", "in", "in", "left", "removed"]);
      await run(sql`update members set state = ${state}, from_id = ${random.below(last + 1)}::int, version = ${random.below(last + 1)}::int
        where user_id = ${idOf(name)}::bigint and room_id = (select id from rooms where name = ${room})`);
      if (random.chance(0.5))
        await at.members.mark([{ userId: idOf(name), room, min: random.below(last + 1), max: 1e9 }]);
      if (random.chance(0.1))
        await run(
          sql`insert into bans (user_id, room_id) select ${idOf(name)}::bigint, id from rooms where name = ${room}`,
        );
    }
    await run(
      sql`insert into blocks (user_id, blocked_id) values (${idOf("cy")}::bigint, ${idOf("ben")}::bigint)`,
    );
    await run(sql`update rooms set begins_after = 3 where name = 'scan-b'`);
    for (const name of names) {
      const me = idOf(name);
      const expected = await run<{ entry: string; room: string; unread: boolean; state: string }>(sql`
        select r.name || ' ' || x.id || case when s.unread then ' unread' else '' end as entry, r.name as room, s.unread, m.state
        from messages x join rooms r on r.id = x.room_id join members m on m.room_id = r.id and m.user_id = ${me}::bigint
        left join own o on o.room_id = r.id and o.user_id = ${me}::bigint
        cross join lateral (select x.id > greatest(m.version, coalesce(o.last_read, 0), m.from_id - 1, r.begins_after) as unread) s
        where x.deleted_at is null and x.sender_id <> ${me}::bigint and r.name like 'scan-%'
          and (m.state = 'in' or r.kind = 'open') and x.id >= m.from_id and x.id > r.begins_after
          and not exists (select from bans b where b.user_id = ${me}::bigint and b.room_id = r.id)
          and not exists (select from blocks b where b.user_id = ${me}::bigint and b.blocked_id = x.sender_id)
          and (exists (select from mentions n where n.room_id = r.id and n.message_id = x.id and n.user_id = ${me}::bigint)
            or m.state = 'in' and x.id > m.version and exists (
              select from mentions n where n.room_id = r.id and n.message_id = x.id and n.user_id = 0))
        order by x.created_at desc`);
      const mine = (await inbox(name, 1 + random.below(5))).filter((entry) => entry.startsWith("scan-"));
      expect([name, ...mine]).toEqual([name, ...expected.map(({ entry }) => entry)]);
      const counts = (await countsOf(name)).filter((entry) => entry.startsWith("scan-"));
      const unread = expected.filter((entry) => entry.unread && entry.state === "in");
      const byRoom = Map.groupBy(unread, ({ room }) => room);
      expect(counts.toSorted()).toEqual(
        [...byRoom].map(([room, those]) => `${room} ${those.length}`).toSorted(),
      );
    }
    await run(sql`delete from blocks`);
  });

  test("a deleted room and an erased account take their mentions along", async () => {
    await commit(say("ada", "doomed", mentioning("cy", "dan")));
    await run(sql`update rooms set deleted_at = now(), begins_after = version where name = 'doomed'`);
    expect((await inbox("dan")).filter((entry) => entry.startsWith("doomed"))).toEqual([]);
    while ((await clearDeletedRooms(at.database)) > 0);
    expect(await rowsOf("doomed")).toEqual([]);

    await commit(say("ada", "kept", mentioning("cy", "dan")));
    await run(sql`update users set deleted_at = now() - interval '60 days' where username = 'dan'`);
    await eraseDue(at.database, { afterMs: 0, key: "k" });
    expect(await rowsOf("kept")).toEqual(["1 cy"]);
    expect(await shownIn("kept")).toEqual(["1 cy"]);
  });

  test("a page goes on where it ended, even if its reader may read nothing of what it examined", async () => {
    await run(sql`insert into rooms (name, version, last_post) values ('flood', 2500, 2500), ('calm', 3, 3)`);
    await run(sql`insert into messages (room_id, id, version, sender_id, client_id, content, created_at, mentions)
      select r.id, n, n, ${idOf("ada")}::bigint, gen_random_uuid(), 'x', now() + n * interval '1 second', 1
      from rooms r, generate_series(1, 2500) n where r.name in ('flood', 'calm') and n <= r.version`);
    await run(sql`insert into mentions (user_id, room_id, message_id, sender_id, at)
      select ${idOf("cy")}::bigint, room_id, id, sender_id, created_at from messages
      where room_id in (select id from rooms where name in ('flood', 'calm'))`);
    await run(
      sql`insert into bans (user_id, room_id) select ${idOf("cy")}::bigint, id from rooms where name = 'flood'`,
    );
    const range = { patterns: ["flood", "calm"], membersOnly: false, limit: 2 };
    const first = await at.lists.inbox(idOf("cy"), { ...range, before: null });
    expect(first.entries).toEqual([]);
    const pages: string[][] = [];
    for (let before: InboxPlace | null | undefined = null; before !== undefined;) {
      const page: typeof first = await at.lists.inbox(idOf("cy"), { ...range, before });
      pages.push(page.entries.map(({ room, message }) => `${room} ${message.id}`));
      before = page.next;
    }
    expect(pages.flat()).toEqual(["calm 3", "calm 2", "calm 1"]);
    expect(pages.length).toBeLessThan(6);
  });

  test("people who watch a room are counted if a new message mentions them", async () => {
    const { watch } = createStore(at.database);
    await privateRoom("watched", "ada", "ben", "cy");
    await commit(say("ada", "watched", mentioning("ben")));
    const [room] = await run<{ id: number }>(sql`select id::float8 as id from rooms where name = 'watched'`);
    const roomId = room?.id ?? 0;
    const userIds = [idOf("ada"), idOf("ben"), idOf("cy")];
    expect(await watch.mentioning([{ roomId, after: 0 }])).toEqual(new Set([roomId]));
    expect(await watch.mentioning([{ roomId, after: 1 }])).toEqual(new Set());
    expect(await watch.mentions({ roomId, after: 0, userIds })).toEqual(new Map([[idOf("ben"), 1]]));
    await commit(say("ada", "watched", { everyone: true }));
    expect(await watch.mentions({ roomId, after: 1, userIds })).toEqual(
      new Map([
        [idOf("ada"), 0],
        [idOf("ben"), 2],
        [idOf("cy"), 1],
      ]),
    );
  });

  test("a post with mentions gets its outcome even if its room was fenced off", async () => {
    await privateRoom("fenced", "ada", "ben");
    await run(sql`update rooms set fence = 7 where name = 'fenced'`);
    const [ack] = await commit(say("ada", "fenced", { ...mentioning("ben"), fence: NO_FENCE }));
    expect(ack).toMatchObject({ id: 1 });
  });
});

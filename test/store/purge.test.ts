import { afterAll, beforeAll, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import type { Amendment, Change } from "../../src/chat/change.ts";
import { purge } from "../../src/chat/moderation/purge.ts";
import { passOn } from "../../src/chat/moderation/succession.ts";
import { readAudit } from "../../src/db/audit.ts";
import { rows } from "../../src/db/database.ts";
import { Refusal } from "../../src/errors.ts";
import { createModerationStore } from "../../src/store/moderation.ts";
import { purgePerson } from "../../src/store/removal.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { named } from "../support/stubs.ts";

// What becomes of what someone wrote, and of the rooms that they own.

onEachDriver((open) => {
  let at: Stocked;
  beforeAll(async () => {
    at = await stock(open);
  }, START_MS);
  afterAll(() => at.database.close());

  const run = <T>(statement: SQL) => at.database.run((orm) => rows<T>(orm, statement));
  const react = (senderId: number, room: string, id: number, emoji: string): Amendment => ({
    kind: "react",
    room,
    senderId,
    ...named(""),
    fence: 0,
    clientId: crypto.randomUUID(),
    id,
    emoji,
    on: true,
  });
  const commit = async (...changes: Change[]) => {
    const { outcomes } = await at.store.commit(0, changes, true);
    expect(outcomes.filter((outcome) => !outcome || "refused" in outcome)).toEqual([]);
  };
  const texts = async (...names: string[]) =>
    (
      await run<{
        text: string;
      }>(sql`select r.name || ': ' || m.content as text from messages m join rooms r on r.id = m.room_id
        where m.deleted_at is null and r.name = any(${`{${names}}`}::text::text[]) order by r.name, m.id`)
    ).map(({ text }) => text);
  const purges = async () =>
    (await readAudit(at.database, undefined, 1_000)).filter(({ action }) => action === "user.purge").length;

  test("a purge removes what a person wrote in all rooms and their reactions, and can be interrupted", async () => {
    const many = Array.from({ length: 120 }, (_, index) => post(at.ben, "spam-a", `spam ${index}`));
    await commit(...many, post(at.ada, "spam-a", "kept"), post(at.ben, "spam-b", "spam"));
    await commit(post(at.ada, "spam-c", "popular"), post(at.ada, "spam-c", "also"));
    // Reacting makes nobody a member.
    await commit(
      react(at.ben, "spam-c", 1, "👍"),
      react(at.ben, "spam-c", 1, "🎉"),
      react(at.ada, "spam-c", 1, "👍"),
    );
    await commit(react(at.ben, "spam-a", 121, "👍"));
    const notice = post(at.ben, "spam-b", "");
    await commit(notice);
    await run(
      sql`update messages set notice = '{"type":"title","users":[]}' where client_id = ${notice.clientId}::text::uuid`,
    );

    const store = createModerationStore(at.database).purge;
    const first = await purge({
      store,
      userId: at.ben,
      order: ORDER,
      commit: (removals) => commit(...removals),
      goOn: () => false,
    });
    expect(first).toEqual({ messages: 50, reactions: 0, more: true });
    const progress: number[] = [];
    const rest = await purgePerson(at.database, at.ben, ORDER, ({ messages }) => progress.push(messages));
    expect(rest).toEqual({ messages: 71, reactions: 2, more: false } as never);
    expect(progress).toEqual([50, 71, 71]);
    expect(await purgePerson(at.database, at.ben, ORDER, () => {})).toMatchObject({
      messages: 0,
      reactions: 0,
    });
    expect(await purges()).toBe(2);
    expect(await texts("spam-a", "spam-b", "spam-c")).toEqual([
      "spam-a: kept",
      "spam-b: ",
      "spam-c: popular",
      "spam-c: also",
    ]);
    expect(await run(sql`select distinct user_id::int as by, emoji from reactions`)).toEqual([
      { by: at.ada, emoji: "👍" },
    ]);
    const { messages } = await at.store.changesSince("spam-c", 0);
    expect(messages.map(({ id, version, reactions }) => [id, version, reactions.length])).toEqual([
      [2, 2, 0],
      [1, 6, 1],
    ]);
  });

  test("what a person posts during a purge is removed as well, and earlier lives of rooms are left alone", async () => {
    await commit(
      post(at.ben, "late-a", "before"),
      post(at.ben, "late-a", "after"),
      post(at.ben, "late-b", "spam"),
    );
    await run(sql`update rooms set begins_after = 1 where name = 'late-a'`);
    let more = 3;
    const late: Promise<void>[] = [];
    const { messages } = await purgePerson(at.database, at.ben, ORDER, () => {
      if (more-- > 0) void late.push(commit(post(at.ben, "late-a", `late ${more}`)));
    });
    await Promise.all(late);
    expect(messages).toBeGreaterThanOrEqual(2);
    await purgePerson(at.database, at.ben, ORDER, () => {});
    expect(await texts("late-a", "late-b")).toEqual(["late-a: before"]);
  });

  test("many rooms and reactions are gone through page by page", async () => {
    await run(sql`insert into rooms (name) select 'wide-' || n from generate_series(1, 5100) n`);
    await commit(post(at.ada, "wide-5100", "hello"));
    await commit(...Array.from({ length: 3 }, () => post(at.ada, "narrow", "hello")));
    await commit(
      react(at.ben, "wide-5100", 1, "👍"),
      ...[1, 2, 3].map((id) => react(at.ben, "narrow", id, "👍")),
    );
    const { purge: store } = createModerationStore(at.database);
    const seen: string[] = [];
    for (let after: number | null = null, page = 0; page < 10; page++) {
      const { found, next }: Awaited<ReturnType<typeof store.reactedBy>> = await store.reactedBy(
        at.ben,
        after,
        2,
      );
      seen.push(...found.map(({ room, id }) => `${room} ${id}`));
      await commit(
        ...found.map(({ room, id }): Change => ({
          kind: "remove",
          room,
          id,
          clientId: crypto.randomUUID(),
          order: ORDER,
          reactionsOf: at.ben,
        })),
      );
      if (next === null) break;
      after = next;
    }
    expect(seen.sort()).toEqual(["narrow 1", "narrow 2", "narrow 3", "wide-5100 1"]);
  });

  test("rooms whose owners have deleted their accounts have an heir: the oldest moderator, else the oldest member", async () => {
    const people = await run<{ id: number; name: string }>(sql`
      insert into users (username, username_fold) select 'p' || n, 'p' || n from generate_series(1, 5) n
      returning id::float8 as id, username as name`);
    const [gone, gone2, mod, mod2, member] = people.map(({ id }) => id) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const room = async (name: string, kind: string, ...seats: [id: number, role: string, days: number][]) => {
      await run(sql`insert into rooms (name, kind) values (${name}::text, ${kind}::text)`);
      for (const [id, role, days] of seats)
        await run(sql`insert into members (user_id, room_id, role, since)
          select ${id}::bigint, id, ${role}::text, now() - interval '1 day' * ${days}::int from rooms where name = ${name}::text`);
    };
    await room(
      "h1",
      "private",
      [gone, "owner", 9],
      [member, "member", 8],
      [mod, "moderator", 2],
      [mod2, "moderator", 1],
    );
    await room(
      "h2",
      "private",
      [gone, "owner", 9],
      [gone2, "owner", 8],
      [member, "member", 1],
      [mod, "member", 2],
    );
    await room("h3", "private", [gone, "owner", 9], [mod, "owner", 8]);
    await room("h4", "private", [gone, "owner", 9], [gone2, "moderator", 8]);
    await room("h5", "direct", [gone, "member", 9], [member, "member", 8]);
    await room("h6", "private", [mod, "owner", 9], [member, "member", 8]);
    await run(sql`update users set deleted_at = now() where id in (${gone}::bigint, ${gone2}::bigint)`);
    const { succession } = createModerationStore(at.database);
    const orphans = await succession.orphans(null, 10);
    expect(orphans.map(({ room, ownerId, heirId }) => [room, ownerId, heirId])).toEqual([
      ["h1", gone, mod],
      ["h2", gone, mod],
      ["h2", gone2, mod],
    ]);
    const [next] = await succession.orphans(orphans[0] ?? null, 1);
    expect(next).toMatchObject({ room: "h2", ownerId: gone });

    // A room that fails keeps its owner from being erased, and does not stop the others.
    const given: string[] = [];
    const left = await passOn({
      store: succession,
      async commit(ruling) {
        if (ruling.kind !== "member" || ruling.room === "h1") throw new Refusal("busy");
        given.push(`${ruling.room} ${ruling.set} ${ruling.role} ${ruling.users} ${ruling.order?.via}`);
        return { id: 1, version: 1, timestamp: "", duplicate: false };
      },
    });
    expect([...left]).toEqual([gone]);
    expect(given).toEqual([`h2 role owner ${mod} server`, `h2 role owner ${mod} server`]);
  });
});

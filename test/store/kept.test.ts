import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { type Amendment, type Change, sign } from "../../src/chat/change.ts";
import type { SavedRange, SavedStore } from "../../src/chat/saved.ts";
import { rows } from "../../src/db/database.ts";
import { ID_MAX, SAVED_MAX } from "../../src/protocol/limits.ts";
import { createSavedStore } from "../../src/store/saved.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { START_MS } from "../support/house.ts";
import { named } from "../support/stubs.ts";

// Messages that are pinned in rooms, and those that people save for themselves, on each driver.

onEachDriver((open) => {
  let at: Stocked;
  let saved: SavedStore;
  let room: string;

  beforeAll(async () => {
    at = await stock(open);
    saved = createSavedStore(at.database, at.database);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    room = `a-${crypto.randomUUID()}`;
  });

  const { pin, reform, appoint } = rulingsOf("operator");
  const run = <T>(statement: SQL) => at.database.run((orm) => rows<T>(orm, statement));
  const commit = async (...changes: Change[]) => acksOf(await at.store.commit(0, changes, true));
  const say = (...contents: string[]) => commit(...contents.map((content) => post(at.ada, room, content)));
  const remove = (id: number) =>
    sign({ kind: "delete", clientId: crypto.randomUUID(), id }, room, {
      userId: at.ada,
      ...named("ada"),
    }) as Amendment;
  const pinned = async (more: { before?: number; from?: number } = {}) =>
    (await at.store.pinned(room, { before: ID_MAX, from: 1, ...more })).pins;
  const idsOf = (pins: Awaited<ReturnType<typeof pinned>>) => pins.map(({ message }) => message.id);

  test("pins are listed with their notices, the latest first, and end with their messages and the room", async () => {
    await say("one", "two", "three");
    const [first, again, second] = await commit(pin(room, 1), pin(room, 1), pin(room, 3));
    expect([first?.id, again?.id, second?.id]).toEqual([4, 0, 5]);
    const [latest] = await pinned();
    expect(latest).toMatchObject({ version: 5, message: { content: "three" }, by: { username: "parley" } });
    expect(idsOf(await pinned())).toEqual([3, 1]);
    expect(idsOf(await pinned({ before: 5 }))).toEqual([1]);
    expect(idsOf(await pinned({ from: 2 }))).toEqual([3]);
    // Pinned anew, it comes first.
    await commit(pin(room, 1, false), pin(room, 1), remove(3));
    expect((await pinned()).map(({ message, version }) => [message.id, version])).toEqual([[1, 7]]);
    await commit(remove(2));
    await commit(reform(room, { deleted: true }), post(at.ada, room, "anew"));
    expect(await pinned()).toEqual([]);
    expect(
      await run(sql`select from pins where room_id = (select id from rooms where name = ${room})`),
    ).toEqual([]);
  });

  test("long pins make several pages", async () => {
    await say(...Array.from({ length: 8 }, () => "é".repeat(10_000)));
    for (let id = 1; id <= 8; id++)
      await run(sql`update messages set data = ${`{"x":"${"y".repeat(40_000)}"}`}
      where room_id = (select id from rooms where name = ${room}) and id = ${id}::int`);
    await commit(...Array.from({ length: 8 }, (_, index) => pin(room, index + 1)));
    const page = await at.store.pinned(room, { before: ID_MAX, from: 1 });
    expect(page.more).toBe(true);
    expect(page.pins.length).toBeWithin(2, 8);
    const rest = await at.store.pinned(room, { before: page.pins.at(-1)?.version ?? 0, from: 1 });
    expect([...idsOf(page.pins), ...idsOf(rest.pins)]).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  const keep = (id: number, from = 1, userId = at.ben) => saved.save({ userId, room }, { id, from });
  const list = async (more: Partial<SavedRange> = {}) =>
    (
      await saved.list(at.ben, { before: ID_MAX, limit: 100, patterns: null, membersOnly: false, ...more })
    ).saved.filter((one) => one.room === room);
  const textsOf = async (more: Partial<SavedRange> = {}) => (await list(more)).map(({ content }) => content);

  test("someone saves what they see, in its present state, until it is deleted", async () => {
    await say("one", "two", "three");
    await commit(pin(room, 1));
    for (const _ of ["once", "again"]) expect((await keep(1)).result).toBe("saved");
    await keep(3);
    expect((await keep(4)).result).toBe("missing"); // A notice.
    expect((await keep(9)).result).toBe("missing");
    expect((await keep(2, 3)).result).toBe("missing");
    expect(await list()).toMatchObject([
      { room, id: 3, content: "three", username: "ada", version: 3 },
      { room, id: 1, content: "one" },
    ]);
    const [{ place = 0 } = {}] = await list();
    expect(await textsOf({ before: place })).toEqual(["one"]);
    expect(await saved.idsIn({ userId: at.ben, room })).toEqual([1, 3]);
    expect(await saved.idsIn({ userId: at.ada, room })).toEqual([]);
    await commit(remove(3));
    expect(await textsOf()).toEqual(["one"]);
    await saved.unsave({ userId: at.ben, room }, 1);
    await saved.unsave({ userId: at.ben, room }, 1);
    expect(await textsOf()).toEqual([]);
  });

  test("saved messages follow the rights of their person: bans, membership, `from`, the token, deleted rooms", async () => {
    await say("one", "two");
    await keep(1);
    await keep(2);
    expect(await textsOf()).toEqual(["two", "one"]);
    expect(await textsOf({ patterns: ["b-*"] })).toEqual([]);
    expect(await textsOf({ patterns: ["a-*"] })).toEqual(["two", "one"]);
    expect(await textsOf({ membersOnly: true })).toEqual([]);
    await commit(appoint(room, "banned", [at.ben]));
    expect(await textsOf()).toEqual([]);
    await commit(appoint(room, "unbanned", [at.ben]), appoint(room, "in", [at.ben]));
    expect(await textsOf({ membersOnly: true })).toEqual(["two", "one"]);
    await commit(reform(room, { kind: "private" }), appoint(room, "out", [at.ben]));
    expect(await textsOf()).toEqual([]);
    await commit(appoint(room, "in", [at.ben]));
    expect(await textsOf()).toEqual(["two", "one"]);
    await run(sql`update members set from_id = 2 where user_id = ${at.ben}::bigint
      and room_id = (select id from rooms where name = ${room})`);
    expect(await textsOf()).toEqual(["two"]);
    await commit(reform(room, { deleted: true }));
    expect(await textsOf()).toEqual([]);
  });

  test("a person saves so many messages at most, and those that are gone make room for others", async () => {
    await say("one", "two", "three");
    await run(sql`delete from saved where user_id = ${at.ada}::bigint`);
    await run(sql`insert into saved (user_id, room_id, message_id)
      select ${at.ada}::bigint, r.id, n from rooms r, generate_series(1001, ${1000 + SAVED_MAX - 1}::int) n where r.name = ${room}`);
    expect((await keep(1, 1, at.ada)).result).toBe("saved");
    expect((await keep(2, 1, at.ada)).result).toBe("full");
    expect((await keep(1, 1, at.ada)).result).toBe("saved");
    await commit(remove(1));
    expect((await keep(2, 1, at.ada)).result).toBe("saved");
    expect((await keep(3, 1, at.ada)).result).toBe("full");
  });
});

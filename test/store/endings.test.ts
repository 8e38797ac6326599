import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Amendment, Change } from "../../src/chat/change.ts";
import type { Membership } from "../../src/chat/rights.ts";
import { readAudit } from "../../src/db/audit.ts";
import { rows } from "../../src/db/database.ts";
import { createModerationStore } from "../../src/store/moderation.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { named } from "../support/stubs.ts";

// How rooms, messages, links and conversations end: by an operator, a moderator, or a block.

onEachDriver((open) => {
  let at: Stocked;
  let room: string;
  let ada: ReturnType<typeof rulingsOf>;
  const operator = rulingsOf("operator");

  beforeAll(async () => {
    at = await stock(open);
    ada = rulingsOf({ userId: at.ada, username: "ada" });
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    room = `~${crypto.randomUUID()}`;
  });

  const query = <T>(statement: ReturnType<typeof sql>) => at.database.run((orm) => rows<T>(orm, statement));
  const commit = async (...changes: Change[]) =>
    (await at.store.commit(0, changes, true)).outcomes.map((outcome) =>
      !outcome ? "none" : "refused" in outcome ? outcome.refused : outcome.ack.id,
    );
  const memberOf = async (userId: number, name = room) =>
    (await at.members.memberships([{ userId, room: name }]))[0] as Membership;
  const remove = (room: string, id: number): Change => ({
    kind: "remove",
    room,
    id,
    clientId: crypto.randomUUID(),
    order: ORDER,
  });

  test("an open room that is deleted is as if it had never been, but its versions go on", async () => {
    const name = `open-${room.slice(1)}`;
    const said = post(at.ada, name, "secret");
    await commit(said, post(at.ben, name, "secret too"));
    await at.members.join([{ userId: at.ben, room: name }]);
    expect(await commit(operator.reform(name, { deleted: true, title: "unused" }))).toEqual([3]);
    // Nothing has happened since.
    expect(await commit(operator.reform(name, { deleted: true }))).toEqual([0]);
    expect(await memberOf(at.ben, name)).toMatchObject({
      deleted: false,
      state: "removed",
      from: 4,
      fence: 1,
      title: "",
    });
    const listed = await at.lists.rooms(at.ben, { scope: "all", patterns: [name], after: "", limit: 1 });
    expect(listed.rooms).toEqual([]);
    // Keys stay: a late retry is what it was. Neither it nor an operator's deletion touches the life before.
    expect(
      await commit(said, remove(name, 1), { ...remove(name, 2), reactionsOf: at.ben } as Change),
    ).toEqual([1, "not_found", "not_found"]);
    expect(await commit({ ...post(at.ada, name, "a new life"), fence: 1 })).toEqual([4]);
    expect(await memberOf(at.ada, name)).toMatchObject({ state: "in", from: 4 });
    expect(await commit(operator.reform(name, { deleted: true }))).toEqual([5]);
    expect(
      await commit(operator.create(name, { kind: "private", people: [at.ada], owners: [at.ada] })),
    ).toEqual([6]);
    expect(await memberOf(at.ada, name)).toMatchObject({ kind: "private", role: "owner", from: 6 });
    expect(await commit(operator.create(name, { kind: "private", people: [at.ben] }))).toEqual([
      "room_exists",
    ]);
  });

  test("a private room that is deleted is gone for everyone, with its links, until it is created again", async () => {
    await commit(
      ada.create(room, { kind: "private", people: [at.ben] }, { title: "Plans" }),
      post(at.ada, room, "secret"),
    );
    const { invitations } = createModerationStore(at.database);
    const { fence } = await memberOf(at.ada);
    await invitations.create(
      { userId: at.ada, room, from: 1, fence },
      { id: crypto.randomUUID(), hash: room, ttlMs: 60_000, maxUses: null },
    );
    expect(await invitations.roomOf(room, at.ben)).toBe(room);
    expect(await commit(operator.reform(room, { deleted: true }))).toEqual([3]);
    expect(await invitations.roomOf(room, at.ben)).toBeUndefined();
    expect(await memberOf(at.ben)).toMatchObject({ deleted: true, state: "removed", from: 4 });
    expect(await commit(operator.reform(room, { deleted: true }), post(at.ada, room, "hello?"))).toEqual([
      "not_found",
      "not_found",
    ]);
    expect(await commit(operator.create(room, { kind: "private", people: [at.ben] }))).toEqual([4]);
    expect(await memberOf(at.ben)).toMatchObject({ state: "in", from: 4, title: "" });
    expect(await memberOf(at.ada)).toMatchObject({ state: "removed" });
    expect(
      await query(
        sql`select action from audit a join rooms r on r.id = a.room_id where r.name = ${room}::text order by a.id`,
      ),
    ).toHaveLength(2);
  });

  test("a moderator's deletion of someone else's message is audited, and their own is not", async () => {
    await commit(
      ada.create(room, { kind: "private", people: [at.ben] }),
      post(at.ben, room, "spam"),
      post(at.ada, room, "mine"),
    );
    const order = { via: "socket", actor: "ada", address: "192.0.2.7", reason: "" } as const;
    const deletion = (id: number, senderId = at.ada): Amendment => ({
      kind: "delete",
      room,
      senderId,
      ...named("ada"),
      fence: 0,
      clientId: crypto.randomUUID(),
      id,
      order,
    });
    expect(await commit(deletion(3, at.ben), deletion(2), deletion(3), deletion(2))).toEqual([
      "forbidden",
      2,
      3,
      2,
    ]);
    const deeds = (await readAudit(at.database, undefined, 20)).filter((deed) => deed.room === room);
    expect(deeds).toMatchObject([{ ...order, action: "message.delete", messageId: 2, username: "ben" }]);
  });

  test("the links of someone who is removed or banned end with that, and nobody can use them", async () => {
    await commit(ada.create(room, { kind: "private", people: [at.ben] }, { membersAdd: true }));
    const { invitations } = createModerationStore(at.database);
    const { fence } = await memberOf(at.ben);
    await invitations.create(
      { userId: at.ben, room, from: 1, fence },
      { id: crypto.randomUUID(), hash: room, ttlMs: 60_000, maxUses: null },
    );
    const [row] = await query<{ id: number }>(
      sql`insert into users (username, username_fold) values (${room}::text, ${room}::text) returning id::float8 as id`,
    );
    const cy = row?.id ?? 0;
    const redemption = () =>
      rulingsOf({ userId: cy, username: "cy" }).appoint(room, "in", [cy], { link: room });
    expect(await commit(ada.appoint(room, "out", [at.ben]), redemption())).toEqual([2, 3]);
    expect(await commit(ada.appoint(room, "out", [cy]), redemption())).toEqual([4, "not_found"]);
    expect(await invitations.roomOf(room, cy)).toBeUndefined();
  });

  test("of a block and a new direct room of the two, one comes first, and nobody posts after both", async () => {
    const second = await at.another();
    const { blocks } = createModerationStore(at.database);
    for (let round = 0; round < 15; round++) {
      const name = `~${crypto.randomUUID()}`;
      const creation = ada.create(name, { kind: "direct", people: [at.ada, at.ben] });
      const [created] = await Promise.all([
        second.store.commit(0, [creation], true).then(({ outcomes }) => outcomes[0]),
        blocks.block(at.ben, at.ada),
      ]);
      const isCreated = created !== undefined && created !== null && "ack" in created;
      const { blocked, fence } = await memberOf(at.ada, name);
      // A room that came first was fenced off; one that came second was refused.
      expect([blocked, fence]).toEqual(isCreated ? [true, 2] : [false, 0]);
      const old = { ...post(at.ada, name, "too late"), fence: 1 };
      const { outcomes } = await at.store.commit(0, [old], false);
      expect(outcomes[0]).toEqual({ refused: isCreated ? "forbidden" : "not_found" });
      await blocks.unblock(at.ben, at.ada);
      await query(sql`delete from members where room_id = (select id from rooms where name = ${name}::text)`);
    }
    await second.close();
  });
});

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Change, Outcome } from "../../src/chat/change.ts";
import { permits } from "../../src/chat/rights.ts";
import { readAudit } from "../../src/db/audit.ts";
import { rows } from "../../src/db/database.ts";
import { users } from "../../src/db/schema.ts";
import { Refusal } from "../../src/errors.ts";
import { createStore } from "../../src/store/store.ts";
import { completing, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { explained } from "../support/explain.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { named, upTo } from "../support/stubs.ts";

// Rooms with members: what happens to their rows, notices, fences and keys, on each driver.

onEachDriver((open) => {
  let at: Stocked;
  let cy: number;
  let room: string;
  let ada: ReturnType<typeof rulingsOf>;
  let ben: ReturnType<typeof rulingsOf>;
  const operator = rulingsOf("operator");

  beforeAll(async () => {
    at = await stock(open);
    const [row] = await at.database.run((orm) =>
      orm.insert(users).values({ username: "cy", usernameFold: "cy" }).returning({ id: users.id }),
    );
    cy = row?.id ?? 0;
    ada = rulingsOf({ userId: at.ada, username: "ada" });
    ben = rulingsOf({ userId: at.ben, username: "ben" });
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    room = `~${crypto.randomUUID()}`;
  });

  const outcomesOf = async (...changes: Change[]): Promise<readonly (Outcome | null)[]> =>
    (await at.store.commit(0, changes, true)).outcomes;
  /** The version of each change, or the reason for its refusal. */
  const commit = async (...changes: Change[]) =>
    (await outcomesOf(...changes)).map((outcome) =>
      !outcome ? "none" : "refused" in outcome ? outcome.refused : outcome.ack.id,
    );
  const memberOf = async (userId: number, name = room) =>
    (await at.members.memberships([{ userId, room: name }]))[0] as NonNullable<
      Awaited<ReturnType<typeof at.members.memberships>>[0]
    >;
  const noticesOf = async (name = room) =>
    (await at.store.changesSince(name, 0)).messages.flatMap(({ notice, version }) =>
      notice ? [{ ...notice, users: notice.users.map(({ username }) => username), version }] : [],
    );
  const say = (senderId: number, name = room) => post(senderId, name, "hello");
  const group = (...people: number[]) => ada.create(room, { kind: "private", people });
  const fenceOf = async (name = room) => (await at.store.counters([name])).fences.get(name);
  const query = (statement: ReturnType<typeof sql>) => at.database.run((orm) => rows(orm, statement));

  test("a private room is created once, with a notice, and only its members read and post", async () => {
    const creation = ada.create(room, { kind: "private", people: [at.ben] }, { title: "Plans" });
    expect((await commit(creation))[0]).toBe(1);
    expect(await outcomesOf(creation)).toMatchObject([
      { ack: { id: 1, version: 1, duplicate: true }, state: null },
    ]);
    expect(await noticesOf()).toEqual([
      {
        type: "created",
        kind: "private",
        title: "Plans",
        history: "all",
        users: ["ada", "ben"],
        fence: 1,
        version: 1,
      },
    ]);
    const [message] = (await at.store.messages(room, { after: 0 }, upTo(9))).messages;
    expect(message).toMatchObject({
      id: 1,
      version: 1,
      username: "ada",
      content: "",
      notice: { type: "created" },
    });
    expect(message?.notice?.users[0]).toEqual({
      userId: at.ada,
      id: expect.stringMatching(/^u_/),
      username: "ada",
      name: null,
    });
    expect(await memberOf(at.ada)).toMatchObject({
      kind: "private",
      title: "Plans",
      state: "in",
      role: "owner",
      from: 1,
      version: 1,
      fence: 1,
      secret: true,
    });
    expect(await memberOf(at.ben)).toMatchObject({ state: "in", role: "member", changed: 1 });
    expect(await memberOf(cy)).toMatchObject({ state: "none", kind: "private" });
    expect(await commit(say(at.ben), say(cy), say(at.ada))).toEqual([2, "not_found", 3]);
    // A join makes nobody a member, and never creates such a room.
    const joined = await at.members.join([
      { userId: at.ben, room },
      { userId: cy, room },
      { userId: cy, room: `${room}x` },
    ]);
    expect(joined).toMatchObject([{ lastRead: 1 }, { code: "not_found" }, { code: "not_found" }]);
    expect(await memberOf(cy, `${room}x`)).toMatchObject({ exists: false, kind: "private" });
    expect(await commit(say(cy, `${room}x`), ben.create(room, { kind: "private", people: [] }))).toEqual([
      "not_found",
      "room_exists",
    ]);
    const [found] = await query(sql`select last_post::float8 as last from rooms where name = ${room}`);
    expect(found).toEqual({ last: 3 });
  });

  test("people are added, get a role, and are removed; what changes nothing is remembered", async () => {
    await commit(group());
    const add = ada.appoint(room, "in", [at.ben, cy]);
    expect(await commit(add, ada.appoint(room, "in", [cy]), say(cy))).toEqual([2, 0, 3]);
    const remove = ada.appoint(room, "out", [cy]);
    expect(await commit(remove, add, say(cy), ada.appoint(room, "out", [cy]))).toEqual([
      4,
      2,
      "forbidden",
      0,
    ]);
    expect(await memberOf(cy)).toMatchObject({ state: "removed", role: "member", changed: 4, fence: 2 });
    expect(await commit(ada.appoint(room, "role", [at.ben], { role: "moderator" }))).toEqual([5]);
    expect(await fenceOf()).toBe(2); // a promotion takes nothing from anyone
    // A moderator adds and removes members, and has no power over owners.
    expect(
      await commit(
        ben.appoint(room, "in", [cy]),
        ben.appoint(room, "out", [at.ada]),
        ben.appoint(room, "role", [cy], { role: "owner" }),
        ben.reform(room, { archived: true }),
        ben.reform(room, { title: "New", topic: "t" }),
      ),
    ).toEqual([6, "forbidden", "forbidden", "forbidden", 7]);
    expect((await noticesOf()).slice(1)).toMatchObject([
      { type: "added", users: ["ben", "cy"] },
      { type: "removed", users: ["cy"], fence: 2 },
      { type: "role", users: ["ben"], role: "moderator" },
      { type: "added", users: ["cy"] },
      { type: "title", title: "New", topic: "t", users: [] },
    ]);
    // Late retries, also of what did nothing, and other targets with the same client id.
    expect(await outcomesOf(remove)).toMatchObject([{ ack: { id: 4, duplicate: true } }]);
    expect(await memberOf(cy)).toMatchObject({ state: "in" });
    const reused = (change: Change, clientId: string): Change => ({ ...change, clientId });
    expect(
      await commit(
        reused(ada.appoint(room, "out", [at.ben]), remove.clientId),
        reused(ada.appoint(room, "in", [cy]), remove.clientId),
        reused(ada.reform(room, { title: "x" }), remove.clientId),
        reused(say(at.ada), remove.clientId),
        reused(
          {
            kind: "edit",
            room,
            senderId: at.ada,
            ...named("ada"),
            fence: 0,
            clientId: "",
            id: 1,
            content: "x",
          },
          remove.clientId,
        ),
      ),
    ).toEqual(Array(5).fill("client_id_reused"));
    const words = say(at.ada);
    const [fresh] = [say(at.ada)];
    expect(await commit(words, reused(ada.reform(room, { title: "y" }), words.clientId))).toEqual([
      8,
      "client_id_reused",
    ]);
    expect(
      await commit(reused(ada.reform(room, { title: "z" }), fresh?.clientId ?? ""), fresh as Change),
    ).toEqual([9, "client_id_reused"]);
  });

  test("anyone who lost their rights gets the ack of what they had committed before", async () => {
    await commit(group(at.ben));
    const words = say(at.ben);
    const never = say(at.ben);
    await commit(words, ada.appoint(room, "banned", [at.ben]));
    expect(await outcomesOf(words, never)).toMatchObject([
      { ack: { id: 2, duplicate: true } },
      { refused: "forbidden" },
    ]);
    expect(await at.store.answered(words)).toMatchObject({ ack: { id: 2, duplicate: true } });
    expect(await at.store.answered(never)).toBeUndefined();
    expect(
      await at.store.answered({ ...never, clientId: "00000000-0000-4000-8000-000000000001" }),
    ).toBeUndefined();
    expect(await commit(ada.appoint(room, "in", [at.ben]))).toEqual(["forbidden"]);
    expect(await commit(ada.appoint(room, "unbanned", [at.ben]), ada.appoint(room, "in", [at.ben]))).toEqual([
      4, 5,
    ]);
  });

  test("notices cannot be edited, deleted, reacted to, replied to, or removed by operators", async () => {
    await commit(group(at.ben));
    const by = { room, senderId: at.ada, ...named("ada"), fence: 1, id: 1 };
    const fresh = () => ({ ...by, clientId: crypto.randomUUID() });
    expect(
      await commit(
        { kind: "edit", ...fresh(), content: "x" },
        { kind: "delete", ...fresh() },
        { kind: "react", ...fresh(), emoji: "👍", on: true },
        { kind: "remove", room, clientId: crypto.randomUUID(), id: 1, order: ORDER },
        post(at.ada, room, "x", { replyTo: 1 }),
      ),
    ).toEqual(["notice_fixed", "notice_fixed", "notice_fixed", "notice_fixed", "invalid"]);
  });

  test("a private room keeps an owner, unless nobody else is there", async () => {
    await commit(group(at.ben));
    const leave = ada.appoint(room, "out", [at.ada]);
    expect(await commit(leave, ada.appoint(room, "role", [at.ada], { role: "member" }))).toEqual(
      Array(2).fill("last_owner"),
    );
    expect(await commit(ada.appoint(room, "out", [at.ada], { heir: cy }))).toEqual(["not_found"]);
    expect(await commit(ada.appoint(room, "out", [at.ada], { heir: at.ben }), say(at.ada))).toEqual([
      2,
      "forbidden",
    ]);
    expect(await memberOf(at.ben)).toMatchObject({ role: "owner", fence: 2 });
    expect(await memberOf(at.ada)).toMatchObject({ state: "left" });
    expect((await noticesOf()).at(-1)).toMatchObject({
      type: "left",
      users: ["ada"],
      heir: { username: "ben" },
      fence: 2,
    });
    expect(await commit(ben.appoint(room, "out", [at.ben]))).toEqual([3]);
  });

  test("mutes, archives and history decide who posts and what newcomers see", async () => {
    await commit(group(at.ben));
    const until = new Date(Date.now() + 3600_000).toISOString();
    expect(await commit(ada.appoint(room, "muted", [at.ben], { until }))).toEqual([2]);
    const [muted] = await outcomesOf(say(at.ben));
    expect(muted).toMatchObject({ refused: "muted" });
    expect(muted && "refused" in muted ? muted.retryAfterMs : 0).toBeGreaterThan(3_500_000);
    expect(await commit(ada.appoint(room, "muted", [at.ben]))).toEqual([3]);
    expect(await outcomesOf(say(at.ben))).toEqual([{ refused: "muted", retryAfterMs: undefined }]);
    expect(await memberOf(at.ben)).toMatchObject({ mutedUntil: Infinity, fence: 3 });
    expect(await commit(ada.appoint(room, "unmuted", [at.ben]), say(at.ben))).toEqual([4, 5]);
    expect(await commit(ada.reform(room, { archived: true }), say(at.ben), say(at.ada))).toEqual([
      6,
      "archived",
      "archived",
    ]);
    expect(
      await commit(ada.reform(room, { archived: false, history: "joined" }), ada.appoint(room, "in", [cy])),
    ).toEqual([7, 8]);
    const member = await memberOf(cy);
    expect(member).toMatchObject({ from: 8, history: "joined", fence: 4 });
    expect(await at.members.join([{ userId: cy, room }])).toEqual([{ lastRead: 8, unread: 0 }]);
    const react = {
      kind: "react",
      room,
      senderId: cy,
      ...named("cy"),
      fence: 4,
      emoji: "👍",
      on: true,
    } as const;
    expect(
      await commit(
        { ...react, clientId: crypto.randomUUID(), id: 5 },
        post(cy, room, "hi", { replyTo: 5 }),
        say(cy),
      ),
    ).toEqual(["not_found", "invalid", 9]);
    const seen = async (view: Parameters<typeof at.store.messages>[3]) =>
      (await at.store.messages(room, { before: 100 }, upTo(3), view)).messages.map(({ id }) => id);
    expect(await seen({ from: member.from })).toEqual([8, 9]);
    expect(await seen({ notices: false })).toEqual([5, 9]);
    expect(await seen({ notices: false, from: 8 })).toEqual([9]);
    expect(await at.store.messages(room, { after: 0 }, upTo(3), { from: 8 })).toMatchObject({
      fence: 4,
      more: false,
    });
  });

  test("the same people share one direct room, whoever asks first, and nobody comes or goes", async () => {
    const direct = [ada, ben].map((by) => by.create(room, { kind: "direct", people: [at.ada, at.ben] }));
    const second = await at.another();
    const both = await Promise.all([
      at.store.commit(0, [direct[0] as Change], true),
      second.store.commit(0, [direct[1] as Change], true),
    ]);
    await second.close();
    expect(both.map(({ outcomes: [one] }) => one && "ack" in one && one.ack.id).sort()).toEqual([0, 1]);
    expect(await noticesOf()).toHaveLength(1);
    expect(
      await commit(
        ada.appoint(room, "in", [cy]),
        ada.appoint(room, "out", [at.ada]),
        ada.reform(room, { title: "x" }),
        operator.appoint(room, "out", [at.ben]),
        ada.create(`${room}3`, { kind: "direct", people: [at.ben, cy] }),
        ada.create(`${room}1`, { kind: "direct", people: [at.ada] }),
        say(at.ben),
      ),
    ).toEqual(["direct_room", "direct_room", "direct_room", "direct_room", "invalid", "invalid", 2]);
    // An operator deletes it; when it is opened again, its versions go on and nobody sees its earlier life.
    expect(await commit(operator.reform(room, { deleted: true }), say(at.ada))).toEqual([3, "not_found"]);
    expect(await memberOf(at.ada)).toMatchObject({ deleted: true, state: "removed" });
    expect(await commit(ben.create(room, { kind: "direct", people: [at.ada, at.ben] }), say(at.ada))).toEqual(
      [4, 5],
    );
    expect(await memberOf(at.ada)).toMatchObject({ deleted: false, state: "in", from: 4, fence: 3 });
  });

  test("people who block each other share no direct room, and nobody adds someone who blocks them", async () => {
    await query(sql`insert into blocks (user_id, blocked_id) values (${cy}, ${at.ada})`);
    const people = [at.ada, cy];
    expect(
      await commit(
        group(),
        ada.create(`${room}a`, { kind: "direct", people }),
        ada.create(`${room}b`, { kind: "direct", people: [...people, at.ben] }),
        rulingsOf({ userId: cy, username: "cy" }).create(`${room}c`, { kind: "direct", people }),
        ada.appoint(room, "in", [cy]),
        ada.create(`${room}d`, { kind: "private", people: [cy] }),
        operator.appoint(room, "in", [cy]),
      ),
    ).toEqual([1, "forbidden", "forbidden", "forbidden", "forbidden", "forbidden", 2]);
    await query(sql`delete from blocks`);
    await commit(ada.create(`${room}a`, { kind: "direct", people }));
    await query(sql`insert into blocks (user_id, blocked_id) values (${cy}, ${at.ada})`);
    expect(await commit(say(at.ada, `${room}a`), say(cy, `${room}a`))).toEqual(["forbidden", "forbidden"]);
    expect(await memberOf(cy, `${room}a`)).toMatchObject({ blocked: true, state: "in" });
    await query(sql`delete from blocks`);
  });

  test("a link lets people in as often as it says, and nobody whom it should not", async () => {
    await commit(group(at.ben));
    const link = (
      hash: string,
      version: number,
      more = sql`null, null, clock_timestamp() + interval '1 hour'`,
    ) =>
      query(sql`insert into invitations (id, room_id, hash, created_by, version, max_uses, revoked_at, expires_at)
        select gen_random_uuid(), r.id, ${hash}, ${at.ada}, ${version}, ${more} from rooms r where r.name = ${room}`);
    const [once, ended, gone, any, spent] = ["once", "ended", "gone", "any", "spent"].map(
      (word) => `${word} ${room}`,
    ) as [string, string, string, string, string];
    await link(once, 1, sql`1, null, clock_timestamp() + interval '1 hour'`);
    await link(ended, 1, sql`null, null, clock_timestamp() - interval '1 second'`);
    await link(gone, 1, sql`null, clock_timestamp(), clock_timestamp() + interval '1 hour'`);
    await link(any, 3);
    await link(spent, 1, sql`2, null, clock_timestamp() + interval '1 hour'`);
    await query(sql`update invitations set uses = 2 where hash = ${spent}`);
    const use = (userId: number, hash: string, name = room) =>
      rulingsOf({ userId, username: "someone" }).appoint(name, "in", [userId], { link: hash });
    const elsewhere = ada.create(`${room}2`, { kind: "private", people: [] });
    const dead = [ended, gone, spent, "unknown"].map((hash) => use(cy, hash));
    expect(await commit(...dead, elsewhere, use(cy, once, `${room}2`))).toEqual([
      ...dead.map(() => "not_found" as const),
      1,
      "not_found",
    ]);
    // Counted in one batch, and a second use by a member costs nothing.
    await commit(ada.appoint(room, "out", [at.ben])); // 2
    expect(await commit(use(cy, once), use(at.ben, any), use(cy, once), use(cy, any))).toEqual([3, 4, 0, 0]);
    expect(
      await query(sql`select uses from invitations where hash in (${once}, ${any}) order by hash`),
    ).toEqual([{ uses: 1 }, { uses: 1 }]);
    expect((await noticesOf()).slice(-2)).toMatchObject([
      { type: "joined", users: ["cy"] },
      { type: "joined", users: ["ben"] },
    ]);
    // Anyone who was removed needs a link from after that; a ban overrides every link.
    await commit(ada.appoint(room, "out", [at.ben])); // 5
    expect(await commit(use(at.ben, any), ada.appoint(room, "banned", [at.ben]), use(at.ben, any))).toEqual([
      "not_found",
      6,
      "forbidden",
    ]);
  });

  test("operators govern any room without being in it, and the audit has it", async () => {
    const plain = room.slice(1);
    expect(
      await commit(
        operator.create(
          plain,
          { kind: "private", people: [at.ada, at.ben], owners: [at.ada] },
          { title: "Order 7" },
        ),
        operator.create(plain, { kind: "private", people: [] }),
        say(cy, plain),
        operator.appoint(plain, "banned", [at.ben]),
        operator.reform(plain, { kind: "open" }),
        say(cy, plain),
        say(at.ben, plain),
        operator.appoint(plain, "role", [cy], { role: "moderator" }),
        rulingsOf({ userId: cy, username: "cy" }).appoint(plain, "muted", [at.ada]),
      ),
    ).toEqual([1, "room_exists", "forbidden", 2, 3, 4, "forbidden", 5, "forbidden"]);
    expect((await noticesOf(plain)).map(({ type }) => type)).toEqual(["created", "banned", "kind", "role"]);
    // A plain name does not make a private room one that people join by themselves.
    const closed = `${plain}-closed`;
    await commit(operator.create(closed, { kind: "private", people: [at.ada] }));
    const [joined] = await at.members.join([{ userId: cy, room: closed }]);
    expect((joined as Refusal).code).toBe("forbidden");
    const audited = (await readAudit(at.database, undefined, 20)).filter((entry) => entry.room === plain);
    expect(audited.map(({ action, username }) => [action, username])).toEqual([
      ["member.role", "cy"],
      ["room.change", null],
      ["user.ban", "ben"],
      ["room.create", null],
    ]);
    const [message] = (await at.store.messages(plain, { after: 1 }, upTo(1))).messages;
    expect(message).toMatchObject({ username: "parley", notice: { type: "banned", fence: 2 } });
    // Posting in an open room that used to be private makes members again.
    expect(await memberOf(cy, plain)).toMatchObject({ state: "in", kind: "open" });
    expect(
      await commit(say(at.ada, "taken"), operator.create("taken", { kind: "private", people: [] })),
    ).toEqual([expect.anything(), "room_exists"]);
  });

  test("with members only, neither a post nor joining makes anybody a member", async () => {
    const { messages, members } = createStore(at.database, { membersOnly: true });
    const store = completing(messages);
    const plain = room.slice(1);
    const by = async (userId: number) => {
      const [outcome] = (await store.commit(0, [say(userId, plain)], false)).outcomes;
      return outcome && ("refused" in outcome ? outcome.refused : outcome.ack.id);
    };
    expect(await by(at.ada)).toBe("forbidden");
    expect(await commit(operator.appoint(plain, "in", [at.ada]))).toEqual([1]);
    expect([await by(at.ada), await by(at.ben)]).toEqual([2, "forbidden"]);
    await at.members.leave({ userId: at.ada, room: plain });
    expect(await by(at.ada)).toBe("forbidden");
    expect(await commit(operator.appoint(plain, "in", [at.ben]))).toEqual([3]);
    // A node may have let them in a moment before they left, or were removed.
    const joins = await members.join([
      { userId: at.ada, room: plain },
      { userId: at.ben, room: plain },
      { userId: at.ben, room: `${plain}-new` },
    ]);
    expect(joins.map((joined) => (joined instanceof Refusal ? joined.code : joined?.lastRead))).toEqual([
      "forbidden",
      3,
      "forbidden",
    ]);
    expect(await memberOf(at.ada, plain)).toMatchObject({ state: "left" });
  });

  test("no statement about rooms and members scans a table", async () => {
    if (at.database.driver === "neon") return; // the same server as the other one's
    await commit(group(at.ben));
    const database = explained(at.database);
    const { messages, members } = createStore(database);
    const seats = [at.ada, at.ben, cy].map((userId) => ({ userId, room }));
    await members.memberships(seats);
    await members.join(seats);
    await messages.commit(0, [post(at.ada, room, "fast", { fence: 1 })], false);
    await messages.commit(
      0,
      [
        ada.appoint(room, "in", [cy]),
        ada.appoint(room, "out", [cy]),
        ada.appoint(room, "in", [cy], { link: "x" }),
        ada.reform(room, { title: "x" }),
        say(at.ben),
        operator.create(`${room}d`, { kind: "direct", people: [at.ada, at.ben] }),
        operator.reform(room, { deleted: true }),
      ],
      true,
    );
    await messages.answered(say(at.ada));
    await messages.messages(room, { before: 50 }, upTo(10), { notices: false, from: 2 });
    const scans = database
      .takeScans()
      .filter(({ table, condition }) => table !== "meta" && condition === "")
      .map(({ type, table }) => `${type} ${table}`);
    expect(scans).toEqual([]);
    expect(permits(await memberOf(at.ada), "read", { now: 0 })).toBe("not_found");
  });
});

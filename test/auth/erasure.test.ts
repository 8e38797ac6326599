import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import type { Auth } from "../../src/auth/auth.ts";
import { eraseDue } from "../../src/auth/erasure.ts";
import { disableUser, restoreUser } from "../../src/auth/operator.ts";
import { findUser } from "../../src/auth/people.ts";
import { bans, erasedPeople, rooms, saved, sessions, users } from "../../src/db/schema.ts";
import type { Ended, Identity } from "../../src/identity.ts";
import { freshDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { ORDER } from "../support/order.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

// Deleting an account, restoring it, and erasing it for good.

describe("on the embedded database", () => suite(freshDatabase));
needs("TEST_DATABASE_URL")("on Postgres", () => suite(postgresDatabase));

function suite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let auth: Auth;
  let key: string;
  let email: string;
  let name: string;
  let me: Identity;
  let tokens: { access: string; refresh: string };
  let people = 0;

  const DAY = 86_400_000;
  const register = (username?: string) =>
    auth.accounts.register({ email, password: PASSWORD, username }, HERE);
  const login = () => auth.accounts.login({ email, password: PASSWORD }, HERE);
  const remove = (password?: string) => auth.accounts.remove(me, password, HERE);
  const set = (values: Record<string, unknown>) =>
    database.run((orm) => orm.update(users).set(values).where(eq(users.id, me.userId)));
  const row = async () =>
    (await database.run((orm) => orm.select().from(users).where(eq(users.id, me.userId))))[0];
  const loginWas = (time: string) =>
    database.run((orm) =>
      orm
        .update(sessions)
        .set({ createdAt: sql`clock_timestamp() - ${time}::interval` })
        .where(eq(sessions.userId, me.userId)),
    );
  const erase = (afterMs = 14 * DAY) => eraseDue(database, { afterMs, key });
  const deletedFor = (time: string) => set({ deletedAt: sql`clock_timestamp() - ${time}::interval` });

  beforeAll(async () => {
    database = await open();
    const node = await startNode(database, { LOGIN_RATE: 0 });
    auth = node.auth;
    key = node.meta.erasureKey;
  });
  afterAll(async () => {
    auth.stop();
    await database.close();
  });
  beforeEach(async () => {
    name = `Person${++people}`;
    email = `${name.toLowerCase()}@example.com`;
    tokens = await register(name);
    me = await auth.authenticate(tokens.access);
  });

  test("a deleted account has no access at once, and looks to others as before", async () => {
    const heard: Ended[] = [];
    const unsubscribe = auth.standing.onEnded((ended) => heard.push(ended));
    await remove();
    unsubscribe();
    expect(heard).toEqual([{ userId: me.userId, sessionIds: null, reason: "account_disabled" }]);
    expect(await codeOf(auth.authenticate(tokens.access))).toBe("account_disabled");
    expect(await codeOf(auth.sessions.refresh(tokens.refresh, HERE))).toBe("account_disabled");
    expect(await codeOf(login())).toBe("account_disabled");
    expect(await codeOf(auth.accounts.login({ email, password: "wrong horse" }, HERE))).toBe(
      "invalid_credentials",
    );
    expect(await row()).toMatchObject({ email, username: name, erasedAt: null });
    expect(await codeOf(register())).toBe("email_taken");
    email = `other-${email}`;
    expect(await codeOf(register(name))).toBe("username_taken");
  });

  test("deleting takes a login within the last ten minutes, or the password", async () => {
    await loginWas("599 seconds");
    await remove();
    await set({ deletedAt: null });
    await loginWas("601 seconds");
    expect(await codeOf(remove())).toBe("reauthentication_required");
    expect(await codeOf(remove("wrong horse"))).toBe("invalid");
    expect((await row())?.deletedAt).toBeNull();
    await remove(PASSWORD);
    expect((await row())?.deletedAt).toBeDate();
  });

  test("refreshing a session does not make its login recent", async () => {
    await loginWas("601 seconds");
    const next = await auth.sessions.refresh(tokens.refresh, HERE);
    me = await auth.authenticate(next.access);
    expect(await codeOf(remove())).toBe("reauthentication_required");
  });

  test("what someone saved stays until the account is erased", async () => {
    const others = { userId: me.userId + 1_000_000, roomId: 1, messageId: 2 };
    await database.run((orm) => orm.insert(saved).values([{ ...others, userId: me.userId }, others]));
    const owners = async () =>
      (await database.run((orm) => orm.select().from(saved))).map(({ userId }) => userId);
    await remove();
    expect(await owners()).toContain(me.userId);
    await deletedFor("15 days");
    await erase();
    expect(await owners()).toEqual([others.userId]);
    await database.run((orm) => orm.delete(saved));
  });

  test("until it is erased, an operator can restore it, by name or email; sessions stay ended", async () => {
    await remove();
    await restoreUser(database, people % 2 ? email : name.toUpperCase(), ORDER);
    auth.standing.forget({ userId: me.userId, sessionIds: null });
    expect(await row()).toMatchObject({ email, username: name, deletedAt: null });
    expect(await codeOf(auth.sessions.refresh(tokens.refresh, HERE))).toBe("session_ended");
    expect((await login()).username).toBe(name);
  });

  test("after its time it is erased, but for its id; the address is free again, and nobody gets the name", async () => {
    await auth.accounts.setProfile(me, { name: "Gil Blas", picture: "https://example.com/g.png" });
    await remove();
    await deletedFor("13 days 23 hours");
    expect(await erase()).toEqual([]);
    await deletedFor("14 days 1 second");
    expect(await erase()).toEqual([me.userId]);
    expect(await erase()).toEqual([]);

    expect(await row()).toMatchObject({
      email: null,
      passwordHash: null,
      username: `deleted-${me.userId}`,
      uid: me.user.id,
      name: null,
      picture: null,
      erasedAt: expect.any(Date),
    });
    const count = (table: typeof sessions | typeof erasedPeople) =>
      database.run((orm) => orm.$count(table, eq(table.userId, me.userId)));
    expect([await count(sessions), await count(erasedPeople)]).toEqual([0, 0]);
    for (const gone of [name, email, `deleted-${me.userId}`])
      expect(await codeOf(restoreUser(database, gone, ORDER))).toBe("not_found");
    expect(await codeOf(register(name))).toBe("username_taken");
    const again = await register(`Returner${people}`);
    expect((await auth.authenticate(again.access)).userId).not.toBe(me.userId);
  });

  test("of an operator who restores it and a node that erases it at the same moment, one wins", async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 10; round++) {
      email = `round${round}-${email}`;
      me = await auth.authenticate((await register(`Round${round}-${people}`)).access);
      await remove();
      await deletedFor("15 days");
      await Promise.all([erase(), codeOf(restoreUser(database, email, ORDER)), erase()]);
      const { deletedAt, erasedAt, email: left } = (await row())!;
      expect(erasedAt === null ? [deletedAt, left] : [left]).toEqual(
        erasedAt === null ? [null, email] : [null],
      );
      outcomes.add(erasedAt ? "erased" : "restored");
    }
    expect(outcomes.size).toBeGreaterThan(0);
  }, 20_000);

  test("a ban outlives the account: anyone who registers the same address again is banned there too", async () => {
    const [room] = await database.run((orm) =>
      orm
        .insert(rooms)
        .values({ name: `room${people}-${database.driver}` })
        .returning(),
    );
    await database.run((orm) => orm.insert(bans).values({ userId: me.userId, roomId: room!.id }));
    for (let life = 1; life <= 3; life++) {
      await remove();
      await deletedFor("15 days");
      await erase();
      const kept = await database.run((orm) =>
        orm.select().from(erasedPeople).where(eq(erasedPeople.userId, me.userId)),
      );
      expect(kept).toHaveLength(1);
      expect(JSON.stringify(kept)).not.toContain(email);
      me = await auth.authenticate((await register(`Life${life}-${people}`)).access);
      expect(
        await database.run((orm) => orm.select().from(bans).where(eq(bans.userId, me.userId))),
      ).toMatchObject([{ roomId: room!.id }]);
    }
  });

  test("an account is erased only after what its person owns was passed on", async () => {
    await remove();
    await deletedFor("15 days");
    const late = async () => {
      await deletedFor("0 days");
      return new Set<number>();
    };
    const erase = (passOn: () => Promise<ReadonlySet<number>>) =>
      eraseDue(database, { afterMs: 0, key, passOn });
    expect(await erase(async () => new Set([me.userId, 1e9]))).not.toContain(me.userId);
    expect(
      await erase(() => Promise.reject(new Error("no room could be passed on"))).catch(String),
    ).toContain("no room");
    // They deleted their account only after that.
    expect(await erase(late)).toEqual([]);
    expect(await erase(async () => new Set())).toEqual([me.userId]);
  });

  test("being disabled outlives the account too, even if the operator disabled it after its deletion", async () => {
    await remove();
    await disableUser(database, email, ORDER);
    await deletedFor("15 days");
    await erase();
    expect(await codeOf(register(`Again${people}`))).toBe("account_disabled");
    expect(await codeOf(login())).toBe("account_disabled");
    expect((await database.run((orm) => findUser(orm, email))).id).not.toBe(me.userId);
  });
}

test("a server erases accounts by itself once their time has come", async () => {
  const database = await freshDatabase();
  const { auth, clock, events } = await startNode(database, { LOGIN_RATE: 0, DELETE_AFTER: 1000 });
  const account = { email: "ada@example.com", password: PASSWORD };
  const me = await auth.authenticate((await auth.accounts.register(account, HERE)).access);
  await auth.accounts.remove(me, undefined, HERE);
  await database.run((orm) =>
    orm.update(users).set({ deletedAt: sql`clock_timestamp() - interval '2 seconds'` }),
  );
  clock.pass(10_000);
  const erased = () => events.filter(([event]) => event === "account.erase");
  while (erased().length === 0) await Bun.sleep(1);
  expect(erased()).toEqual([["account.erase", { userId: me.userId }]]);
  auth.stop();
  await database.close();
});

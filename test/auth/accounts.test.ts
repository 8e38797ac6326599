import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { resetPassword } from "../../src/auth/operator.ts";
import type { Auth } from "../../src/auth/auth.ts";
import type { Ended } from "../../src/identity.ts";
import { sessions, users } from "../../src/db/schema.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { ORDER } from "../support/order.ts";
import { foldOf } from "../../src/lookalikes.ts";
import { fillSkeletons } from "../../src/auth/users.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

let database: TestDatabase;
let auth: Auth;
let email: string;
let people = 0;

beforeAll(async () => {
  database = await freshDatabase();
  ({ auth } = await startNode(database, { LOGIN_RATE: 0 }));
});
afterAll(async () => {
  auth.stop();
  await database.close();
});
beforeEach(() => {
  email = `person${++people}@example.com`;
});

const register = (username?: string) => auth.accounts.register({ email, password: PASSWORD, username }, HERE);
const login = (password = PASSWORD) => auth.accounts.login({ email, password }, HERE);
const rowOf = async (address: string) =>
  (await database.run((orm) => orm.select().from(users).where(eq(users.email, address))))[0];

test("registering signs in under a name derived from the email, and the account can log in", async () => {
  const registered = await register();
  expect(registered).toMatchObject({ email, username: `person${people}` });
  const identity = await auth.authenticate(registered.access);
  expect(identity).toMatchObject({ username: `person${people}`, grants: null });
  expect(identity.sessionId).toBeString();
  expect(await auth.accounts.me(identity)).toMatchObject({ email, username: `person${people}` });
  expect((await login()).username).toBe(`person${people}`);
});

test("the password is stored only as an argon2id hash", async () => {
  await register();
  expect((await rowOf(email))?.passwordHash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
});

test("a second account with the same email is rejected, even if both requests arrive at once", async () => {
  const codes = await Promise.all([codeOf(register()), codeOf(register()), codeOf(register())]);
  expect(codes.filter((code) => code === "email_taken")).toHaveLength(2);
});

test("a chosen name that is taken, in any case, is rejected; a default name gets a suffix", async () => {
  await register("Twice");
  email = "twice@example.com";
  expect(await codeOf(register("tWICE"))).toBe("username_taken");
  expect((await register()).username).toMatch(/^twice-\d+$/);
});

test("a name that looks like another one is taken too, even if both are chosen at once", async () => {
  await register("alice");
  email = "other@example.com";
  for (const like of ["\u0430\u04cf\u0456\u0441\u0435", "aIice", "a1ice"])
    expect(await codeOf(register(like))).toBe("username_taken");
  const both = await Promise.all(
    ["mona", "rnona"].map((username, host) =>
      codeOf(auth.accounts.register({ email: `m@host${host}.example`, password: PASSWORD, username }, HERE)),
    ),
  );
  expect(both.filter((code) => code === "username_taken")).toHaveLength(1);
});

test("of names that look alike through a capital only one is given, whichever comes first", async () => {
  const at = (username: string, host: string) =>
    codeOf(auth.accounts.register({ email: `c@${host}.example`, password: PASSWORD, username }, HERE));
  await register("oIive");
  expect(await at("olive", "later")).toBe("username_taken");
  await at("EIlen", "capitals");
  expect(await at("Ellen", "small")).toBe("username_taken");
  const both = await Promise.all([at("paula", "one"), at("pauIa", "two")]);
  expect(both.filter((code) => code === "username_taken")).toHaveLength(1);
});

test("names from before are compared with new ones, although they break the rules of today", async () => {
  const older = ["admin", "bella.", "zoe", "z0e", "vIola"];
  await database.run((orm) =>
    orm.insert(users).values(older.map((username) => ({ username, usernameFold: foldOf(username) }))),
  );
  await fillSkeletons(database);
  expect(await codeOf(register("be11a."))).toBe("username_taken");
  expect(await codeOf(register("viola"))).toBe("username_taken");
  expect(await codeOf(register("vlola"))).toBe("username_taken");
  email = "zoe@example.com";
  expect((await register()).username).toMatch(/^zoe-\d+$/);
  const [twin] = await database.run((orm) => orm.select().from(users).where(eq(users.username, "z0e")));
  expect(twin?.skeleton).toBeNull();
});

test("if many people want the same name at once, all get an account and no two the same name", async () => {
  const made = await Promise.all(
    Array.from({ length: 8 }, (_, host) =>
      auth.accounts.register({ email: `crowd@host${host}.example`, password: PASSWORD }, HERE),
    ),
  );
  expect(new Set(made.map(({ username }) => username)).size).toBe(8);
});

test("a wrong password and an unknown email get the same response", async () => {
  await register();
  const refusals = await Promise.all([
    login("wrong horse").catch((error) => error),
    auth.accounts.login({ email: "nobody@example.com", password: PASSWORD }, HERE).catch((error) => error),
  ]);
  expect(refusals[0]).toEqual(refusals[1]);
  expect(refusals[0].code).toBe("invalid_credentials");
});

test("only someone with the right password learns that an account is disabled", async () => {
  await register();
  await database.run((orm) =>
    orm.update(users).set({ disabledAt: new Date() }).where(eq(users.email, email)),
  );
  expect(await codeOf(login("wrong horse"))).toBe("invalid_credentials");
  expect(await codeOf(login())).toBe("account_disabled");
});

test("changing the password ends the other sessions at once, notifies listeners and invalidates the old password", async () => {
  const { access } = await register();
  const other = await login();
  const heard: Ended[] = [];
  const unsubscribe = auth.standing.onEnded((ended) => heard.push(ended));
  const me = await auth.authenticate(access);
  const them = await auth.authenticate(other.access);
  await auth.accounts.changePassword(me, { password: PASSWORD, next: "another horse" }, HERE);
  unsubscribe();
  expect(heard).toEqual([{ userId: me.userId, sessionIds: [them.sessionId ?? ""], reason: "session_ended" }]);
  expect(await codeOf(auth.authenticate(other.access))).toBe("session_ended");
  expect(await codeOf(auth.sessions.refresh(other.refresh, HERE))).toBe("session_ended");
  expect((await auth.authenticate(access)).userId).toBe(me.userId);
  expect(await codeOf(login())).toBe("invalid_credentials");
  expect((await login("another horse")).email).toBe(email);
});

test("a login renews a hash of a lower cost, and logins at the same time succeed as well", async () => {
  await register();
  const cheap = await Bun.password.hash(PASSWORD, { algorithm: "argon2id", memoryCost: 8192, timeCost: 1 });
  await database.run((orm) => orm.update(users).set({ passwordHash: cheap }).where(eq(users.email, email)));
  expect((await Promise.all(Array.from({ length: 4 }, () => login()))).map((one) => one.email)).toEqual(
    Array(4).fill(email),
  );
  expect((await rowOf(email))?.passwordHash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  expect((await login()).email).toBe(email);
});

test("changing a password requires the current one", async () => {
  const me = await auth.authenticate((await register()).access);
  const change = { password: "wrong horse", next: "another horse" };
  const refusal = await auth.accounts.changePassword(me, change, HERE).catch((error) => error);
  expect(refusal).toMatchObject({ code: "invalid", more: { errors: { password: [expect.any(String)] } } });
  expect((await login()).email).toBe(email);
});

test("of two concurrent changes from the same password, one wins", async () => {
  const me = await auth.authenticate((await register()).access);
  const change = (next: string) =>
    codeOf(auth.accounts.changePassword(me, { password: PASSWORD, next }, HERE));
  expect((await Promise.all([change("first horse"), change("second horse")])).toSorted()).toEqual([
    "invalid",
    undefined,
  ]);
});

test("no session is opened if the password has changed since it was checked", async () => {
  await register();
  const before = await rowOf(email);
  await resetPassword(database, email, "another horse", ORDER);
  expect(await auth.sessions.open(before!, HERE)).toBeUndefined();
});

test("setting a password as the operator ends every session", async () => {
  const { refresh } = await register();
  expect(await resetPassword(database, `  ${email.toUpperCase()} `, "operator's horse", ORDER)).toBeTrue();
  expect(await codeOf(auth.sessions.refresh(refresh, HERE))).toBe("session_ended");
  expect((await login("operator's horse")).email).toBe(email);
  expect(await resetPassword(database, "nobody@example.com", "operator's horse", ORDER)).toBeFalse();
});

test("with registration switched off, existing accounts can still log in", async () => {
  await register();
  const closed = await startNode(database, { REGISTRATION: "off" });
  expect(
    await codeOf(closed.auth.accounts.register({ email: "late@example.com", password: PASSWORD }, HERE)),
  ).toBe("registration_off");
  expect((await closed.auth.accounts.login({ email, password: PASSWORD }, HERE)).email).toBe(email);
  closed.auth.stop();
});

test("the limit on guessing also applies to changing a password", async () => {
  const strict = await startNode(database, { LOGIN_RATE: 2 });
  const me = await strict.auth.authenticate((await register()).access);
  const guess = () =>
    codeOf(strict.auth.accounts.changePassword(me, { password: "guess", next: "another horse" }, HERE));
  expect([await guess(), await guess(), await guess()]).toEqual(["invalid", "invalid", "rate_limited"]);
  strict.auth.stop();
});

test("concurrent guesses get no further than the limit plus the few already in progress", async () => {
  const strict = await startNode(database, { LOGIN_RATE: 3 });
  await register();
  const guesses = Array.from({ length: 30 }, () =>
    codeOf(strict.auth.accounts.login({ email, password: "guess" }, HERE)),
  );
  const compared = (await Promise.all(guesses)).filter((code) => code === "invalid_credentials");
  expect(compared.length).toBeWithin(3, 3 + Math.max(1, navigator.hardwareConcurrency / 2) + 2);
  strict.auth.stop();
});

test("logging in deletes the person's expired sessions", async () => {
  await register();
  await database.run((orm) => orm.update(sessions).set({ expiresAt: sql`now() - interval '1 second'` }));
  await login();
  const id = (await rowOf(email))?.id ?? 0;
  expect(await database.run((orm) => orm.$count(sessions, eq(sessions.userId, id)))).toBe(1);
});

test("a colleague on the same network who guesses a password does not keep its owner from changing it", async () => {
  const office = await startNode(database, { LOGIN_RATE: 2 });
  const { accounts } = office.auth;
  const identity = await auth.authenticate((await register()).access);
  const guess = () => codeOf(accounts.login({ email, password: "a wrong guess" }, HERE));
  expect([await guess(), await guess(), await guess()]).toEqual([
    "invalid_credentials",
    "invalid_credentials",
    "rate_limited",
  ]);
  await accounts.changePassword(identity, { password: PASSWORD, next: "another horse battery" }, HERE);
  office.auth.stop();
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

// What the security log hears of accounts and sessions.

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startNode>>;

beforeAll(async () => {
  database = await freshDatabase();
  node = await startNode(database, { LOGIN_RATE: 3 });
});
afterAll(async () => {
  node.auth.stop();
  await database.close();
});

/** Returns the events since the last call. */
const heard = () => node.events.splice(0);
const names = () => heard().map(([event]) => event);
const person = (name: string) => {
  const email = `${name}@example.com`;
  return {
    register: () => node.auth.accounts.register({ email, password: PASSWORD }, HERE),
    login: (password = PASSWORD) => node.auth.accounts.login({ email, password }, HERE),
  };
};

test("a registration, a login and a failed login say who and from where, and never the email", async () => {
  const ada = person("ada");
  const { access } = await ada.register();
  await ada.login();
  await codeOf(ada.login("wrong"));
  const { userId } = await node.auth.authenticate(access);
  const about = { userId, username: "ada", origin: HERE };
  const events = heard();
  expect(events).toEqual([
    ["account.create", about],
    ["login.succeed", about],
    ["login.fail", about],
  ]);
  expect(JSON.stringify(events)).not.toContain("example.com");
});

test("a failed login at no account names nobody", async () => {
  await codeOf(person("nobody").login("wrong"));
  expect(heard()).toEqual([["login.fail", { origin: HERE }]]);
});

test("guesses beyond the limit are told apart from failures", async () => {
  const ben = person("ben");
  for (let guess = 0; guess < 5; guess++) await codeOf(ben.login("wrong"));
  expect(names()).toEqual(["login.fail", "login.fail", "login.fail", "login.limit", "login.limit"]);
});

test("a used refresh token that comes back is logged, with the session that it ended", async () => {
  const first = await person("cleo").register();
  const { userId, sessionId } = await node.auth.authenticate(first.access);
  const second = await node.auth.sessions.refresh(first.refresh, HERE);
  await node.auth.sessions.refresh(second.refresh, HERE);
  heard();
  const thief = { address: "203.0.113.9", userAgent: "curl" };
  expect(await codeOf(node.auth.sessions.refresh(first.refresh, thief))).toBe("refresh_reused");
  expect(heard()).toEqual([
    ["refresh.reuse", { userId, username: "cleo", sessionId: sessionId!, origin: thief, sessions: 1 }],
  ]);
});

test("changed passwords, wrong ones, ended sessions and deleted accounts are logged", async () => {
  const dan = person("dan");
  const { access, refresh } = await dan.register();
  const other = await dan.login();
  const me = await node.auth.authenticate(access);
  heard();
  const change = (password: string) =>
    node.auth.accounts.changePassword(me, { password, next: "another horse" }, HERE);
  await codeOf(change("wrong"));
  await node.auth.sessions.logout(other.refresh, HERE);
  await dan.login();
  await change(PASSWORD);
  await node.auth.sessions.logout(refresh, HERE);
  await node.auth.accounts.remove(me, undefined, HERE);
  const about = { userId: me.userId, username: "dan", origin: HERE };
  expect(heard()).toMatchObject([
    ["password.fail", about],
    ["session.end", about],
    ["login.succeed", about],
    ["password.change", { ...about, sessions: 1 }],
    ["session.end", { ...about, sessions: 1 }],
    ["account.delete", about],
  ]);
});

test("a logout of a session that has ended already is not logged again", async () => {
  const { refresh } = await person("eve").register();
  await node.auth.sessions.logout(refresh, HERE);
  heard();
  await node.auth.sessions.logout(refresh, HERE);
  await node.auth.sessions.endOthers(
    await node.auth.authenticate((await person("fay").register()).access),
    HERE,
  );
  expect(names()).toEqual(["account.create"]);
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// The operator's routes: their effects, their audit, and who may use them.

let server: TestServer;
let ada: Person;

beforeAll(async () => {
  server = await startTestServer({
    MESSAGE_RATE: "0",
    BUDGETS: "0",
    LOGIN_RATE: "0",
    ADMIN_TOKEN,
    METRICS_TOKEN: ADMIN_TOKEN,
  });
  ada = await register(server, "ada");
});
afterAll(() => server.stop());

const admin = (target: string) => api(server, target, { token: ADMIN_TOKEN });
const me = async ({ token }: Person) => (await api(server, "GET /account/me/", { token })).body;
const login = async ({ email }: Person) =>
  (await api(server, "POST /account/login/", { body: { email, password: PASSWORD } })).body;

/** What the audit says of an order with ADMIN_TOKEN about neither a room, a message nor a key. */
const BY_TOKEN = {
  via: "http",
  actor: "ADMIN_TOKEN",
  address: "127.0.0.1",
  room: null,
  messageId: null,
  target: "",
};

/** Audit entries with these fields, newest first. */
async function audit(about: Record<string, unknown>): Promise<unknown[]> {
  const { body } = await admin("GET /admin/audit/?limit=1000");
  return (body as Record<string, unknown>[])
    .filter((entry) => Object.entries(about).every(([name, value]) => entry[name] === value))
    .map(({ id: _, at: __, user: ___, ...entry }) => entry);
}

describe("access", () => {
  test("nobody gets in without the operator's token, not even with a person's token", async () => {
    for (const target of [
      "POST /admin/users/ada/disable",
      "GET /admin/audit/",
      "PUT /admin/rooms/lobby/bans/ada",
    ]) {
      expect((await api(server, target)).body).toMatchObject({ status: 401, code: "token_missing" });
      for (const token of [ada.token, "wrong", `${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(0, -1)])
        expect((await api(server, target, { token })).body).toMatchObject({
          status: 401,
          code: "token_invalid",
        });
    }
    expect(await me(ada)).toMatchObject({ username: "ada" });
  });

  test("without ADMIN_TOKEN and any key, nobody gets in", async () => {
    const plain = await startTestServer({ LOGIN_RATE: "0" });
    for (const target of [
      "POST /admin/users/ada/disable",
      "POST /admin/users/ada/enable",
      "DELETE /admin/users/ada/sessions",
      "PUT /admin/rooms/lobby/bans/ada",
      "DELETE /admin/rooms/lobby/bans/ada",
      "DELETE /admin/rooms/lobby/messages/1",
      "GET /admin/audit/",
    ])
      expect((await api(plain, target, { token: ADMIN_TOKEN })).body).toMatchObject({
        status: 401,
        code: "token_invalid",
      });
    await plain.stop();
  });
});

test("the security metric counts what operators do, and wrong tokens", async () => {
  await register(server, "lou");
  const counts = async () => {
    const { text } = await admin("GET /metrics");
    return Object.fromEntries(
      [...text.matchAll(/^parley_security_events_total\{event="([\w.]+)"\} (\d+)$/gm)].map(
        ([, event = "", count]) => [event, Number(count)],
      ),
    );
  };
  const before = await counts();
  await admin("PUT /admin/rooms/lobby/bans/lou");
  await admin("DELETE /admin/rooms/lobby/bans/lou");
  await admin("POST /admin/users/lou/disable");
  await admin("POST /admin/users/lou/enable");
  await admin("DELETE /admin/users/lou/sessions");
  await admin("POST /admin/users/nobody/disable");
  await api(server, "GET /admin/audit/", { token: "wrong" });
  await api(server, "GET /metrics", { token: "wrong" });
  const after = await counts();
  const risen = Object.entries(after).filter(([event, count]) => count !== before[event]);
  expect(Object.fromEntries(risen.map(([event, count]) => [event, count - before[event]!]))).toEqual({
    "user.ban": 1,
    "user.unban": 1,
    "user.disable": 1,
    "user.enable": 1,
    "sessions.end": 1,
    "operator.fail": 1,
    "scrape.fail": 1,
  });
});

test("a disabled user is logged out and cannot log in; once enabled, their session works again", async () => {
  const ben = await register(server, "ben");
  expect((await admin("POST /admin/users/BEN/disable/?reason=spam")).status).toBe(204);
  expect(await me(ben)).toMatchObject({ status: 401, code: "account_disabled" });
  expect(await login(ben)).toMatchObject({ code: "account_disabled" });
  const { refresh } = ben;
  const refreshed = () => api(server, "POST /account/refresh/", { body: { refresh } });
  expect((await refreshed()).body).toMatchObject({ code: "account_disabled" });

  expect((await admin("POST /admin/users/Ben@Example.com/enable")).status).toBe(204);
  expect(await me(ben)).toMatchObject({ username: "ben" });
  expect((await refreshed()).status).toBe(200);
  expect(await audit({ username: "ben" })).toEqual([
    { ...BY_TOKEN, action: "user.enable", username: "ben", reason: "" },
    { ...BY_TOKEN, action: "user.disable", username: "ben", reason: "spam" },
  ]);
});

test("ending sessions ends all of a user's sessions; the user can log in again", async () => {
  const cy = await register(server, "cy");
  await login(cy);
  expect((await admin("DELETE /admin/users/cy/sessions")).body).toEqual({ ended: 2 });
  expect(await me(cy)).toMatchObject({ status: 401, code: "session_ended" });
  expect(await login(cy)).toMatchObject({ username: "cy" });
  expect(await audit({ username: "cy" })).toMatchObject([{ action: "sessions.end" }]);
});

test("deleting anyone's message takes a version, is published, and leaves a tombstone", async () => {
  const dan = await register(server, "dan");
  const plain = await connectPlain(server, { room: "porch", token: dan.token });
  const socket = await connect(server, { room: "porch", token: ada.token });
  await socket.next("synced");
  plain.send({ message: "rude" });
  expect(await socket.next("message")).toMatchObject({ id: 1, content: "rude" });

  const remove = () => admin("DELETE /admin/rooms/porch/messages/1/?reason=rude");
  expect(await remove()).toMatchObject({ status: 200, body: { id: 1, version: 2, room: "porch" } });
  expect(await socket.next("message")).toMatchObject({
    change: "deleted",
    id: 1,
    version: 2,
    prev: 1,
    username: "dan",
    content: "",
    deletedAt: expect.any(String),
  });
  expect((await remove()).body).toEqual({ id: 1, version: 2, room: "porch" });

  const { body } = await api(server, "GET /history/porch/", { token: ada.token });
  expect(body).toMatchObject([{ id: 1, version: 2, content: "", username: "dan" }]);
  expect(await audit({ username: "dan" })).toEqual([
    { ...BY_TOKEN, action: "message.delete", username: "dan", room: "porch", messageId: 1, reason: "rude" },
  ]);
  for (const each of [plain, socket]) each.close();
});

test("everything that a spammer posted is deleted in steps, and readers see each message go", async () => {
  const spammer = await register(server, "spammer");
  const reader = await connect(server, { room: "spammed", token: ada.token });
  const socket = await connect(server, { token: spammer.token });
  const post = (room: string) => ({ type: "send", room, clientId: crypto.randomUUID(), content: "buy!" });
  await Promise.all(Array.from({ length: 520 }, () => socket.ask(post("spammed"))));
  await socket.ask(post("elsewhere"));
  await reader.ask({ type: "send", clientId: crypto.randomUUID(), content: "stop!" });
  const remove = async (query = "") => (await admin(`DELETE /admin/users/spammer/messages/${query}`)).body;
  expect(await remove("?room=elsewhere&reason=spam")).toEqual({ removed: 1, more: false });
  expect(await remove()).toEqual({ removed: 500, more: true });
  expect(await remove()).toEqual({ removed: 20, more: false });
  expect(await remove()).toEqual({ removed: 0, more: false });
  const { body } = await api(server, "GET /history/spammed/?limit=1000", { token: ada.token });
  const messages = body as { id: number; version: number; content: string; deletedAt?: string }[];
  expect(messages.filter(({ deletedAt }) => deletedAt === undefined).map(({ content }) => content)).toEqual([
    "stop!",
  ]);
  expect(messages.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 521 }, (_, index) => 521 + index),
  );
  for (let left = 520; left > 0;) if ((await reader.next("message")).change === "deleted") left--;
  expect(await audit({ action: "message.delete", room: "elsewhere" })).toMatchObject([
    { username: "spammer", messageId: 1, reason: "spam" },
  ]);
  for (const each of [reader, socket]) each.close();
}, 30_000);

test("a message that the operator deletes while its sender edits it stays deleted", async () => {
  const socket = await connect(server, { room: "race", token: ada.token });
  for (let round = 0; round < 20; round++) {
    const posted = await socket.ask({ type: "send", clientId: crypto.randomUUID(), content: "first" });
    const edit = { type: "edit", clientId: crypto.randomUUID(), id: posted.id, content: "second" };
    const [, removed] = await Promise.all([
      socket.ask(edit),
      admin(`DELETE /admin/rooms/race/messages/${posted.id}`),
    ]);
    expect(removed.status).toBe(200);
  }
  const { body } = await api(server, "GET /history/race/", { token: ada.token });
  expect((body as { content: string }[]).every(({ content }) => content === "")).toBe(true);
  socket.close();
});

test("repeating an order has no effect and is not audited again", async () => {
  const eve = await register(server, "eve");
  for (const target of [
    "POST /admin/users/eve/enable",
    "POST /admin/users/eve/disable",
    "POST /admin/users/eve/disable",
    "POST /admin/users/eve/enable",
    "POST /admin/users/eve/enable",
    "DELETE /admin/rooms/lobby/bans/eve",
    "PUT /admin/rooms/lobby/bans/eve",
    `PUT /admin/rooms/lobby/bans/${eve.email}`,
    "DELETE /admin/rooms/lobby/bans/eve",
    "DELETE /admin/rooms/lobby/bans/eve",
  ])
    expect([target, (await admin(target)).status]).toEqual([target, 204]);
  const actions = (await audit({ username: "eve" })).map((entry) => (entry as { action: string }).action);
  expect(actions).toEqual(["user.unban", "user.ban", "user.enable", "user.disable"]);
});

test("missing targets return 404, and invalid requests 400", async () => {
  for (const [target, status] of [
    ["POST /admin/users/nobody/disable", 404],
    ["POST /admin/users/nobody@example.com/enable", 404],
    ["POST /admin/users/deleted-1/enable", 404],
    ["DELETE /admin/users/%00/sessions", 404],
    ["PUT /admin/rooms/lobby/bans/nobody", 404],
    ["PUT /admin/rooms/.lobby/bans/ada", 400],
    ["DELETE /admin/rooms/nowhere/messages/1", 404],
    ["DELETE /admin/rooms/lobby/messages/999", 404],
    ["DELETE /admin/rooms/lobby/messages/0", 400],
    ["DELETE /admin/rooms/lobby/messages/9007199254740993", 400],
    ["DELETE /admin/rooms/lobby/messages/first", 400],
    ["POST /admin/users/ada/disable?why=spam", 400],
    [`POST /admin/users/ada/disable?reason=${"x".repeat(501)}`, 400],
    ["GET /admin/audit/?limit=0", 400],
    ["GET /admin/audit/?before=first", 400],
    ["GET /admin/nothing", 404],
    ["GET /admin/users/ada/disable", 405],
  ] as const)
    expect([target, (await admin(target)).status]).toEqual([target, status]);
  expect(await me(ada)).toMatchObject({ username: "ada" });
});

test("a deleted account can be restored; its person has to log in again", async () => {
  const fay = await register(server, "fay");
  expect((await api(server, "DELETE /account/me/", { token: fay.token })).status).toBe(204);
  expect(await login(fay)).toMatchObject({ code: "account_disabled" });
  for (let time = 0; time < 2; time++)
    expect((await admin("POST /admin/users/fay/restore/?reason=asked")).status).toBe(204);
  expect(await me(fay)).toMatchObject({ status: 401, code: "session_ended" });
  expect(await login(fay)).toMatchObject({ username: "fay" });
  expect(await audit({ username: "fay" })).toMatchObject([{ action: "account.restore", reason: "asked" }]);
});

test("a registration link is created with an expiry, and nobody else can create one", async () => {
  const { status, body } = await admin("POST /admin/registration-links/?expires=2h&reason=for+gus");
  expect(status).toBe(201);
  expect(body).toEqual({
    token: expect.stringMatching(/^[\w-]{32}$/),
    url: null,
    expiresAt: expect.any(String),
  });
  const { expiresAt } = body as { expiresAt: string };
  expect(Date.parse(expiresAt) - Date.now()).toBeWithin(7_000_000, 7_300_000);
  expect((await admin("POST /admin/registration-links/?expires=soon")).status).toBe(400);
  expect((await api(server, "POST /admin/registration-links", { token: ada.token })).status).toBe(401);
  expect(await audit({ action: "link.create" })).toMatchObject([{ reason: "for gus", via: "http" }]);
});

test("the audit is paged, newest first", async () => {
  await register(server, "gus");
  for (const reason of ["1", "2", "3"])
    for (const verb of ["PUT", "DELETE"]) await admin(`${verb} /admin/rooms/lobby/bans/gus?reason=${reason}`);
  const read: number[] = [];
  let next: string | undefined = "/admin/audit/?limit=4";
  while (next) {
    const { body, headers } = await admin(`GET ${next}`);
    expect(headers.get("cache-control")).toBe("no-store");
    read.push(...(body as { id: number }[]).map(({ id }) => id));
    next = /^<(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  }
  const { body } = await admin("GET /admin/audit?limit=1000");
  expect(read).toEqual((body as { id: number }[]).map(({ id }) => id));
  expect(read).toEqual(read.toSorted((a, b) => b - a));
  expect(read.length).toBeGreaterThan(5);
});

// The last test, because it ends everybody's tokens.
test("a stolen key is found and revoked on the running server", async () => {
  const keys = (await admin("GET /admin/keys/")).body as { kid: string; kind: string; revokedAt: null }[];
  expect(keys).toMatchObject([
    { kind: "refresh", retiredAt: null, revokedAt: null },
    { kind: "sign", retiredAt: null, revokedAt: null },
  ]);
  expect(Object.keys(keys[1]!)).toEqual(["kid", "kind", "createdAt", "retiredAt", "revokedAt"]);
  const revoke = ({ kid }: { kid: string }) => admin(`DELETE /admin/keys/${kid}/?reason=stolen`);
  expect((await revoke(keys[1]!)).body).toEqual({ kind: "sign", successor: expect.any(String), sessions: 0 });
  expect(await me(ada)).toMatchObject({ status: 401, code: "token_invalid" });
  expect((await revoke(keys[1]!)).body).toMatchObject({ status: 404, code: "not_found" });
  expect((await revoke(keys[0]!)).body).toMatchObject({ kind: "refresh", sessions: expect.any(Number) });
  const { refresh } = ada;
  const refreshed = await api(server, "POST /account/refresh/", { body: { refresh } });
  expect(refreshed.body).toMatchObject({ code: "refresh_invalid" });
  expect(await audit({ reason: "stolen" })).toMatchObject([
    { ...BY_TOKEN, username: null, action: "key.revoke", target: keys[0]!.kid },
    { ...BY_TOKEN, username: null, action: "key.revoke", target: keys[1]!.kid },
  ]);
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { type JWTPayload, SignJWT } from "jose";
import { eraseDue } from "../../src/auth/erasure.ts";
import { disableUser, restoreUser } from "../../src/auth/operator.ts";
import { DatabaseTimeout } from "../../src/db/database.ts";
import { users } from "../../src/db/schema.ts";
import { ORDER } from "../support/order.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { type Key, makeKey, startProvider } from "./keyserver.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

const ISSUER = "https://id.example.com/";
const AUDIENCE = "chat";
const MINUTE = 60_000;

let database: TestDatabase;
let provider: ReturnType<typeof startProvider>;
let first: Key;
let second: Key;
let node: Awaited<ReturnType<typeof startNode>>;

beforeAll(async () => {
  database = await freshDatabase();
  [first, second] = await Promise.all([makeKey("first"), makeKey("second", "RS256")]);
});
afterAll(() => database.close());
beforeEach(async () => {
  provider = startProvider();
  provider.keys = [first.jwk];
  node = await startWith();
});
afterEach(() => {
  node.auth.stop();
  provider.stop();
});

const startWith = () =>
  startNode(database, { AUTH_JWKS_URL: provider.url, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE });
const now = () => Math.floor(node.clock.now() / 1000);

function tokenOf(
  sub: string,
  claims: JWTPayload = {},
  key: Key = first,
  header: Record<string, unknown> = {},
) {
  const payload = { iss: ISSUER, aud: AUDIENCE, sub, iat: now(), exp: now() + 3600, ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(payload)))
    .setProtectedHeader(JSON.parse(JSON.stringify({ alg: key.alg, kid: key.kid, ...header })))
    .sign(key.privateKey);
}
const enter = (token: string) => node.auth.authenticate(token);
const codeFor = (token: string) => codeOf(enter(token));
const pass = (ms: number) => node.clock.pass(ms);

test("a person is created with their first token and stays the same", async () => {
  const identity = await enter(await tokenOf("u-1", { preferred_username: "Grace" }));
  expect(identity).toMatchObject({ username: "Grace", sessionId: null, grants: null });
  expect(identity.expiresAt).toBe((now() + 3600) * 1000);
  const again = await enter(await tokenOf("u-1", { preferred_username: "Renamed", jti: "2" }));
  expect(again).toMatchObject({ userId: identity.userId, username: "Grace" });
});

test("many tokens of a new person at once create one person", async () => {
  const tokens = await Promise.all(
    Array.from({ length: 8 }, (_, n) => tokenOf("u-crowd", { jti: String(n) })),
  );
  const people = await Promise.all(tokens.map(enter));
  expect(new Set(people.map(({ userId }) => userId)).size).toBe(1);
});

test.each([
  [{ preferred_username: "hopper@example.com", name: "Grace Hopper" }, "hopper"],
  [{ name: "Margaret Hamilton" }, "MargaretHamilton"],
  [{ preferred_username: 7, name: "Katherine" }, "Katherine"],
  [{ preferred_username: "deleted-1" }, "user"],
])(
  "the username comes from the claims, adapted to the rules, and is never an email address: %j",
  async (claims, name) => {
    const { username } = await enter(await tokenOf(`named ${name}`, claims as JWTPayload));
    expect(username.replace(/-\d+$/, "")).toBe(name);
  },
);

test("a username that is taken gets a suffix", async () => {
  await enter(await tokenOf("t-1", { name: "Taken" }));
  expect((await enter(await tokenOf("t-2", { name: "taken" }))).username).toMatch(/^taken-\d+$/);
});

test("a person never gets an account with the same email, nor its username", async () => {
  const account = await node.auth.accounts.register({ email: "ada@example.com", password: PASSWORD }, HERE);
  const ada = await enter(account.access);
  const claims = { email: "ada@example.com", email_verified: true, preferred_username: "ada" };
  const outsider = await enter(await tokenOf("ada@example.com", claims));
  expect(outsider.userId).not.toBe(ada.userId);
  expect(outsider.username).not.toBe("ada");
  const idOfOurs = await enter(await tokenOf(String(ada.userId), { sid: ada.sessionId }));
  expect(idOfOurs.userId).not.toBe(ada.userId);
  expect(idOfOurs.sessionId).toBeNull();
});

const refused: [string, () => Promise<string>][] = [
  ["our issuer, signed by their key", () => tokenOf("1", { iss: node.meta.instance })],
  ["their issuer without its slash", () => tokenOf("1", { iss: ISSUER.slice(0, -1) })],
  ["their issuer in a list", () => tokenOf("1", { iss: [ISSUER] as never })],
  ["another audience", () => tokenOf("1", { aud: "another" })],
  ["no audience", () => tokenOf("1", { aud: undefined })],
  ["no exp", () => tokenOf("1", { exp: undefined })],
  ["no sub", () => tokenOf("1", { sub: undefined })],
  ["a blank sub", () => tokenOf(" ")],
  ["a sub with NUL", () => tokenOf("a\0b")],
  ["a sub of 256 characters", () => tokenOf("x".repeat(256))],
  ["a sub that is a number", () => tokenOf("1", { sub: 1 as never })],
  ["not yet valid", () => tokenOf("1", { nbf: now() + 60 })],
  ["a life of 25 hours", () => tokenOf("1", { exp: now() + 25 * 3600 })],
  ["a life of 25 hours without iat", () => tokenOf("1", { iat: undefined, exp: now() + 25 * 3600 })],
  ["another key with a known kid", async () => tokenOf("1", {}, await makeKey("first"))],
  ["a key of another kind with a known kid", async () => tokenOf("1", {}, await makeKey("first", "RS256"))],
  ["a logout token", () => tokenOf("1", {}, first, { typ: "logout+jwt" })],
  [
    "alg none",
    async () =>
      `${Buffer.from('{"alg":"none"}').toString("base64url")}.${(await tokenOf("1")).split(".")[1]}.`,
  ],
  [
    "HS256 signed with their public key",
    async () =>
      new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "1", exp: now() + 60 })
        .setProtectedHeader({ alg: "HS256", kid: "first" })
        .sign(new TextEncoder().encode(JSON.stringify(first.jwk))),
  ],
];
test.each(refused)("refused: %s", async (_, make) => {
  expect(await codeFor(await make())).toBe("token_invalid");
});

test("an expired token is refused as expired, with some seconds of tolerance", async () => {
  expect(await codeFor(await tokenOf("u-late", { exp: now() - 3 }))).toBeObject();
  expect(await codeFor(await tokenOf("u-late", { exp: now() - 10 }))).toBe("token_expired");
});

test("a shared secret in the key set is never accepted", async () => {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  provider.keys.push({
    kty: "oct",
    kid: "shared",
    k: Buffer.from(secret).toString("base64url"),
    alg: "HS256",
  });
  const token = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "1", exp: now() + 60 })
    .setProtectedHeader({ alg: "HS256", kid: "shared" })
    .sign(secret);
  expect(await codeFor(token)).toBe("token_invalid");
});

test("an outage of the database while a token is checked is not the token's fault", async () => {
  let away = false;
  const run: TestDatabase["run"] = (work) =>
    away ? Promise.reject(new DatabaseTimeout("the database did not respond")) : database.run(work);
  const settings = { AUTH_JWKS_URL: provider.url, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };
  const stalling = await startNode({ ...database, run }, settings);
  away = true;
  const refusal = await stalling.auth.authenticate(await tokenOf("u-stall")).catch((error) => error);
  expect(refusal).toMatchObject({ code: "unavailable", more: { retryAfterMs: expect.any(Number) } });
  away = false;
  expect(await stalling.auth.authenticate(await tokenOf("u-stall"))).toMatchObject({ sessionId: null });
  stalling.auth.stop();
});

test("a bug while a token is checked is a fault, and not the token's", async () => {
  let broken = false;
  const run: TestDatabase["run"] = (work) =>
    broken ? Promise.reject(new TypeError("a bug")) : database.run(work);
  const settings = { AUTH_JWKS_URL: provider.url, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: AUDIENCE };
  const buggy = await startNode({ ...database, run }, settings);
  broken = true;
  await expect(buggy.auth.authenticate(await tokenOf("u-bug"))).rejects.toThrow(TypeError);
  buggy.auth.stop();
});

test.each<[string, JWTPayload, Record<string, unknown>, string]>([
  ["rooms", { rooms: Array(101).fill({ match: "*", allow: ["read"] }) }, {}, "must have at most 100 entries"],
  ["rooms", { rooms: "*" }, {}, "must be a list"],
  [
    "rooms[1]",
    {
      rooms: [
        { match: "*", allow: [] },
        { match: "x".repeat(257), allow: [] },
      ],
    },
    {},
    "must have at most 256 characters",
  ],
  [
    "rooms[0]",
    { rooms: [{ match: "*", allow: ["read"], except: ["a"] }] },
    {},
    "must have match and allow, and nothing else",
  ],
  ["budget", { budget: 0 }, {}, "must be at least 1"],
  ["budget", { budget: 101 }, {}, "must be at most 100"],
  ["budget", { budget: 1.5 }, {}, "must be a whole number"],
  ["budget", { budget: "10" }, {}, "must be a number"],
  ["budget", { budget: null }, {}, "must be a number"],
  ["sub", { sub: "x".repeat(256) }, {}, "must have at most 255 characters"],
  ["aud", { aud: "another" }, {}, "is not as expected"],
  ["exp", { exp: 4_000_000_000 }, {}, "is more than 24 hours after iat, or from now"],
  ["exp", { iat: 4_000_000_000, exp: 4_000_000_001 }, {}, "is more than 24 hours after iat, or from now"],
  ["typ", {}, { typ: "logout+jwt" }, "is neither JWT nor at+jwt"],
])(
  "a token with a bad %s is refused and recorded with the claim and what is wrong with it",
  async (claim, claims, header, problem) => {
    const refusal = await enter(await tokenOf("u-claims", claims, first, header)).catch((error) => error);
    expect(refusal.code).toBe("token_invalid");
    expect(refusal.message).toBe(`The claim ${claim} of the token ${problem}.`);
    expect(node.events).toEqual([["token.refuse", { claim, problem }]]);
  },
);

test("a token of somebody else's key is refused without a word about its claims", async () => {
  const forged = await tokenOf("u", { rooms: "*" }, await makeKey("first"));
  expect((await enter(forged).catch((error) => error)).message).toBe(
    "The token is not valid. Get a new one.",
  );
  expect(node.events).toEqual([]);
});

test("the rooms claim becomes grants, and a malformed claim makes the token invalid", async () => {
  const rooms = [{ match: "support-*", allow: ["read", "post"] }];
  expect((await enter(await tokenOf("u-rooms", { rooms }))).grants).toEqual(rooms as never);
  expect((await enter(await tokenOf("u-rooms", { rooms: [] }))).grants).toEqual([]);
  const malformed = [
    null,
    "*",
    {},
    ["*"],
    [{ match: "*" }],
    [{ allow: ["read"] }],
    [{ match: "*", allow: "read" }],
    [{ match: "*", allow: ["read", "own"] }],
    [{ match: "*", allow: ["read"], except: ["secret"] }],
    [{ match: "", allow: ["read"] }],
    [{ match: ["*"], allow: ["read"] }],
    [...rooms, null],
    Array(101).fill(rooms[0]),
  ];
  for (const claim of malformed)
    expect(await codeFor(await tokenOf("u-rooms", { rooms: claim }))).toBe("token_invalid");
});

test("the budget claim multiplies the person's budgets with that token", async () => {
  expect((await enter(await tokenOf("u-budget", { budget: 100 }))).budget).toBe(100);
  expect((await enter(await tokenOf("u-budget"))).budget).toBeUndefined();
});

test("a disabled person loses access within 5 s", async () => {
  const token = await tokenOf("u-disabled");
  const identity = await enter(token);
  await database.run((orm) =>
    orm.update(users).set({ disabledAt: new Date() }).where(eq(users.id, identity.userId)),
  );
  pass(5000);
  expect(await codeFor(token)).toBe("account_disabled");
});

describe("deleting an account", () => {
  const ago = (seconds: number) => Math.floor(node.clock.now() / 1000) - seconds;
  const remove = async (sub: string, claims: JWTPayload) =>
    codeOf(node.auth.accounts.remove(await enter(await tokenOf(sub, claims)), undefined, HERE));

  test("takes a login within the last ten minutes: by auth_time, or else by when the token was issued", async () => {
    const old = { iat: ago(601), auth_time: ago(601) };
    expect(await remove("u-old", old)).toBe("reauthentication_required");
    expect(await remove("u-old", { iat: ago(601) })).toBe("reauthentication_required");
    expect(await remove("u-old", { iat: ago(0), auth_time: ago(601) })).toBe("reauthentication_required");
    // Some providers write milliseconds.
    expect(await remove("u-old", { iat: ago(601), auth_time: ago(601) * 1000 })).toBe(
      "reauthentication_required",
    );
    expect(await remove("u-old", { iat: ago(601), auth_time: ago(590) })).toBeUndefined();
    expect(await remove("u-young", { iat: ago(0) })).toBeUndefined();
  });

  test("locks the person out, until an operator restores the account", async () => {
    const { username, userId } = await enter(await tokenOf("u-leaving"));
    await remove("u-leaving", { jti: "leave" });
    expect(await codeFor(await tokenOf("u-leaving", { jti: "again" }))).toBe("account_disabled");
    await restoreUser(database, username, ORDER);
    node.auth.standing.forget({ userId, sessionIds: null });
    expect(await enter(await tokenOf("u-leaving", { jti: "back" }))).toMatchObject({ userId });
  });

  test("erases it once all older tokens have expired: the person may return as somebody new", async () => {
    const { userId } = await enter(await tokenOf("u-returning"));
    await remove("u-returning", { jti: "leave" });
    const [erasing, deletedAgo] = [{ afterMs: 0, key: node.meta.erasureKey }, agoOf(userId)];
    await deletedAgo("24 hours");
    expect(await eraseDue(database, erasing)).not.toContain(userId);
    await deletedAgo("25 hours");
    expect(await eraseDue(database, erasing)).toContain(userId);
    expect((await enter(await tokenOf("u-returning", { jti: "back" }))).userId).not.toBe(userId);
  });

  test("does not help anyone who was disabled", async () => {
    const { userId, username } = await enter(await tokenOf("u-barred"));
    await remove("u-barred", { jti: "leave" });
    await disableUser(database, username, ORDER);
    await agoOf(userId)("26 hours");
    await eraseDue(database, { afterMs: 0, key: node.meta.erasureKey });
    expect(await codeFor(await tokenOf("u-barred", { jti: "back" }))).toBe("account_disabled");
  });

  const agoOf = (userId: number) => (time: string) =>
    database.run((orm) =>
      orm
        .update(users)
        .set({ deletedAt: sql`clock_timestamp() - ${time}::interval` })
        .where(eq(users.id, userId)),
    );
});

test("a person has no password and no sessions here", async () => {
  const identity = await enter(await tokenOf("u-none"));
  const change = { password: "x", next: "another horse" };
  expect(await codeOf(node.auth.accounts.changePassword(identity, change, HERE))).toBe("forbidden");
  expect(await node.auth.sessions.list(identity)).toEqual([]);
  expect((await node.auth.accounts.me(identity)).email).toBeNull();
});

test("many tokens at once read the key set once", async () => {
  const tokens = await Promise.all(
    Array.from({ length: 50 }, (_, n) => tokenOf(`many-${n % 5}`, { jti: `${n}` })),
  );
  await Promise.all(tokens.map(enter));
  expect(provider.requests).toBe(1);
});

test("the first token of a new key makes us read the key set, but at most every 10 s", async () => {
  await enter(await tokenOf("u-rotate"));
  provider.keys = [first.jwk, second.jwk];
  pass(10_000);
  expect((await enter(await tokenOf("u-rotate", {}, second))).sessionId).toBeNull();
  expect(provider.requests).toBe(2);
  const unknown = await makeKey("unknown");
  for (let n = 0; n < 20; n++)
    expect(await codeFor(await tokenOf("u", { jti: `${n}` }, unknown))).toBe("token_invalid");
  expect(provider.requests).toBe(2);
  pass(10_000);
  expect(await codeFor(await tokenOf("u", {}, unknown))).toBe("token_invalid");
  expect(provider.requests).toBe(3);
});

test("a removed key is refused within 5 min, even for tokens that were accepted; it may come back", async () => {
  const token = await tokenOf("u-vanish");
  await enter(token);
  provider.keys = [second.jwk];
  pass(4 * MINUTE);
  expect((await enter(token)).sessionId).toBeNull();
  pass(MINUTE);
  expect(await codeFor(token)).toBe("token_invalid");
  provider.keys = [first.jwk];
  pass(10_000);
  expect((await enter(token)).sessionId).toBeNull();
});

test("a token without kid is verified by any key that fits", async () => {
  const third = await makeKey("third");
  provider.keys = [second.jwk, third.jwk, first.jwk];
  for (const key of [first, second, third]) {
    const token = await tokenOf("u-kidless", { jti: key.kid }, key, { kid: undefined });
    expect((await enter(token)).sessionId).toBeNull();
  }
  const other = await tokenOf("u-kidless", {}, await makeKey("third"), { kid: undefined });
  expect(await codeFor(other)).toBe("token_invalid");
});

test("while the provider is away, its last keys count for a day; after that tokens are refused as unavailable", async () => {
  const token = () => tokenOf("u-outage", { jti: crypto.randomUUID() });
  await enter(await token());
  provider.stop();
  pass(6 * MINUTE);
  expect((await enter(await token())).sessionId).toBeNull();
  // An unknown key may be a new one of theirs.
  expect(await codeFor(await tokenOf("u-outage", {}, second))).toBe("unavailable");
  pass(24 * 60 * MINUTE);
  expect(await codeFor(await token())).toBe("unavailable");
  const back = startProvider(provider.port);
  back.keys = [first.jwk];
  expect(await codeFor(await token())).toBe("unavailable"); // the key set is not requested for every token
  pass(10_000);
  expect((await enter(await token())).sessionId).toBeNull();
  back.stop();
});

test("if the provider was never reachable, its tokens are unavailable, and our own work", async () => {
  provider.stop();
  node = await startWith();
  const refusal = await enter(await tokenOf("u")).catch((error) => error);
  expect(refusal.code).toBe("unavailable");
  expect(refusal.more.retryAfterMs).toBeGreaterThan(0);
  const account = await node.auth.accounts.register({ email: "own@example.com", password: PASSWORD }, HERE);
  expect((await enter(account.access)).username).toBe("own");
});

test.each([
  ["an error page", () => new Response("<html>", { status: 502 })],
  ["HTML", () => new Response("<html>")],
  ["other JSON", () => Response.json([])],
  ["a redirect", () => Response.redirect("http://127.0.0.1:1/")],
])("the last keys count while the provider responds with %s", async (_, answer) => {
  await enter(await tokenOf("u-odd", { jti: crypto.randomUUID() }));
  provider.answer = answer;
  pass(6 * MINUTE);
  expect((await enter(await tokenOf("u-odd", { jti: crypto.randomUUID() }))).sessionId).toBeNull();
});

test("without a provider, foreign tokens are refused", async () => {
  const alone = await startNode(database);
  expect(await codeOf(alone.auth.authenticate(await tokenOf("u")))).toBe("token_invalid");
  expect(provider.requests).toBe(0);
  alone.auth.stop();
});

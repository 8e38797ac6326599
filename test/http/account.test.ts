import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { sql } from "drizzle-orm";
import { decodeJwt } from "jose";
import type { AuthConfig } from "../../src/auth/auth.ts";
import { type Budgets, createBudgets } from "../../src/budgets.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import { sessions } from "../../src/db/schema.ts";
import { systemClock } from "../../src/clock.ts";
import { DatabaseTimeout } from "../../src/db/database.ts";
import { Refusal } from "../../src/errors.ts";
import { createFaults } from "../../src/faults.ts";
import { createApp } from "../../src/http/app.ts";
import { createBodies } from "../../src/http/body.ts";
import { bearer } from "../../src/http/bearer.ts";
import type { Env } from "../../src/http/request.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { startNode } from "../auth/node.ts";
import { holdExchange } from "../support/contract.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { unlimited } from "../support/stubs.ts";

const PASSWORD = "korim@12345678";
const SECRET = "the-secret-of-this-test";

type App = ReturnType<typeof createApp>;
let database: TestDatabase;
let node: Awaited<ReturnType<typeof startNode>>;
let app: App;
let logged: string;
let email: string;
let people = 0;

beforeAll(async () => {
  database = await freshDatabase();
  node = await startNode(database, { LOGIN_RATE: 0 });
  app = appOf(node);
});
afterAll(async () => {
  node.auth.stop();
  await database.close();
});
beforeEach(() => {
  logged = "";
  email = `person${++people}@example.com`;
});

function appOf(
  { auth, config }: typeof node,
  settings: Partial<Parameters<typeof createApp>[0]["config"]> = {},
  budgets: Budgets = unlimited,
): App {
  const failing = new Hono<Env>()
    .get("/fails", () => {
      throw Object.assign(new Error(`Failed query: ${SECRET}`, { cause: new Error("why") }), {
        query: SECRET,
      });
    })
    .get("/slow", () => {
      throw new DatabaseTimeout("too slow");
    })
    .get("/full", () => {
      throw new Refusal("busy", { retryAfterMs: 2300 });
    })
    .get("/address", bearer(auth), (c) =>
      c.json({ address: c.var.address, username: c.var.identity.username }),
    );
  const metrics = createMetrics();
  const bodies = createBodies(systemClock, metrics);
  const faulted = createFaults(createLog("error", { write: (line) => void (logged += line) }), metrics);
  return createApp({ config: { ...config, ...settings }, auth, bodies, budgets, faulted, routes: [failing] });
}

interface Call {
  body?: unknown;
  /** The raw body, instead of `body` as JSON. */
  raw?: string | Uint8Array<ArrayBuffer>;
  token?: string;
  headers?: Record<string, string>;
  address?: string;
  to?: App;
}

async function call(
  method: string,
  path: string,
  { body, raw, token, headers, address, to = app }: Call = {},
) {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const request = new Request(`http://localhost${path}`, {
    method,
    headers: {
      ...((body !== undefined || raw !== undefined) && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(typeof sent === "string" && { "content-length": String(Buffer.byteLength(sent)) }),
      ...headers,
    },
    ...(sent !== undefined && { body: sent }),
  });
  const response = await to.fetch(request, { address: address ?? "192.0.2.1" });
  const text = await response.text();
  const known = !/^\/(fails|slow|full|address)/.test(path);
  if (known) {
    const { status, headers } = response;
    holdExchange({
      method,
      target: path,
      sent: typeof sent === "string" ? sent : undefined,
      status,
      headers,
      text,
    });
  }
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text ? JSON.parse(text) : undefined,
  };
}

const post = (path: string, body: unknown, more: Call = {}) => call("POST", path, { body, ...more });
const register = async () =>
  (await post("/account/reg/", { email, password: PASSWORD, password2: PASSWORD })).json;

describe("the contract of the first version", () => {
  test("registering returns 201 with a message and tokens", async () => {
    const { status, json, headers } = await post("/account/reg/", {
      email,
      password: PASSWORD,
      password2: PASSWORD,
    });
    expect(status).toBe(201);
    expect(json).toEqual({
      message: "Visitor registered successfully",
      access: expect.any(String),
      refresh: expect.any(String),
      email,
      username: `person${people}`,
    });
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test.each(["/account/login/", "/account/login", "/account/reg/", "/account/reg"])(
    "logging in works at %s",
    async (path) => {
      await register();
      const { status, json } = await post(path, { email: ` ${email.toUpperCase()} `, password: PASSWORD });
      expect(status).toBe(200);
      expect(json).toEqual({
        access: expect.any(String),
        refresh: expect.any(String),
        email,
        username: `person${people}`,
      });
    },
  );

  test("an email that is taken returns 409, in any case", async () => {
    await register();
    const again = { email: email.toUpperCase(), password: PASSWORD, password2: PASSWORD };
    const { status, json } = await post("/account/reg/", again);
    expect(status).toBe(409);
    expect(json).toMatchObject({ code: "email_taken", errors: { email: [expect.any(String)] } });
  });

  test("a username can be chosen; one that is taken returns 409", async () => {
    const chosen = { password: PASSWORD, password2: PASSWORD, username: `Ｃhosen${people}` };
    expect((await post("/account/reg/", { email, ...chosen })).json.username).toBe(`Chosen${people}`);
    const { status, json } = await post("/account/reg/", { email: `x${email}`, ...chosen });
    expect(status).toBe(409);
    expect(json).toMatchObject({ code: "username_taken", errors: { username: [expect.any(String)] } });
  });

  test("a wrong password and an unknown email get exactly the same 401", async () => {
    await register();
    const wrong = await post("/account/login/", { email, password: "wrong horse" });
    const unknown = await post("/account/login/", { email: "nobody@example.com", password: PASSWORD });
    expect(wrong.status).toBe(401);
    expect(wrong.json).toMatchObject({ code: "invalid_credentials", detail: "Invalid Credentials" });
    expect(unknown.text).toBe(wrong.text);
    expect([...unknown.headers]).toEqual([...wrong.headers]);
    expect(wrong.headers.get("www-authenticate")).toBe('Bearer realm="parley"');
  });
});

const good = { email: "good@example.com", password: PASSWORD, password2: PASSWORD };
test.each<[string, object, string[]]>([
  ["only an empty password2", { password2: "" }, ["email", "password"]],
  ["a password of 7 characters", { ...good, password: "1234567", password2: "1234567" }, ["password"]],
  ["a password of 8 spaces", { ...good, password: "        ", password2: "        " }, ["password"]],
  [
    "a password of 257 characters",
    { ...good, password: "x".repeat(257), password2: "x".repeat(257) },
    ["password"],
  ],
  ["passwords that differ", { ...good, password2: `${PASSWORD}x` }, ["password2"]],
  ["a common password", { ...good, password: "Password1", password2: "Password1" }, ["password"]],
  ["one's own email as password", { ...good, password: good.email, password2: good.email }, ["password"]],
  ["a password with NUL", { ...good, password: "12345678\0", password2: "12345678\0" }, ["password"]],
  [
    "a password that is a number",
    { ...good, password: 12345678, password2: 12345678 },
    ["password", "password2"],
  ],
  ["password2 null", { ...good, password2: null }, ["password2"]],
  ["a username and no password2", { email: good.email, password: PASSWORD, username: "x" }, ["password2"]],
  ["no email", { ...good, email: undefined }, ["email"]],
  ["email null", { ...good, email: null }, ["email"]],
  ["a blank email", { ...good, email: "  " }, ["email"]],
  ["an email that is a list", { ...good, email: ["a@example.com"] }, ["email"]],
  ["an email without @", { ...good, email: "example.com" }, ["email"]],
  ["an email without a domain", { ...good, email: "a@" }, ["email"]],
  ["an email with two @", { ...good, email: "a@b@example.com" }, ["email"]],
  ["an email with a space", { ...good, email: "a b@example.com" }, ["email"]],
  ["an email with a line break", { ...good, email: "a\r\nb@example.com" }, ["email"]],
  ["an email with a dot after a dot", { ...good, email: "a@example..com" }, ["email"]],
  ["an email of 255 characters", { ...good, email: `${"a".repeat(61)}@${"b.".repeat(95)}com` }, ["email"]],
  ["an email with NUL", { ...good, email: "a\0@example.com" }, ["email"]],
  ["a username with a space", { ...good, username: "a b" }, ["username"]],
  ["a blank username", { ...good, username: "" }, ["username"]],
  ["username null", { ...good, username: null }, ["username"]],
  ["a username that looks like another's", { ...good, username: "\u0430da" }, ["username"]],
  ["the name of a deleted account", { ...good, username: "deleted-1" }, ["username"]],
])("registering with %s returns 400, naming the field", async (_, body, fields) => {
  const { status, json, text } = await post("/account/reg/", body);
  expect(status).toBe(400);
  expect(json.code).toBe("invalid");
  expect(Object.keys(json.errors).toSorted()).toEqual(fields.toSorted());
  expect(text).not.toContain(PASSWORD);
});

test("every text field rejects lone surrogates", async () => {
  const raw = String.raw`{"email":"a\ud800@example.com","password":"\udc00 12345678","password2":"\udc00 12345678","username":"x\ud800"}`;
  const { status, json } = await call("POST", "/account/reg/", { raw });
  expect(status).toBe(400);
  expect(Object.keys(json.errors).toSorted()).toEqual(["email", "password", "username"]);
});

test.each(["POST /account/reg/", "POST /account/login/", "POST /account/refresh/", "POST /account/logout/"])(
  "%s accepts only a JSON object",
  async (route) => {
    const [method = "", path = ""] = route.split(" ");
    const malformed = [
      "",
      "{",
      "[]",
      "[1]",
      "null",
      "1",
      '"x"',
      "{} {}",
      "{'a':1}",
      new Uint8Array([0x22, 0xff, 0x22]),
    ];
    for (const raw of malformed) {
      const { status, json } = await call(method, path, { raw });
      expect([status, json.code]).toEqual([400, "malformed"]);
    }
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""]) {
      const { status, json } = await call(method, path, { raw: "{}", headers: { "content-type": type } });
      expect([status, json.code]).toEqual([415, "unsupported_media_type"]);
    }
    const typed = { "content-type": "Application/JSON; charset=utf-8" };
    expect((await call(method, path, { raw: "{}", headers: typed })).json.code).toBe("invalid");
  },
);

test("a body over 64 KiB returns 413, with and without Content-Length", async () => {
  const raw = JSON.stringify({ email: "x".repeat(65_536) });
  expect((await call("POST", "/account/login/", { raw })).json.code).toBe("too_large");
  const stream = new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode("x".repeat(10_000)));
    },
  });
  const headers = { "content-type": "application/json" };
  const request = new Request("http://localhost/account/login/", { method: "POST", headers, body: stream });
  expect((await app.fetch(request, { address: "" })).status).toBe(413);
});

test.each([
  ["PUT", "/account/reg/", "POST"],
  ["GET", "/account/login/", "POST"],
  ["POST", "/account/me/", "GET, PATCH, DELETE, HEAD"],
  ["PATCH", "/account/sessions/x/", "DELETE"],
  ["POST", "/.well-known/jwks.json", "GET, HEAD"],
])("%s %s returns 405 with an Allow header", async (method, path, allow) => {
  const { status, json, headers } = await call(method, path);
  expect([status, json.code]).toEqual([405, "method_not_allowed"]);
  expect(headers.get("allow")?.split(", ").toSorted()).toEqual(allow.split(", ").toSorted());
});

test.each(["/", "/account/", "/account/nothing/", "/account/me/x", "//account//me"])(
  "%s returns 404",
  async (path) => {
    const { status, json, headers } = await call("GET", path);
    expect([status, json.code]).toEqual([404, "not_found"]);
    expect(headers.get("content-type")).toBe("application/problem+json");
  },
);

test("a missing and an invalid token return 401 with the challenges of RFC 6750", async () => {
  const challenge = async (headers: Record<string, string>) => {
    const response = await call("GET", "/account/me/", { headers });
    expect(response.status).toBe(401);
    return [response.json.code, response.headers.get("www-authenticate")];
  };
  const missing = ["token_missing", 'Bearer realm="parley"'];
  expect(await challenge({})).toEqual(missing);
  expect(await challenge({ authorization: "Basic YTpi" })).toEqual(missing);
  expect(await challenge({ authorization: "Bearer" })).toEqual(missing);
  const [code, bad] = await challenge({ authorization: "Bearer garbage" });
  expect(code).toBe("token_invalid");
  expect(bad).toStartWith('Bearer realm="parley", error="invalid_token"');
});

test("the life of an account: profile, sessions, refresh, password, logout, deletion", async () => {
  const { access: token, refresh } = await register();
  const me = await call("GET", "/account/me/", { token });
  expect(me.json).toEqual({
    email,
    username: `person${people}`,
    user: { id: expect.stringMatching(/^u_/) },
    picture: null,
    createdAt: expect.any(String),
  });
  expect(me.headers.get("cache-control")).toBe("no-store");

  const headers = { "user-agent": "phone" };
  const phone = (await post("/account/login/", { email, password: PASSWORD }, { headers })).json;
  const sessions = (await call("GET", "/account/sessions/", { token })).json;
  expect(sessions).toHaveLength(2);
  expect(sessions[0]).toMatchObject({ userAgent: "phone", current: false });
  expect((await call("DELETE", `/account/sessions/${sessions[0].id}/`, { token })).status).toBe(204);
  expect((await call("GET", "/account/me/", { token: phone.access })).json.code).toBe("session_ended");
  for (const id of [sessions[0].id, crypto.randomUUID(), "x", "%00", "1'--"])
    expect((await call("DELETE", `/account/sessions/${id}/`, { token })).status).toBe(404);

  const next = await post("/account/refresh/", { refresh });
  expect(next.status).toBe(200);
  expect(Object.keys(next.json).toSorted()).toEqual(["access", "refresh"]);
  expect((await post("/account/refresh/", { refresh: "x" })).json.code).toBe("refresh_invalid");
  expect((await post("/account/refresh/", { refresh: token })).status).toBe(401);

  const changed = { password: PASSWORD, new: "another horse", new2: "another horse" };
  expect((await post("/account/password/", changed, { token })).status).toBe(204);
  expect((await post("/account/password/", changed, { token })).json.errors).toHaveProperty("password");
  const differing = { ...changed, new2: "yet another horse" };
  expect((await post("/account/password/", differing, { token })).json.errors).toHaveProperty("new2");
  const short = { ...changed, new: "short", new2: "short" };
  expect((await post("/account/password/", short, { token })).json.errors).toHaveProperty("new");
  const weak = { ...changed, password: "another horse", new: email, new2: email };
  expect((await post("/account/password/", weak, { token })).json.errors).toHaveProperty("new");
  expect((await post("/account/login/", { email, password: "another horse" })).status).toBe(200);
  expect((await call("DELETE", "/account/sessions/", { token })).status).toBe(204);
  expect((await call("GET", "/account/sessions/", { token })).json).toHaveLength(1);

  expect((await post("/account/logout/", { refresh: next.json.refresh })).status).toBe(204);
  expect((await call("GET", "/account/me/", { token })).json.code).toBe("session_ended");

  const last = (await post("/account/login/", { email, password: "another horse" })).json;
  const wrong = { token: last.access, body: { password: "wrong horse" } };
  expect((await call("DELETE", "/account/me/", wrong)).json.errors).toHaveProperty("password");
  expect((await call("DELETE", "/account/me/", { ...wrong, body: { password: 1 } })).status).toBe(400);
  const gone = await call("DELETE", "/account/me/", { token: last.access });
  expect([gone.status, gone.text]).toEqual([204, ""]);
  expect((await call("GET", "/account/me/", { token: last.access })).json.code).toBe("account_disabled");
  expect((await post("/account/login/", { email, password: "another horse" })).json.code).toBe(
    "account_disabled",
  );
});

test("a password can have 256 characters of any kind, and each of them counts", async () => {
  const password = `${"🦊 ß\"'\\".repeat(42)}wxyz`;
  expect([...password]).toHaveLength(256);
  expect((await post("/account/reg/", { email, password, password2: password })).status).toBe(201);
  const login = async (given: string) => (await post("/account/login/", { email, password: given })).status;
  expect(await login(password.slice(0, -1))).toBe(401);
  expect(await login(password.replace("z", "Z"))).toBe(401);
  expect(await login(password)).toBe(200);
});

test("deleting an account needs the password, unless its session is young", async () => {
  const { access: token } = await register();
  await database.run((orm) =>
    orm.update(sessions).set({ createdAt: sql`clock_timestamp() - interval '11 minutes'` }),
  );
  const { status, json } = await call("DELETE", "/account/me/", { token });
  expect([status, json.code]).toEqual([403, "reauthentication_required"]);
  const body = { password: PASSWORD };
  expect((await call("DELETE", "/account/me/", { token, body })).status).toBe(204);
});

describe("limits", () => {
  const strictly = async (config: Partial<AuthConfig>, hops = 0) => {
    const strict = await startNode(database, config);
    strict.auth.stop();
    return appOf(strict, { TRUST_PROXY: hops });
  };

  test("too many failures return 429 with Retry-After; the owner can still log in from another address", async () => {
    const to = await strictly({ LOGIN_RATE: 2 });
    await register();
    const guess = (address: string) => post("/account/login/", { email, password: "guess" }, { to, address });
    expect([(await guess("192.0.2.1")).status, (await guess("192.0.2.1")).status]).toEqual([401, 401]);
    const { status, json, headers } = await guess("192.0.2.1");
    expect([status, json.code, json.retryable]).toEqual([429, "rate_limited", true]);
    expect(Number(headers.get("retry-after"))).toBeWithin(1, 901);
    const owner = await post("/account/login/", { email, password: PASSWORD }, { to, address: "192.0.2.2" });
    expect(owner.status).toBe(200);
  });

  test("an unknown email is limited like a known one", async () => {
    const to = await strictly({ LOGIN_RATE: 1 });
    const guess = () => post("/account/login/", { email: "unknown@example.com", password: "guess" }, { to });
    expect([(await guess()).status, (await guess()).status]).toEqual([401, 429]);
  });

  test("an IPv6 network of /64 counts as one address", async () => {
    const to = await strictly({ LOGIN_RATE: 1 });
    const guess = (address: string) => post("/account/login/", { email, password: "guess" }, { to, address });
    expect((await guess("2001:db8::1")).status).toBe(401);
    expect((await guess("2001:db8::ffff:2")).status).toBe(429);
    expect((await guess("2001:db8:0:1::1")).status).toBe(401);
  });

  test("while strangers have spent the budget of an address, those who are known there log in and stay logged in", async () => {
    const { refresh } = await register();
    const messages = { rate: 0, burst: 1 };
    const parts = { clock: node.clock, bus: createLocalBus(), metrics: createMetrics() };
    const budgets = createBudgets({ scale: 1, messages, ...parts });
    budgets.charge("visits", "192.0.2.1", 1000); // and the clock stands still
    const to = appOf(node, {}, budgets);
    const codeFor = async (path: string, body: object) => (await post(path, body, { to })).json?.code;

    const mine = { email, password: PASSWORD };
    const theirs = { ...mine, email: `x${email}` };
    expect(await codeFor("/account/login/", theirs)).toBe("rate_limited");
    expect(await codeFor("/account/reg/", { ...theirs, password2: PASSWORD })).toBe("rate_limited");
    expect(await codeFor("/account/refresh/", { refresh: `${refresh.slice(0, -4)}AAAA` })).toBe(
      "rate_limited",
    );
    expect(await codeFor("/account/login/", { ...mine, padding: "x".repeat(2048) })).toBe("rate_limited");
    for (const path of ["/account/login/", "/account/reg/"]) {
      const { access } = (await post(path, mine, { to })).json;
      expect((await call("GET", "/account/me/", { token: access, to })).status).toBe(200);
    }
    const next = (await post("/account/refresh/", { refresh }, { to })).json.refresh;
    expect((await post("/account/logout/", { refresh: next }, { to })).status).toBe(204);

    // They pay for themselves.
    budgets.charge("requests", refresh.split(".")[0] ?? "", 1000);
    expect(await codeFor("/account/logout/", { refresh: next })).toBe("rate_limited");
  });

  test("behind a proxy, the address is the one that it reports, not an earlier entry from the client", async () => {
    const to = await strictly({ LOGIN_RATE: 1 }, 1);
    const guess = (forwarded: string) =>
      post(
        "/account/login/",
        { email, password: "guess" },
        { to, headers: { "x-forwarded-for": forwarded } },
      );
    expect((await guess("203.0.113.1, 198.51.100.1")).status).toBe(401);
    expect((await guess("203.0.113.2, 198.51.100.1")).status).toBe(429);
    expect((await guess("203.0.113.1, 198.51.100.2")).status).toBe(401);
  });

  test("without a trusted proxy, X-Forwarded-For is ignored", async () => {
    const to = await strictly({ LOGIN_RATE: 1 });
    const guess = (forwarded: string) =>
      post(
        "/account/login/",
        { email, password: "guess" },
        { to, headers: { "x-forwarded-for": forwarded } },
      );
    expect([(await guess("203.0.113.1")).status, (await guess("203.0.113.2")).status]).toEqual([401, 429]);
  });
});

test("registration that is turned off returns 403; login at the same path works", async () => {
  await register();
  const closed = await startNode(database, { REGISTRATION: "off", LOGIN_RATE: 0 });
  closed.auth.stop();
  const to = appOf(closed);
  const late = { email: `late${email}`, password: PASSWORD, password2: PASSWORD };
  expect((await post("/account/reg/", late, { to })).json).toMatchObject({
    status: 403,
    code: "registration_off",
  });
  expect((await post("/account/reg/", { email, password: PASSWORD }, { to })).status).toBe(200);
});

test("a forged Host header does not change the token", async () => {
  await register();
  const { json } = await post(
    "/account/login/",
    { email, password: PASSWORD },
    { headers: { host: "evil.example" } },
  );
  expect(decodeJwt(json.access).iss).toBe(node.meta.instance);
});

test("the key set is public", async () => {
  const { status, json, headers } = await call("GET", "/.well-known/jwks.json");
  expect(status).toBe(200);
  expect(json).toEqual(await node.auth.jwks());
  expect(headers.get("cache-control")).toBe("public, max-age=60");
});

test("other routes get the caller's identity and address", async () => {
  const { access: token } = await register();
  expect((await call("GET", "/address/", { token, address: "2001:db8::1" })).json).toEqual({
    address: "2001:db8::1",
    username: `person${people}`,
  });
  expect((await call("GET", "/address/")).status).toBe(401);
});

describe("a failure", () => {
  test("of the server returns a 500 without details, and logs none of the database's data", async () => {
    const { status, json, text } = await call("GET", "/fails?token=abc");
    expect([status, json.code]).toEqual([500, "internal"]);
    expect(text).not.toContain(SECRET);
    expect(logged).toContain('"path":"/fails"');
    expect(logged).not.toContain(SECRET);
    expect(logged).not.toContain("abc");
  });

  test("of the database to respond in time returns 503", async () => {
    const { status, json, headers } = await call("GET", "/slow");
    expect([status, json.code, headers.get("retry-after")]).toEqual([503, "unavailable", "2"]);
  });

  test("for lack of capacity returns 503 with a time for the retry", async () => {
    const { status, json, headers } = await call("GET", "/full");
    expect([status, json.retryable, json.retryAfterMs, headers.get("retry-after")]).toEqual([
      503,
      true,
      2300,
      "3",
    ]);
  });
});

describe("a page of another origin", () => {
  const origin = "https://app.example.com";

  test("may use the API, without cookies, and read the headers it needs", async () => {
    const { headers } = await call("GET", "/account/me/", { headers: { origin } });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.has("access-control-allow-credentials")).toBeFalse();
    expect(headers.get("access-control-expose-headers")?.split(",")).toEqual([
      "Link",
      "ETag",
      "Retry-After",
      "Parley-Epoch",
      "Parley-Version",
      "Location",
      "Tus-Resumable",
      "Upload-Length",
      "Upload-Offset",
      "Upload-Expires",
    ]);
  });

  test("gets the allowed methods and headers from a preflight", async () => {
    const asking = { origin, "access-control-request-method": "DELETE" };
    const { status, headers } = await call("OPTIONS", "/account/me/", { headers: asking });
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-methods")).toContain("DELETE");
    expect(headers.get("access-control-allow-headers")).toContain("Authorization");
  });

  test("is allowed only if it is in the list of origins", async () => {
    const to = appOf(node, { ALLOWED_ORIGINS: [origin] });
    const allowed = await call("GET", "/account/me/", { to, headers: { origin } });
    expect(allowed.headers.get("access-control-allow-origin")).toBe(origin);
    expect(allowed.headers.get("vary")).toContain("Origin");
    const other = await call("GET", "/account/me/", { to, headers: { origin: "https://evil.example" } });
    expect(other.headers.has("access-control-allow-origin")).toBeFalse();
  });
});

test("every response has headers that forbid sniffing and framing", async () => {
  for (const path of ["/account/me/", "/nothing", "/.well-known/jwks.json", "/fails"]) {
    const { headers } = await call("GET", path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  }
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openApiOf } from "../../src/http/documents/openapi.ts";
import { ADMIN_PARTS, ROOM_ACTIONS } from "../../src/scopes.ts";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { START_MS } from "../support/house.ts";
import { everyRoute } from "../support/routes.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
}, START_MS);
afterAll(() => server.stop());

const call = (target: string, token: string, body?: object) =>
  api(server, target, { token, ...(body && { body }) });

let made = 0;
/** Creates a key with these scopes and returns its token. */
async function keyWith(...scopes: string[]): Promise<string> {
  const { status, body } = await call("POST /api-keys/", ADMIN_TOKEN, { name: `key-${++made}`, scopes });
  expect(status).toBe(201);
  return (body as { token: string }).token;
}

const SCOPES = [
  ...["events", "hooks", "as"],
  ...ADMIN_PARTS.map((part) => `admin:${part}`),
  ...ROOM_ACTIONS.map((action) => `rooms:${action}`),
];
const INCLUDES: Record<string, string> = {
  "rooms:manage": "admin:rooms",
  "rooms:moderate": "admin:moderation",
};
/** A key that may do everything but this, in all rooms and, if it is about a room, also this in other rooms. */
const keyWithout = (scope: string, inRoom: boolean) =>
  keyWith(
    ...SCOPES.filter((other) => other !== scope && other !== INCLUDES[scope]).map((other) =>
      other.startsWith("rooms:") ? `${other}:*` : other,
    ),
    ...(inRoom && scope.startsWith("rooms:") ? [`${scope}:elsewhere-*`] : []),
  );

const ID = crypto.randomUUID();
const document = openApiOf(everyRoute(), "test");
const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { "x-scope": scope, parameters = [] }]) => {
    const asked = parameters
      .filter((one) => one.in === "query" && one.required)
      .map(({ name }) => `${name}=${ID}`);
    const query = asked.length > 0 ? `?${asked.join("&")}` : "";
    return scope === undefined ? [] : [{ method: method.toUpperCase(), path, scope, query }];
  }),
);
const VALUES: Record<string, string> = { room: "order-7", id: "1", emoji: encodeURIComponent("👍") };
const targetOf = ({ method, path, query }: (typeof routes)[number]) =>
  `${method} ${path.replace(/\{(\w+)\}/g, (_, name: string) => VALUES[name] ?? "@nobody")}${query}`;

describe("a key without the scope of a route is refused, whatever else it may do", () => {
  const keys = new Map<string, Promise<string>>();

  test.each(routes.map((route) => [targetOf(route), route.scope]))("%s needs %s", async (target, scope) => {
    const inRoom = target.includes("order-7");
    const token = await keys.getOrInsertComputed(`${scope} ${inRoom}`, () => keyWithout(scope, inRoom));
    const { status, body, headers } = await call(target, token);
    expect([status, body]).toEqual([
      403,
      expect.objectContaining({ code: "scope_missing", retryable: false }),
    ]);
    expect((body as { scope: string }).scope).toStartWith(scope);
    expect(headers.get("www-authenticate")).toContain(`error="insufficient_scope", scope="${scope}"`);
  });

  test("a room that a request creates has to be one of its rooms", async () => {
    const token = await keyWith("rooms:manage:order-*");
    const create = (room?: string) =>
      call("POST /admin/rooms/", token, { kind: "private", ...(room && { room }) });
    expect((await create("order-9")).status).toBe(201);
    expect((await create("invoice-9")).body).toMatchObject({
      code: "scope_missing",
      scope: "rooms:manage:invoice-9",
    });
    // The server would name it.
    expect((await create()).body).toMatchObject({ code: "scope_missing", scope: "rooms:manage:~*" });
    expect(
      (await call("POST /admin/rooms/", await keyWith("rooms:manage:~*"), { kind: "private" })).status,
    ).toBe(201);
  });

  test("which are all the routes of operators", () => {
    expect(routes.filter(({ path }) => path.startsWith("/admin")).length).toBeGreaterThan(30);
    const admin = Object.entries(document.paths).filter(([path]) => path.startsWith("/admin"));
    expect(
      admin
        .flatMap(([, methods]) => Object.values(methods))
        .every(({ security }) => "key" in (security[0] ?? {})),
    ).toBeTrue();
    // A scope of its own, so nobody has to give out `admin` for one of them.
    expect(routes.filter(({ scope }) => scope === "admin")).toEqual([]);
  });
});

test("a key is created, shown once, listed without its token, and revoked", async () => {
  const wanted = {
    name: "orders",
    scopes: ["rooms:read:order-*", "admin:audit"],
    expires: "90d",
    budget: 20,
  };
  const created = await call("POST /api-keys/", ADMIN_TOKEN, wanted);
  const { token, ...key } = created.body as { token: string; expiresAt: string };
  expect(created.status).toBe(201);
  expect(created.headers.get("cache-control")).toBe("no-store");
  expect(token).toMatch(/^parley_[0-9A-Za-z]{38}$/);
  expect(key).toMatchObject({ name: "orders", scopes: wanted.scopes, budget: 20, revokedAt: null });
  for (const path of ["/api-keys/", "/admin/api-keys/"]) {
    const { body, text } = await call(`GET ${path}`, ADMIN_TOKEN);
    expect(body).toContainEqual({ ...key, lastUsedAt: null });
    expect(text).not.toContain(token.slice(0, 20));
  }
  expect((await call("GET /admin/audit/", token)).status).toBe(200);
  const revoked = await call("DELETE /api-keys/orders/?reason=leaked", ADMIN_TOKEN);
  expect(revoked).toMatchObject({ status: 200, body: { keys: [], hooks: [], incomingHooks: [] } });
  expect((await call("GET /admin/audit/", token)).body).toMatchObject({ status: 401, code: "token_invalid" });
  const { body } = await call("GET /admin/audit/?limit=1", ADMIN_TOKEN);
  expect(body).toMatchObject([
    { action: "api_key.revoke", target: "orders", actor: "ADMIN_TOKEN", reason: "leaked" },
  ]);
});

describe("what was created with a revoked key", () => {
  interface Hook {
    readonly id: string;
  }
  const named = async (name: string, creator = ADMIN_TOKEN) =>
    (
      (await call("POST /api-keys/", creator, { name, scopes: ["admin:keys", "hooks", "rooms:read:*"] }))
        .body as { token: string }
    ).token;
  const hookOf = async (token: string, name: string) =>
    (
      (await call("POST /hooks/", token, { name, url: "https://shop.example.com/", rooms: ["a"] }))
        .body as Hook
    ).id;
  const incomingOf = async (token: string, name: string) =>
    ((await call("POST /incoming-hooks/", token, { room: "builds", name })).body as Hook).id;
  const idsOf = async (path: string) =>
    ((await call(`GET ${path}`, ADMIN_TOKEN)).body as unknown as (Hook & { revokedAt?: string | null })[])
      .filter(({ revokedAt }) => !revokedAt)
      .map(({ id }) => id);

  test("is named and works on, unless the revocation includes it", async () => {
    const own = { hook: await hookOf(ADMIN_TOKEN, "own"), incoming: await incomingOf(ADMIN_TOKEN, "Own") };
    const stolen = await named("stolen");
    const child = await named("child", stolen);
    const grandchild = await named("grandchild", child);
    const [hook, later] = [await hookOf(stolen, "of stolen"), await hookOf(grandchild, "of grandchild")];
    const incoming = await incomingOf(child, "CI");
    const made = {
      keys: ["child", "grandchild"],
      hooks: [
        { id: hook, name: "of stolen" },
        { id: later, name: "of grandchild" },
      ],
      incomingHooks: [{ id: incoming, name: "CI", room: "builds" }],
    };

    expect(await call("DELETE /api-keys/stolen/", ADMIN_TOKEN)).toMatchObject({ status: 200, body: made });
    expect((await call("GET /hooks/", stolen)).body).toMatchObject({ code: "token_invalid" });
    expect((await call("GET /hooks/", grandchild)).status).toBe(200);
    expect(await idsOf("/hooks/")).toEqual([own.hook, hook, later]);
    expect((await call("DELETE /api-keys/stolen/", ADMIN_TOKEN)).body).toMatchObject({ code: "not_found" });

    // It ends also what was created in the moment in which the key was revoked.
    const all = await call("DELETE /api-keys/stolen/?cascade=true&reason=theft", ADMIN_TOKEN);
    expect(all).toMatchObject({ status: 200, body: made });
    for (const token of [child, grandchild])
      expect((await call("GET /hooks/", token)).body).toMatchObject({ code: "token_invalid" });
    expect(await idsOf("/hooks/")).toEqual([own.hook]);
    expect(await idsOf("/incoming-hooks/")).toEqual([own.incoming]);
    const audit = (await call("GET /admin/audit/?limit=5", ADMIN_TOKEN)).body as unknown as object[];
    expect(audit.toReversed()).toMatchObject(
      [
        ["api_key.revoke", "child"],
        ["api_key.revoke", "grandchild"],
        ["hook.delete", hook],
        ["hook.delete", later],
        ["incoming_hook.revoke", incoming],
      ].map(([action, target]) => ({ action, target, actor: "ADMIN_TOKEN", reason: "theft" })),
    );
    const again = await call("DELETE /api-keys/stolen/?cascade=true", ADMIN_TOKEN);
    expect(again.body).toMatchObject({ keys: [], hooks: [], incomingHooks: [] });
  });
});

test.each([
  [{ name: "x" }, "scopes"],
  [{ name: "x", scopes: [] }, "scopes"],
  [{ name: "x", scopes: ["everything"] }, "scopes"],
  [{ name: "x", scopes: ["events"], expires: "soon" }, "expires"],
  [{ name: "x", scopes: ["events"], budget: 1000 }, "budget"],
  [{ name: "x y", scopes: ["events"] }, "name"],
  [{ name: "x", scopes: ["events"], admin: true }, "admin"],
])("%p is refused", async (body, field) =>
  expect((await call("POST /api-keys/", ADMIN_TOKEN, body)).body).toMatchObject({
    code: "invalid",
    errors: { [field]: expect.any(Array) },
  }),
);

describe("a key that may create keys creates none that may do more than itself", () => {
  const create = (token: string, more: object) =>
    call("POST /api-keys/", token, { name: `key-${++made}`, ...more });

  test.each([
    [{ scopes: ["admin"] }],
    [{ scopes: ["events"] }],
    [{ scopes: ["admin:keys", "as"] }],
    [{ scopes: ["rooms:post:order-7"] }],
    [{ scopes: ["rooms:read:*"] }],
    [{ scopes: ["rooms:read:order*"] }],
    [{ scopes: ["admin:keys"], budget: 11 }],
  ])("not %p", async (more) => {
    const token = await keyWith("admin:keys", "rooms:read:order-*");
    expect((await create(token, more)).body).toMatchObject({ status: 403, code: "forbidden" });
  });

  test("but what is within its own scopes, and for no longer", async () => {
    const parent = await call("POST /api-keys/", ADMIN_TOKEN, {
      ...{ name: "parent", scopes: ["admin:keys", "rooms:read:order-*"], expires: "1h" },
    });
    const { token, expiresAt } = parent.body as { token: string; expiresAt: string };
    for (const expires of [undefined, "30d"])
      expect((await create(token, { scopes: ["rooms:read:order-7"], expires })).body).toMatchObject({
        expiresAt,
      });
    const short = (await create(token, { scopes: ["admin:keys"], expires: "1m" })).body as {
      expiresAt: string;
    };
    expect(Date.parse(short.expiresAt)).toBeLessThan(Date.parse(expiresAt));
  });
});

test("without a key, or with a person's token, the routes for keys are closed, with and without a slash", async () => {
  for (const path of ["/api-keys", "/api-keys/", "/api-keys/orders", "/api-keys/orders/"])
    for (const method of path.includes("orders") ? ["DELETE"] : ["GET", "POST"]) {
      expect((await api(server, `${method} ${path}`)).body).toMatchObject({ code: "token_missing" });
      expect((await call(`${method} ${path}`, "eyJhbGciOiJub25lIn0.e30.")).body).toMatchObject({
        code: "token_invalid",
      });
    }
});

describe("a key with every scope", () => {
  test("opens no socket, in a header, a subprotocol or the address", async () => {
    const token = await keyWith("admin");
    const upgrade = {
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    };
    for (const [query, headers] of [
      ["", { authorization: `Bearer ${token}` }],
      [`?token=${token}`, {}],
    ] as const) {
      const { status, body } = await api(server, `GET /ws/chat/lobby/${query}`, {
        headers: { ...upgrade, ...headers },
      });
      expect([status, body]).toEqual([401, expect.objectContaining({ code: "token_invalid" })]);
    }
  });

  test("is not read from an address", async () => {
    const token = await keyWith("admin");
    for (const name of ["token", "key", "access_token"])
      expect((await api(server, `GET /admin/audit/?${name}=${token}`)).body).toMatchObject({
        code: "token_missing",
      });
  });
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// A page of another origin can read history and post (CORS, Fetch standard), without cookies.

const APP = "https://app.example.com";
const EVIL = "https://evil.example.com";
let open: TestServer;
let strict: TestServer;
let ada: Person;

beforeAll(async () => {
  ({ server: open, ada } = await house());
  strict = await startTestServer({ ALLOWED_ORIGINS: APP });
}, START_MS);
afterAll(() => strict.stop());

const preflight = (server: TestServer, origin: string, method: string, path: string) =>
  api(server, `OPTIONS ${path}`, {
    headers: {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,content-type",
    },
  });
const names = (list: string | null) => (list ?? "").toLowerCase().split(/, */);

test.each([
  ["GET", "/history/global/"],
  ["POST", "/rooms/global/messages/"],
  ["POST", "/account/login/"],
])("a preflight for %s %s allows the request, without credentials", async (method, path) => {
  const { status, headers } = await preflight(open, EVIL, method, path);
  expect(status).toBe(204);
  expect(headers.get("access-control-allow-origin")).toBe("*");
  expect(headers.get("access-control-allow-credentials")).toBeNull();
  expect(names(headers.get("access-control-allow-methods"))).toContain(method.toLowerCase());
  expect(names(headers.get("access-control-allow-headers"))).toEqual(
    expect.arrayContaining(["authorization", "content-type"]),
  );
});

test("a page of another origin can read the headers that it needs from a response, a 304 and an error", async () => {
  const read = (token: string, headers = {}) =>
    api(open, "GET /history/global/", { token, headers: { origin: APP, ...headers } });
  const page = await read(ada.token);
  const unchanged = await read(ada.token, { "if-none-match": page.headers.get("etag") ?? "" });
  const refused = await read("garbage");
  expect([page.status, unchanged.status, refused.status]).toEqual([200, 304, 401]);
  for (const { headers } of [page, unchanged, refused]) {
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(names(headers.get("access-control-expose-headers"))).toEqual(
      expect.arrayContaining(["link", "etag", "retry-after", "parley-epoch", "parley-version"]),
    );
  }
});

test("with a list of origins, only those are allowed, and Vary names Origin", async () => {
  const allowed = await preflight(strict, APP, "GET", "/history/global/");
  expect(allowed.headers.get("access-control-allow-origin")).toBe(APP);
  expect(names(allowed.headers.get("vary"))).toContain("origin");
  const refused = await preflight(strict, EVIL, "GET", "/history/global/");
  expect(refused.headers.get("access-control-allow-origin")).toBeNull();
  const answer = await api(strict, "GET /history/global/", { headers: { origin: EVIL } });
  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  expect(answer.status).toBe(401);
});

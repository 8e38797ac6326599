import { beforeAll, expect, test } from "bun:test";
import { decodeJwt } from "jose";
import { api } from "../support/api.ts";
import { house, START_MS } from "../support/house.ts";
import { PASSWORD, type Person } from "../support/people.ts";
import { openRaw } from "../support/raw.ts";
import type { TestServer } from "../support/server.ts";

// Requests that nobody sends by mistake. Every response is a problem document, and the server stays up.

let server: TestServer;
let ada: Person;

beforeAll(async () => {
  ({ server, ada } = await house());
}, START_MS);

const POSTS = [
  "/account/reg/",
  "/account/login/",
  "/account/refresh/",
  "/account/logout/",
  "/account/password/",
  "/rooms/global/messages/",
];

test.each<[string, string | Uint8Array, Record<string, string>, number, string]>([
  ["malformed JSON", '{"email":', {}, 400, "malformed"],
  ["an empty body", "", {}, 400, "malformed"],
  ["a JSON list", "[]", {}, 400, "malformed"],
  ["a JSON number", "5", {}, 400, "malformed"],
  ["a JSON string", '"text"', {}, 400, "malformed"],
  ["a JSON null", "null", {}, 400, "malformed"],
  ["two objects", "{}{}", {}, 400, "malformed"],
  ["bytes that are not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), {}, 400, "malformed"],
  ["JSON nested 20,000 deep", "[".repeat(20_000), {}, 400, "malformed"],
  ["a form", "a=b", { "content-type": "application/x-www-form-urlencoded" }, 415, "unsupported_media_type"],
  ["JSON declared as text", "{}", { "content-type": "text/plain" }, 415, "unsupported_media_type"],
  [
    "a type that resembles JSON",
    "{}",
    { "content-type": "application/jsonx" },
    415,
    "unsupported_media_type",
  ],
  ["a body over the limit", JSON.stringify({ x: "x".repeat(70_000) }), {}, 413, "too_large"],
  ["a body far over the limit", "x".repeat(2_000_000), {}, 413, "too_large"],
])("%s is rejected at every address that takes a body", async (_, body, headers, status, code) => {
  for (const path of POSTS) {
    const answer = await api(server, `POST ${path}`, { token: ada.token, body, headers });
    expect({ path, status: answer.status }).toEqual({ path, status });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ code, retryable: false });
  }
});

test("a body without Content-Length is limited too", async () => {
  const body = new ReadableStream({
    start(controller) {
      for (let chunk = 0; chunk < 100; chunk++) controller.enqueue(Buffer.alloc(1_000, "x"));
      controller.close();
    },
  });
  const answer = await api(server, "POST /rooms/global/messages/", { token: ada.token, body });
  expect(answer.status).toBe(413);
  expect(answer.body).toMatchObject({ code: "too_large" });
});

test.each<[string, (text: string) => Record<string, unknown>, string]>([
  [
    "POST /account/reg/",
    (text) => ({ email: `a${text}@example.com`, password: PASSWORD, password2: PASSWORD }),
    "email",
  ],
  [
    "POST /account/reg/",
    (text) => ({ email: "new@example.com", password: PASSWORD + text, password2: PASSWORD + text }),
    "password",
  ],
  [
    "POST /account/reg/",
    (text) => ({ email: "new@example.com", password: PASSWORD, password2: PASSWORD, username: `n${text}` }),
    "username",
  ],
  ["POST /account/login/", (text) => ({ email: `a${text}@example.com`, password: PASSWORD }), "email"],
  ["POST /account/login/", (text) => ({ email: "ada@example.com", password: PASSWORD + text }), "password"],
  ["POST /account/refresh/", (text) => ({ refresh: `a${text}` }), "refresh"],
  ["POST /account/logout/", (text) => ({ refresh: `a${text}` }), "refresh"],
  [
    "POST /account/password/",
    (text) => ({ password: PASSWORD + text, new: PASSWORD, new2: PASSWORD }),
    "password",
  ],
  [
    "POST /account/password/",
    (text) => ({ password: PASSWORD, new: PASSWORD + text, new2: PASSWORD + text }),
    "new",
  ],
  ["POST /rooms/global/messages/", (text) => ({ content: `a${text}` }), "content"],
])("%s rejects NUL and lone surrogates in %s", async (target, fields, field) => {
  for (const text of ["\0", "\ud800", "\udc00\ud800"]) {
    // JSON.stringify escapes lone surrogates, so they survive UTF-8.
    const answer = await api(server, target, { token: ada.token, body: fields(text) });
    expect(answer.status).toBe(400);
    expect(Object.keys((answer.body as { errors: object }).errors)).toEqual([field]);
  }
});

test.each(["__proto__", "constructor", "toString"])(
  "a field named %s is refused, and has no effect",
  async (name) => {
    const body = `{"content":"hello","${name}":{"status":500,"duplicate":true}}`;
    const answer = await api(server, "POST /rooms/global/messages/", { token: ada.token, body });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "invalid", errors: { [name]: ["is not known"] } });
    expect(({} as { duplicate?: boolean }).duplicate).toBeUndefined();
  },
);

const raw = async (...lines: string[]) => {
  const connection = await openRaw(server);
  connection.socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = await connection.answer();
  connection.end();
  return answer;
};

test("a forged Host header changes neither tokens nor links", async () => {
  for (const content of ["one", "two"])
    await api(server, "POST /rooms/hosts/messages/", { token: ada.token, body: { content } });
  const headers = {
    host: "evil.example.com",
    "x-forwarded-host": "evil.example.com",
    forwarded: "host=evil.example.com",
  };
  const login = { email: ada.email, password: PASSWORD };
  const { status, body } = await api(server, "POST /account/login/", { headers, body: login });
  expect(status).toBe(200);
  const { access } = body as { access: string };
  expect(decodeJwt(access).iss).toBe(decodeJwt(ada.token).iss as string);
  const page = await api(server, "GET /history/hosts/?limit=1", { token: access, headers });
  expect(page.status).toBe(200);
  expect(page.headers.get("link")).toBe('</history/hosts/?before=2&limit=1>; rel="prev"');
  expect(JSON.stringify([...page.headers])).not.toContain("evil");
});

test.each<[string, string[], number[]]>([
  ["an invalid Host", ["GET /healthz HTTP/1.1", "Host: ["], [200, 400]],
  ["a Host with a space", ["GET /healthz HTTP/1.1", "Host: a b"], [200, 400]],
  ["an empty Host", ["GET /healthz HTTP/1.1", "Host:"], [200]],
  ["no Host", ["GET /healthz HTTP/1.1"], [400]],
  ["two Hosts", ["GET /healthz HTTP/1.1", "Host: a", "Host: b"], [400]],
  ["the same Host twice", ["GET /healthz HTTP/1.1", "Host: a", "Host: a"], [400]],
  ["two Hosts on a socket's path", ["GET /ws/chat/a/ HTTP/1.1", "Host: a", "Host: b"], [400]],
  ["a Host with a path", ["GET /healthz HTTP/1.1", "Host: a/ws/"], [200, 400]],
  ["a Host with an invalid port", ["GET /healthz HTTP/1.1", "Host: a:99999"], [200, 400]],
  ["a path that starts with two slashes", ["GET //evil.example.com/healthz HTTP/1.1", "Host: a"], [404]],
  [
    "an absolute URL as its target",
    ["GET http://evil.example.com/healthz HTTP/1.1", "Host: a"],
    [200, 400, 404],
  ],
  ["an invalid Host on a socket's path", ["GET /ws/chat/a/ HTTP/1.1", "Host: ["], [400, 426]],
])("%s causes no server fault", async (_, lines, statuses) => {
  const { status, body } = await raw(...lines);
  expect(status).toBeOneOf(statuses);
  expect(body).not.toMatch(/error:|\.ts\b|stack/i);
});

// A proxy in front might see another request in these bytes than the server does.
test.each<[string, string[]]>([
  ["a length and chunks", ["Content-Length: 5", "Transfer-Encoding: chunked"]],
  ["two lengths", ["Content-Length: 5", "Content-Length: 40"]],
  ["a length with a sign", ["Content-Length: +5"]],
  ["a length whose name ends with a space", ["Content-Length : 5"]],
  ["an unknown transfer encoding", ["Content-Length: 5", "Transfer-Encoding: xchunked"]],
])("a request with %s is refused, and what follows it is no request", async (_, lengths) => {
  const connection = await openRaw(server);
  const head = ["POST /account/login/ HTTP/1.1", "Host: a", "Content-Type: application/json", ...lengths];
  connection.socket.write(`${head.join("\r\n")}\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect((await connection.answer()).status).toBe(400);
  await expect(connection.answer()).rejects.toThrow("ended with 0 unread bytes");
});

// Load balancers probe with HTTP/1.0, which has no Host: HAProxy's `option httpchk GET /readyz` does.
test.each(["/healthz", "/readyz", "/", "/history/hosts/", "/ws/chat/a/"])(
  "HTTP/1.0 without a Host reaches %s like HTTP/1.1",
  async (path) => {
    const old = await raw(`GET ${path} HTTP/1.0`);
    const now = await raw(`GET ${path} HTTP/1.1`, "Host: a");
    expect([old.status, old.body]).toEqual([now.status, now.body]);
  },
);

test.each(["/healthz", "/readyz", "/", "/docs", "/history/hosts/", "/nothing"])(
  "HEAD %s announces the length that GET has, and sends no body",
  async (path) => {
    const connection = await openRaw(server);
    connection.socket.write(`HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const head = await connection.read((bytes) => {
      const end = bytes.indexOf("\r\n\r\n") + 4;
      return end < 4 ? undefined : { value: bytes.toString("latin1", 0, end), length: end };
    });
    const { status, headers } = await raw(`GET ${path} HTTP/1.1`, "Host: a");
    expect(head).toStartWith(`HTTP/1.1 ${status} `);
    expect(/content-length: (\d+)/i.exec(head)?.[1]).toBe(headers.get("content-length") ?? "");
    // The next response follows at once: there was no body.
    connection.socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await connection.answer()).status).toBe(200);
    connection.end();
  },
);

test.each([
  "GET /",
  "GET /docs",
  "GET /openapi.json",
  "GET /healthz",
  "GET /account/me/",
  "GET /nothing",
  "GET /chunk-gone.js",
  "GET /ws/",
  "GET /ws/nothing",
  "OPTIONS /account/login/",
])("no browser sniffs, frames, or runs foreign scripts in the response to %s", async (target) => {
  const { headers } = await raw(`${target} HTTP/1.1`, "Host: a");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  const policy = headers.get("content-security-policy")?.split("; ");
  expect(policy).toEqual(
    expect.arrayContaining(["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]),
  );
});

test.each(["/", "/account/login/", "/ws/"])("TRACE %s is refused and repeats no secrets", async (path) => {
  const { status, body } = await raw(`TRACE ${path} HTTP/1.1`, "Host: a", "Cookie: secret=1");
  expect(status).toBeOneOf([404, 405, 426]);
  expect(body).not.toContain("secret");
});

test("a refused Host has these headers too", async () => {
  const { status, headers } = await raw("GET / HTTP/1.1", "Host: a", "Host: b");
  expect(status).toBe(400);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
});

test("none of these requests caused a server fault", () => {
  expect(server.log.filter(({ level }) => level >= 50)).toEqual([]);
});

import { beforeAll, describe, expect, test } from "bun:test";
import { type Answer, api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

const MESSAGES = 150;
let server: TestServer;
let ada: Person;

beforeAll(async () => {
  ({ server, ada } = await house());
  const socket = await connect(server, { room: "café", token: ada.token });
  const sent = Array.from({ length: MESSAGES }, (_, index) =>
    socket.ask({ type: "send", clientId: crypto.randomUUID(), content: `message ${index + 1}` }),
  );
  for (const reply of await Promise.all(sent)) expect(reply).toMatchObject({ type: "ok" });
  socket.close();
}, START_MS);

const history = (query = "", headers: Record<string, string> = {}) =>
  api(server, `GET /history/caf%C3%A9/${query}`, { token: ada.token, headers });
const idsOf = ({ body }: Answer) => (body as { id: number }[]).map(({ id }) => id);
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);
const link = (query: string, rel: string) => `</history/caf%C3%A9/?${query}>; rel="${rel}"`;

test.each<[string, number, number, string | null]>([
  ["", 51, 150, link("before=51&limit=100", "prev")],
  ["?limit=10", 141, 150, link("before=141&limit=10", "prev")],
  ["?limit=1000", 1, 150, null],
  [
    "?before=141&limit=10",
    131,
    140,
    `${link("before=131&limit=10", "prev")}, ${link("after=140&limit=10", "next")}`,
  ],
  ["?before=11&limit=20", 1, 10, link("after=10&limit=20", "next")],
  ["?before=9007199254740991&limit=5", 146, 150, link("before=146&limit=5", "prev")],
  ["?after=0&limit=10", 1, 10, link("after=10&limit=10", "next")],
  ["?after=140", 141, 150, link("before=141&limit=100", "prev")],
  ["?after=10&limit=5", 11, 15, `${link("before=11&limit=5", "prev")}, ${link("after=15&limit=5", "next")}`],
  [
    "?around=75&limit=10",
    70,
    79,
    `${link("before=70&limit=10", "prev")}, ${link("after=79&limit=10", "next")}`,
  ],
  ["?around=1&limit=10", 1, 5, link("after=5&limit=10", "next")],
])("the page %s has messages %d to %d and links to its neighbours", async (query, first, last, links) => {
  const answer = await history(query);
  expect(answer.status).toBe(200);
  expect(idsOf(answer)).toEqual(range(first, last));
  expect(answer.headers.get("link")).toBe(links);
});

test.each(["?before=1", "?after=150", "?after=9007199254740991"])("the page %s is empty", async (query) => {
  const answer = await history(query);
  expect({ status: answer.status, body: answer.body, link: answer.headers.get("link") }).toEqual({
    status: 200,
    body: [],
    link: null,
  });
});

test("following the links yields every message of the room once, forwards and backwards", async () => {
  for (const [start, rel] of [
    ["?limit=40", "prev"],
    ["?after=0&limit=40", "next"],
  ] as const) {
    const pages: number[][] = [];
    for (let next: string | undefined = start; next !== undefined;) {
      const answer = await history(next);
      pages.push(idsOf(answer));
      next = new RegExp(`<[^?]*([^>]*)>; rel="${rel}"`).exec(answer.headers.get("link") ?? "")?.[1];
    }
    expect((rel === "prev" ? pages.reverse() : pages).flat()).toEqual(range(1, MESSAGES));
  }
});

// A page of 1,000 long messages used to take 16 MB, and a reader could ask for forty of them at once.
test("a page ends before it exceeds a megabyte, and its links lead to the rest", async () => {
  const LONG = 90;
  const socket = await connect(server, { room: "long", token: ada.token });
  const content = "\u{1f600}".repeat(4_000);
  const sent = Array.from({ length: LONG }, () =>
    socket.ask({ type: "send", clientId: crypto.randomUUID(), content }),
  );
  for (const reply of await Promise.all(sent)) expect(reply).toMatchObject({ type: "ok" });
  socket.close();
  for (const [start, rel] of [
    ["?limit=1000", "prev"],
    ["?after=0&limit=1000", "next"],
  ] as const) {
    const pages: number[][] = [];
    for (let next: string | undefined = start; next !== undefined;) {
      const answer = await api(server, `GET /history/long/${next}`, { token: ada.token });
      expect(Buffer.byteLength(answer.text)).toBeLessThanOrEqual(1024 * 1024);
      pages.push(idsOf(answer));
      next = new RegExp(`<[^?]*([^>]*)>; rel="${rel}"`).exec(answer.headers.get("link") ?? "")?.[1];
    }
    expect(pages.map(({ length }) => length)).toEqual([64, LONG - 64]);
    expect((rel === "prev" ? pages.reverse() : pages).flat()).toEqual(range(1, LONG));
  }
});

describe("a message in history", () => {
  test("has its id, version, room, sender, text, time and client id, but no email", async () => {
    const answer = await history("?limit=1");
    expect(answer.body).toEqual([
      {
        id: 150,
        version: 150,
        room: "café",
        username: "ada",
        user: { id: expect.stringMatching(/^u_/) },
        content: "message 150",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        clientId: expect.stringMatching(/^[\da-f-]{36}$/),
      },
    ]);
  });
});

test("a page names its epoch and version, and caches must revalidate it", async () => {
  const { headers } = await history();
  expect(headers.get("parley-version")).toBe("150");
  expect(headers.get("parley-epoch")).toMatch(/^[\w-]+$/);
  expect(headers.get("cache-control")).toBe("private, no-cache");
  expect(headers.get("vary")).toContain("Authorization");
  expect(headers.get("content-type")).toContain("application/json");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});

test("an unchanged page returns 304 with its headers, a changed page 200", async () => {
  const page = await history("?after=145&limit=100");
  const etag = page.headers.get("etag") ?? "";
  expect(etag).toMatch(/^(W\/)?"[^"]+"$/);
  for (const tags of [etag, `"other", ${etag}`, "*"]) {
    const same = await history("?after=145&limit=100", { "if-none-match": tags });
    expect({ status: same.status, text: same.text }).toEqual({ status: 304, text: "" });
    for (const name of ["etag", "link", "parley-epoch", "parley-version", "cache-control", "vary"])
      expect(same.headers.get(name)).toBe(page.headers.get(name));
  }
  const other = await history("?limit=2", { "if-none-match": etag });
  expect(other.status).toBe(200);
  const socket = await connect(server, { token: ada.token });
  const room = "changing";
  const send = (content: string) =>
    socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content });
  const read = (headers = {}) => api(server, `GET /history/${room}/`, { token: ada.token, headers });
  expect(await send("one")).toMatchObject({ type: "ok", id: 1 });
  const before = (await read()).headers.get("etag") ?? "";
  expect(await send("two")).toMatchObject({ type: "ok", id: 2 });
  const after = await read({ "if-none-match": before });
  expect({ status: after.status, ids: idsOf(after) }).toEqual({ status: 200, ids: [1, 2] });
  socket.close();
});

test("HEAD returns the headers of GET without the body", async () => {
  const { status, headers, text } = await api(server, "HEAD /history/caf%C3%A9/", { token: ada.token });
  expect({ status, text }).toEqual({ status: 200, text: "" });
  expect(headers.get("parley-version")).toBe("150");
});

test.each<[string, string[]]>([
  ["?before=0", ["before"]],
  ["?before=-1", ["before"]],
  ["?after=-1", ["after"]],
  ["?before=ten", ["before"]],
  ["?before=1.5", ["before"]],
  ["?before=1e3", ["before"]],
  ["?before=0x10", ["before"]],
  ["?before=", ["before"]],
  ["?before=+5", ["before"]],
  ["?before=%F0%9D%9F%93", ["before"]],
  ["?before=9007199254740992", ["before"]],
  ["?after=9007199254740993", ["after"]],
  ["?after=99999999999999999999999999", ["after"]],
  ["?limit=0", ["limit"]],
  ["?limit=-5", ["limit"]],
  ["?limit=1001", ["limit"]],
  ["?limit=x", ["limit"]],
  ["?before=5&before=6", ["before"]],
  ["?offset=5", ["offset"]],
  ["?before=5&page=2", ["page"]],
  ["?__proto__=1", ["__proto__"]],
  ["?before=x&limit=y", ["before", "limit"]],
])("%s is rejected with 400, naming the parameters", async (query, fields) => {
  const { status, body, headers } = await history(query);
  expect(status).toBe(400);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({ code: "invalid", status: 400, retryable: false });
  expect(Object.keys((body as { errors: object }).errors)).toEqual(fields);
});

test.each(["?before=5&after=1", "?before=5&around=5", "?after=1&around=5"])(
  "%s is rejected with 400, because the parameters exclude each other",
  async (query) => {
    const { status, body } = await history(query);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid", detail: "before, after and around exclude each other." });
  },
);

import { afterAll, beforeAll, expect, test } from "bun:test";
import { edit, post, react, remove } from "../chat/commands.ts";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { connect, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// Lists of rooms. Each test has its own people, and so its own lists.

let server: TestServer;
/** A server with ROOM_ACCESS=claims. */
let ruled: TestServer;
let provider: Provider;

beforeAll(async () => {
  provider = await startProvider();
  const settings = { ...provider.settings, MESSAGE_RATE: "0", BUDGETS: "0" };
  [server, ruled] = await Promise.all([
    startTestServer({ ...settings, ADMIN_TOKEN }),
    startTestServer({ ...settings, ROOM_ACCESS: "claims" }),
  ]);
}, START_MS);
afterAll(async () => {
  await Promise.all([server.stop(), ruled.stop()]);
  await provider.stop();
});

async function list(token: string, query = "") {
  const { status, body, headers } = await api(server, `GET /rooms/${query}`, { token });
  expect(status).toBe(200);
  const rooms = body as { room: string }[];
  return {
    rooms,
    names: rooms.map(({ room }) => room),
    next: /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1],
  };
}
const one = async (token: string, room: string) =>
  (await api(server, `GET /rooms/${encodeURIComponent(room)}/`, { token })).body;

/** Someone with a socket that has joined no room yet. `rooms` is the claim of their token. */
async function enter(name: string, rooms?: unknown) {
  const token = await provider.tokenOf(name, rooms === undefined ? {} : { rooms });
  return { token, socket: await connect(server, { token }) };
}
async function join(socket: V1Client, ...rooms: string[]): Promise<void> {
  for (const room of rooms) expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
}
async function order(method: "PUT" | "DELETE", room: string, name: string): Promise<void> {
  const target = `${method} /admin/rooms/${room}/bans/${name}/`;
  expect((await api(server, target, { token: ADMIN_TOKEN })).status).toBe(204);
}

test("the list has the rooms that its reader joined or posted to, by name, even without an open socket there", async () => {
  const [ada, ben] = [await enter("ada-1"), await enter("ben-1")];
  expect(await list(ada.token)).toEqual({ rooms: [], names: [], next: undefined });
  for (const room of ["mine-c", "mine-a", "mine-b", "mine-d"]) await post(ben.socket, "hello", room);
  await join(ada.socket, "mine-c", "mine-b");
  await ada.socket.ask({ type: "leave", room: "mine-b" });
  await api(server, "POST /rooms/mine-a/messages/", { token: ada.token, body: { content: "by HTTP" } });
  expect((await list(ada.token)).names).toEqual(["mine-a", "mine-b", "mine-c"]);
  expect((await list(ben.token)).names).toHaveLength(4);
  for (const { socket } of [ada, ben]) socket.close();
});

test("a room is listed with its newest message, the number of people in it, and what is unread", async () => {
  const [ada, ben] = [await enter("ada-2"), await enter("ben-2")];
  await post(ben.socket, "one", "shown");
  await join(ada.socket, "shown");
  await join(ben.socket, "shown");
  const device = await connect(server, { room: "shown", token: ada.token });
  await device.next("synced");
  const ack = await ben.socket.ask({
    type: "send",
    room: "shown",
    clientId: crypto.randomUUID(),
    content: "two",
  });
  const shown = {
    room: "shown",
    kind: "open",
    title: "",
    topic: "",
    archived: false,
    history: "all",
    membersAdd: false,
    receipts: false,
    version: 2,
    role: "member",
    joinedAt: expect.any(String),
    notify: null,
    hidden: false,
    pinned: false,
    last: { id: 2, username: "ben-2", user: { id: "ben-2" }, content: "two", timestamp: ack.timestamp },
    lastActivity: ack.timestamp,
    online: 2,
    lastRead: 1,
    unread: 1,
    threads: 0,
    mentions: 0,
    unreadMore: false,
  };
  expect((await list(ada.token)).rooms).toEqual([shown]);
  expect(await one(ada.token, "shown")).toEqual(shown);

  // The newest message is the last one posted, in its present state. Changes of others do not count.
  expect(await ben.socket.ask({ ...edit(2, "two, edited"), room: "shown" })).toMatchObject({ type: "ok" });
  expect(await ben.socket.ask({ ...react(1, "👍"), room: "shown" })).toMatchObject({ type: "ok" });
  expect(await one(ada.token, "shown")).toEqual({
    ...shown,
    version: 4,
    last: { ...shown.last, content: "two, edited" },
  });
  expect(await ben.socket.ask({ ...remove(2), room: "shown" })).toMatchObject({ type: "ok" });
  expect(await one(ada.token, "shown")).toMatchObject({ last: { id: 2, content: "" }, unread: 0 });
  expect(await ada.socket.ask({ type: "read", room: "shown", id: 2 })).toMatchObject({ type: "ok" });
  expect(await one(ada.token, "shown")).toMatchObject({ lastRead: 2, unread: 0 });
  for (const each of [ada.socket, ben.socket, device]) each.close();
});

test("unread messages are counted up to 100; there may be more", async () => {
  const [ada, ben] = [await enter("ada-3"), await enter("ben-3")];
  await post(ben.socket, "one", "counted");
  await join(ada.socket, "counted");
  await Promise.all(Array.from({ length: 99 }, () => post(ben.socket, "more", "counted")));
  expect(await one(ada.token, "counted")).toMatchObject({ unread: 99, unreadMore: false });
  await post(ada.socket, "my own", "counted");
  expect(await one(ada.token, "counted")).toMatchObject({ unread: 99, unreadMore: false });
  await post(ben.socket, "more", "counted");
  expect(await one(ada.token, "counted")).toMatchObject({ unread: 100, unreadMore: true });
  await Promise.all(Array.from({ length: 100 }, () => post(ben.socket, "more", "counted")));
  expect((await list(ada.token)).rooms).toMatchObject([{ unread: 100, unreadMore: true }]);
  for (const { socket } of [ada, ben]) socket.close();
});

test("the Link header leads through all pages, with each room once", async () => {
  const [ada, ben] = [await enter("ada-4"), await enter("ben-4")];
  const names = ["page-ж", "page-3", "page-5", "page-1", "page-é", "page-4", "page-2"];
  for (const room of names) await post(ben.socket, "hello", room);
  await join(ada.socket, ...names);
  const { names: whole, next: none } = await list(ada.token);
  expect([whole.toSorted(), none]).toEqual([names.toSorted(), undefined]);
  for (const limit of [1, 3, 6]) {
    const walked: string[][] = [];
    for (let query: string | undefined = `?limit=${limit}`; query !== undefined;) {
      const page = await list(ada.token, query);
      walked.push(page.names);
      query = page.next?.replace("/rooms/", "");
    }
    expect(walked.flat()).toEqual(whole);
    expect(walked.slice(0, -1).every((page) => page.length === limit)).toBe(true);
  }
  expect(await list(ada.token, "?limit=7")).toMatchObject({ names: whole, next: undefined });
  expect((await list(ada.token, "?after=page-4")).names).toEqual(whole.slice(whole.indexOf("page-4") + 1));
  expect((await list(ada.token, "?after=page-42")).names).toEqual(whole.slice(whole.indexOf("page-5")));
  const everywhere = await list(ada.token, "?all&after=page-&limit=2");
  expect(everywhere.next).toContain("all");
  expect((await list(ada.token, everywhere.next?.replace("/rooms/", ""))).names).toEqual(whole.slice(2, 4));
  for (const { socket } of [ada, ben]) socket.close();
});

test("?all lists the rooms that the token allows and that its reader is not banned from", async () => {
  const ben = await enter("ben-5");
  for (const room of ["all-1", "all-2", "all-secret"]) await post(ben.socket, "hello", room);
  const everyone = await enter("ada-5");
  expect((await list(everyone.token, "?all=&after=all-&limit=3")).rooms).toMatchObject([
    { room: "all-1", lastRead: null, unread: 0, last: { id: 1, content: "hello" } },
    { room: "all-2" },
    { room: "all-secret" },
  ]);
  const cy = await enter("cy-5", [
    { match: "all-1", allow: ["read", "post"] },
    { match: "all-2", allow: ["read"] },
    { match: "all-secret", allow: ["post"] },
  ]);
  expect((await list(cy.token, "?all&limit=200")).names).toEqual(["all-1", "all-2"]);
  await join(cy.socket, "all-1", "all-2");
  await post(cy.socket, "without reading", "all-secret");
  expect((await list(cy.token)).names).toEqual(["all-1", "all-2"]);
  expect(await one(cy.token, "all-secret")).toMatchObject({ status: 403, code: "forbidden" });

  await order("PUT", "all-1", "cy-5");
  expect((await list(cy.token)).names).toEqual(["all-2"]);
  expect((await list(cy.token, "?all&limit=200")).names).toEqual(["all-2"]);
  expect(await one(cy.token, "all-1")).toMatchObject({ status: 403, code: "forbidden" });
  await order("DELETE", "all-1", "cy-5");
  expect((await list(cy.token, "?all&limit=200")).names).toEqual(["all-1", "all-2"]);
  for (const { socket } of [ben, everyone, cy]) socket.close();
});

test("a ban from a room that someone never joined, and its end, make them no member", async () => {
  const [ben, cy] = [await enter("ben-6"), await enter("cy-6")];
  await post(ben.socket, "before", "never-joined");
  await order("PUT", "never-joined", "cy-6");
  await order("DELETE", "never-joined", "cy-6");
  await post(ben.socket, "meanwhile", "never-joined");
  expect((await list(cy.token)).names).toEqual([]);
  expect(await one(cy.token, "never-joined")).toMatchObject({ lastRead: null, unread: 0 });
  await join(cy.socket, "never-joined");
  // Two messages, the ban and its end.
  expect(await cy.socket.next("joined")).toMatchObject({ lastRead: 4, unread: 0 });
  for (const { socket } of [ben, cy]) socket.close();
});

test("a ban ends the membership: its person joins again after it, and what was posted meanwhile is not unread", async () => {
  const [ben, cy] = [await enter("ben-7"), await enter("cy-7")];
  await post(ben.socket, "before", "returned-to");
  await join(cy.socket, "returned-to");
  await order("PUT", "returned-to", "cy-7");
  await post(ben.socket, "meanwhile", "returned-to");
  expect((await list(cy.token)).names).toEqual([]);
  await order("DELETE", "returned-to", "cy-7");
  expect((await list(cy.token)).names).toEqual([]);
  await join(cy.socket, "returned-to");
  expect((await list(cy.token)).rooms).toMatchObject([{ room: "returned-to", lastRead: 4, unread: 0 }]);
  for (const { socket } of [ben, cy]) socket.close();
});

test("?all does not list a room without messages", async () => {
  const [ada, cy] = [await enter("ada-8"), await enter("cy-8")];
  await order("PUT", "awaited", "cy-8"); // a ban creates the room
  expect((await list(ada.token, "?all&after=awaite&limit=1")).names).not.toContain("awaited");
  const empty = {
    kind: "open",
    title: "",
    topic: "",
    archived: false,
    history: "all",
    membersAdd: false,
    receipts: false,
    version: 0,
    last: null,
    lastActivity: null,
    online: 0,
    role: null,
    joinedAt: null,
    lastRead: null,
    unread: 0,
    threads: 0,
    mentions: 0,
    unreadMore: false,
    notify: null,
    hidden: false,
    pinned: false,
  };
  expect(await one(ada.token, "awaited")).toEqual({ room: "awaited", ...empty, version: 1 });
  expect(await one(ada.token, "never-heard-of")).toEqual({ room: "never-heard-of", ...empty });
  await order("DELETE", "awaited", "cy-8");
  expect((await list(cy.token)).names).toEqual([]);
  for (const { socket } of [ada, cy]) socket.close();
});

/** Walks through all pages. Returns the names of each page and the text of each response, including its Link header. */
async function walk(server: TestServer, token: string, query: string) {
  const pages: string[][] = [];
  const texts: string[] = [];
  for (let target: string | undefined = `/rooms/${query}`; target !== undefined;) {
    const { status, body, text, headers } = await api(server, `GET ${target}`, { token });
    expect(status).toBe(200);
    pages.push((body as { room: string }[]).map(({ room }) => room));
    texts.push(`${text} ${headers.get("link")}`);
    target = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  }
  return { pages, texts };
}

test("closed rooms are named neither by a page nor by its Link, and do not make pages shorter", async () => {
  const ben = await enter("ben-11");
  const names = Array.from({ length: 24 }, (_, index) => `mix-${String(index).padStart(2, "0")}`);
  // Every third room is open, so closed ones lie before, between and after the open ones.
  const open = names.filter((_, index) => index % 3 === 1);
  const nameOf = (room: string) => (open.includes(room) ? `${room}-open` : `${room}-closed`);
  for (const room of names) await post(ben.socket, "hello", nameOf(room));
  const cy = await enter("cy-11", [
    { match: "mix-*-open", allow: ["read"] },
    { match: "mix-*-closed", allow: ["post"] },
  ]);
  for (const limit of [1, 3, 8]) {
    const { pages, texts } = await walk(server, cy.token, `?all&limit=${limit}`);
    expect(pages.flat()).toEqual(open.map(nameOf));
    expect(pages.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
    expect(pages).toHaveLength(Math.ceil(open.length / limit));
    expect(texts.join()).not.toContain("closed");
  }
  // The same for the rooms that someone is a member of, by posting to rooms that they may not read.
  for (const room of names.slice(0, 6))
    if (!open.includes(room)) await post(cy.socket, "hello", nameOf(room));
  await join(cy.socket, ...open.slice(0, 2).map(nameOf));
  const { pages, texts } = await walk(server, cy.token, "?limit=1");
  expect(pages).toEqual(open.slice(0, 2).map((room) => [nameOf(room)]));
  expect(texts.join()).not.toContain("closed");
  for (const { socket } of [ben, cy]) socket.close();
});

test("rooms that someone is banned from are named neither by a page nor by its Link", async () => {
  const [ben, cy] = [await enter("ben-12"), await enter("cy-12", [{ match: "gone-*", allow: ["read"] }])];
  const names = ["gone-1", "gone-2", "gone-3", "gone-4", "gone-5"];
  for (const room of names) await post(ben.socket, "hello", room);
  await join(cy.socket, ...names);
  for (const room of ["gone-2", "gone-3", "gone-5"]) await order("PUT", room, "cy-12");
  for (const query of ["?limit=1", "?all&limit=1"]) {
    const { pages, texts } = await walk(server, cy.token, query);
    expect(pages).toEqual([["gone-1"], ["gone-4"]]);
    expect(texts.join()).not.toMatch(/gone-[235]/);
  }
  for (const { socket } of [ben, cy]) socket.close();
});

test("patterns match literally but for the star", async () => {
  const ben = await enter("ben-13");
  const names = ["lit", "lit-a", "lit_a", "litXa", "lit-ab", "lit.a"];
  for (const room of names) await post(ben.socket, "hello", room);
  const seen = async (...patterns: string[]) => {
    const rooms = patterns.map((match) => ({ match, allow: ["read"] }));
    const token = await provider.tokenOf("cy-13", { rooms });
    const { pages } = await walk(server, token, "?all");
    for (const room of names)
      expect([room, (await api(server, `GET /rooms/${room}/`, { token })).status]).toEqual([
        room,
        pages.flat().includes(room) ? 200 : 403,
      ]);
    return pages.flat();
  };
  expect(await seen("lit_a")).toEqual(["lit_a"]);
  expect(await seen("lit%")).toEqual([]);
  expect(await seen("%", "_", "lit_", "l_t", "%t")).toEqual([]);
  expect(await seen("lit\\_a", "lit\\", "\\lit", "l\\it", "\\*", "\\")).toEqual([]);
  expect(await seen("lit.a")).toEqual(["lit.a"]);
  expect(await seen("lit-*")).toEqual(["lit-a", "lit-ab"]);
  expect(await seen("*_a", "li*.*")).toEqual(["lit.a", "lit_a"]);
  expect(await seen('"', "{lit}", "lit,", "NULL", "'")).toEqual([]);
  ben.socket.close();
});

test("anyone who may enter nothing cannot tell a server with rooms from an empty one", async () => {
  const without = await provider.tokenOf("cy-15");
  const elsewhere = await provider.tokenOf("cy-16", { rooms: [{ match: "elsewhere-*", allow: ["read"] }] });
  const look = async () => {
    const answers: unknown[] = [];
    for (const token of [without, elsewhere])
      for (const target of [
        "/rooms/",
        "/rooms/?all&limit=1",
        "/rooms/?all&after=l&limit=1",
        "/rooms/?all&like=Layoffs-2026",
        "/rooms/layoffs-2026/",
        "/history/layoffs-2026/",
        "/history/layoffs-2026/?limit=1",
      ]) {
        const { status, text, headers } = await api(ruled, `GET ${target}`, { token });
        const { date: _, ...rest } = Object.fromEntries(headers);
        answers.push([target, status, text, rest]);
      }
    return answers;
  };
  const empty = await look();
  const everything = [{ match: "*", allow: ["read", "post"] }];
  const writer = await connect(ruled, { token: await provider.tokenOf("ben-15", { rooms: everything }) });
  for (const room of ["layoffs-2025", "layoffs-2026", "layoffs-2027"]) await post(writer, "hello", room);
  expect(await look()).toEqual(empty);
  writer.close();
});

test("with ROOM_ACCESS=claims, lists have only what a claim allows", async () => {
  const everything = [{ match: "*", allow: ["read", "post"] }];
  const writer = await connect(ruled, { token: await provider.tokenOf("ben-14", { rooms: everything }) });
  for (const room of ["rule-1", "rule-2", "rule-3", "rule-4"]) await post(writer, "hello", room);
  const without = await provider.tokenOf("cy-14");
  for (const query of ["?all&limit=1", "?limit=1"])
    expect(await walk(ruled, without, query)).toEqual({ pages: [[]], texts: ["[] null"] });
  const rooms = [
    { match: "rule-2", allow: ["read"] },
    { match: "rule-4", allow: ["read"] },
  ];
  const { pages, texts } = await walk(ruled, await provider.tokenOf("cy-14", { rooms }), "?all&limit=1");
  expect(pages).toEqual([["rule-2"], ["rule-4"]]);
  expect(texts.join()).not.toMatch(/rule-[13]/);
  expect((await walk(ruled, await provider.tokenOf("ben-14", { rooms: everything }), "")).pages).toEqual([
    ["rule-1", "rule-2", "rule-3", "rule-4"],
  ]);
  writer.close();
});

test.each<[string, string]>([
  ["?limit=0", "limit"],
  ["?limit=201", "limit"],
  ["?limit=-1", "limit"],
  ["?limit=1.5", "limit"],
  ["?limit=", "limit"],
  ["?limit=ten", "limit"],
  ["?limit=99999999999", "limit"],
  ["?limit=1&limit=2", "limit"],
  ["?after=", "after"],
  ["?after=.hidden", "after"],
  ["?after=a%20b", "after"],
  ["?after=a%00", "after"],
  [`?after=${"a".repeat(65)}`, "after"],
  ["?all&all", "all"],
  ["?mine", "mine"],
  ["?toString=1", "toString"],
])("the list %s is refused with the name of the parameter", async (query, field) => {
  const token = await provider.tokenOf("ada-9");
  const { status, body } = await api(server, `GET /rooms/${query}`, { token });
  expect({ status, body }).toMatchObject({ status: 400, body: { code: "invalid" } });
  expect(Object.keys((body as { errors: object }).errors)).toEqual([field]);
});

test("lists need a token, are not cached, and refuse invalid room names", async () => {
  const token = await provider.tokenOf("ada-10");
  for (const path of ["/rooms/", "/rooms", "/rooms/a/"]) {
    expect((await api(server, `GET ${path}`)).body).toMatchObject({ status: 401, code: "token_missing" });
    expect((await api(server, `GET ${path}`, { token })).headers.get("cache-control")).toBe(
      "private, no-cache",
    );
  }
  expect((await api(server, "GET /rooms/.hidden/", { token })).body).toMatchObject({
    status: 400,
    code: "bad_room",
  });
  expect((await api(server, "PUT /rooms/", { token })).body).toMatchObject({ code: "method_not_allowed" });
});

test("rooms that look like a name are listed, but only those that their reader may enter", async () => {
  const [ada, ben] = [await enter("ada-like"), await enter("ben-like")];
  for (const room of ["Harbour", "harb0ur", "\u04bbarbour", "harbor"]) await post(ada.socket, "hello", room);
  const like = async (token: string, name: string, query = "") =>
    (await list(token, `?like=${encodeURIComponent(name)}${query}`)).names;
  expect(await like(ben.token, "HARBOUR")).toEqual(["Harbour", "harb0ur", "\u04bbarbour"]);
  expect(await like(ben.token, "harbours")).toEqual([]);

  await order("PUT", "Harbour", "ben-like");
  expect(await like(ben.token, "HARBOUR")).toEqual(["harb0ur", "\u04bbarbour"]);
  const { next } = await list(ben.token, "?like=harbour&limit=1");
  expect((await list(ben.token, next?.replace("/rooms/", ""))).names).toEqual(["\u04bbarbour"]);

  const grants = (...rooms: string[]) => rooms.map((match) => ({ match, allow: ["read", "post"] }));
  const eve = await provider.tokenOf("eve-like", { rooms: grants("harb0ur") });
  const cy = await enter("cy-like", grants("*"));
  expect(await like(eve, "harbour")).toEqual(["harb0ur"]);
  expect(await like(cy.token, "harbour")).toContain("Harbour");
  const { status } = await api(server, "GET /rooms/?like=a%20b", { token: ada.token });
  expect(status).toBe(400);
  for (const { socket } of [ada, ben, cy]) socket.close();
});

test("the list by activity has pinned rooms first, leaves out hidden ones, and its cursors lead through it", async () => {
  const [ada, ben] = [await enter("ada-act"), await enter("ben-act")];
  const names = ["act-1", "act-2", "act-3", "act-4", "act-5"];
  for (const room of names) await post(ben.socket, "hello", room);
  await join(ada.socket, ...names);
  const pages = (query = "") => walk(server, ada.token, `?order=activity${query}`);
  const order = names.toReversed();
  for (const limit of [1, 2, 5]) expect((await pages(`&limit=${limit}`)).pages.flat()).toEqual(order);
  await post(ben.socket, "news", "act-2");
  expect((await pages()).pages).toEqual([["act-2", "act-5", "act-4", "act-3", "act-1"]]);

  const prefer = async (room: string, body: object, status = 204) => {
    const target = `PUT /rooms/${room}/members/me/`;
    const answer = await api(server, target, { token: ada.token, body });
    expect([answer.status, body]).toEqual([status, body]);
    return answer.body;
  };
  await prefer("act-1", { pinned: true, notify: "none" });
  await prefer("act-5", { hidden: true });
  expect((await pages("&limit=2")).pages).toEqual([
    ["act-1", "act-2"],
    ["act-4", "act-3"],
  ]);
  expect((await pages("&hidden&limit=3")).pages.flat()).toEqual([
    "act-1",
    "act-2",
    "act-5",
    "act-4",
    "act-3",
  ]);
  expect(await one(ada.token, "act-1")).toMatchObject({ pinned: true, notify: "none", hidden: false });
  expect(await one(ben.token, "act-1")).toMatchObject({ pinned: false, notify: null });
  await post(ben.socket, "come back", "act-5");
  expect((await pages()).pages).toEqual([["act-1", "act-5", "act-2", "act-4", "act-3"]]);

  // Others' tokens and bans narrow it, and no cursor names what they may not see.
  const narrow = await provider.tokenOf("ada-act", { rooms: [{ match: "act-[45]", allow: ["read"] }] });
  expect((await walk(server, narrow, "?order=activity")).pages).toEqual([[]]);
  const some = await provider.tokenOf("ada-act", { rooms: [{ match: "*-4", allow: ["read"] }] });
  const seen = await walk(server, some, "?order=activity&limit=1");
  expect([seen.pages, seen.texts.join().includes("act-5")]).toEqual([[["act-4"]], false]);

  await prefer("act-1", { hidden: true, pinned: true }, 400);
  await prefer("act-1", { muted: true }, 400);
  await prefer("act-1", { notify: "some" }, 400);
  expect(await prefer("act-unknown", { pinned: true }, 404)).toMatchObject({ code: "not_found" });
  for (const query of [
    "order=time",
    "order=activity&all",
    "order=activity&after=a",
    "order=activity&before=x",
    `order=activity&before=${Buffer.from("1 2 a\0b").toString("base64url")}`,
    `order=activity&before=${"A".repeat(600)}`,
    "before=x",
    "hidden",
  ])
    expect([query, (await api(server, `GET /rooms/?${query}`, { token: ada.token })).status]).toEqual([
      query,
      400,
    ]);
  for (const { socket } of [ada, ben]) socket.close();
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { edit, post, react, remove } from "../chat/commands.ts";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { connect, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Lists of rooms. Each test has its own people, and therefore its own lists.

let server: TestServer;
let provider: Provider;

beforeAll(async () => {
  provider = await startProvider();
  server = await startTestServer({ ...provider.settings, MESSAGE_RATE: "0", ADMIN_TOKEN });
}, START_MS);
afterAll(async () => {
  await server.stop();
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

/** Connects a person, in no room yet. */
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

test("the list has the rooms that one has joined or posted in, by name, whether one is there now or not", async () => {
  const [ada, ben] = [await enter("ada-1"), await enter("ben-1")];
  expect(await list(ada.token)).toEqual({ rooms: [], names: [], next: undefined });
  for (const room of ["mine-c", "mine-a", "mine-b", "mine-d"]) await post(ben.socket, "hello", room);
  await join(ada.socket, "mine-c", "mine-b");
  await ada.socket.ask({ type: "leave", room: "mine-b" });
  await api(server, "POST /rooms/mine-a/messages/", { token: ada.token, body: { content: "over HTTP" } });
  await until(async () => (await list(ada.token)).names.length === 3);
  expect((await list(ada.token)).names).toEqual(["mine-a", "mine-b", "mine-c"]);
  await until(async () => (await list(ben.token)).names.length === 4);
  for (const { socket } of [ada, ben]) socket.close();
});

test("a room has its newest message, the number of people in it, and the number of unread messages", async () => {
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
    last: { id: 2, username: "ben-2", content: "two", timestamp: ack.timestamp },
    lastActivity: ack.timestamp,
    online: 2,
    lastRead: 1,
    unread: "1",
  };
  expect((await list(ada.token)).rooms).toEqual([shown]);
  expect(await one(ada.token, "shown")).toEqual(shown);

  // `last` is the message that was posted last. It shows changes of this message, but changes of others do
  // not replace it.
  expect(await ben.socket.ask({ ...edit(2, "two, edited"), room: "shown" })).toMatchObject({ type: "ok" });
  expect(await ben.socket.ask({ ...react(1, "👍"), room: "shown" })).toMatchObject({ type: "ok" });
  expect(await one(ada.token, "shown")).toEqual({
    ...shown,
    last: { ...shown.last, content: "two, edited" },
  });
  expect(await ben.socket.ask({ ...remove(2), room: "shown" })).toMatchObject({ type: "ok" });
  expect(await one(ada.token, "shown")).toMatchObject({ last: { id: 2, content: "" }, unread: "0" });
  expect(await ada.socket.ask({ type: "read", room: "shown", id: 2 })).toMatchObject({ type: "ok" });
  expect(await one(ada.token, "shown")).toMatchObject({ lastRead: 2, unread: "0" });
  for (const each of [ada.socket, ben.socket, device]) each.close();
});

test("unread counts up to 99, then shows 99+", async () => {
  const [ada, ben] = [await enter("ada-3"), await enter("ben-3")];
  await post(ben.socket, "one", "counted");
  await join(ada.socket, "counted");
  await Promise.all(Array.from({ length: 99 }, () => post(ben.socket, "more", "counted")));
  expect(await one(ada.token, "counted")).toMatchObject({ unread: "99" });
  await post(ada.socket, "my own", "counted");
  expect(await one(ada.token, "counted")).toMatchObject({ unread: "99" });
  await post(ben.socket, "more", "counted");
  expect(await one(ada.token, "counted")).toMatchObject({ unread: "99+" });
  await Promise.all(Array.from({ length: 100 }, () => post(ben.socket, "more", "counted")));
  expect((await list(ada.token)).rooms).toMatchObject([{ unread: "99+" }]);
  for (const { socket } of [ada, ben]) socket.close();
});

test("following Link yields each room once", async () => {
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

test("?all lists the rooms that the token allows, except those from which one is banned", async () => {
  const ben = await enter("ben-5");
  for (const room of ["all-1", "all-2", "all-secret"]) await post(ben.socket, "hello", room);
  const everyone = await enter("ada-5");
  expect((await list(everyone.token, "?all=&after=all-&limit=3")).rooms).toMatchObject([
    { room: "all-1", lastRead: null, unread: "0", last: { id: 1, content: "hello" } },
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
  expect((await list(cy.token)).names).toEqual(["all-1", "all-2"]);
  for (const { socket } of [ben, everyone, cy]) socket.close();
});

test("a ban from a room that the person never joined does not make them a member", async () => {
  const [ben, cy] = [await enter("ben-6"), await enter("cy-6")];
  await post(ben.socket, "before", "never-joined");
  await order("PUT", "never-joined", "cy-6");
  await order("DELETE", "never-joined", "cy-6");
  await post(ben.socket, "meanwhile", "never-joined");
  expect((await list(cy.token)).names).toEqual([]);
  expect(await one(cy.token, "never-joined")).toMatchObject({ lastRead: null, unread: "0" });
  await join(cy.socket, "never-joined");
  expect(await cy.socket.next("joined")).toMatchObject({ lastRead: 2, unread: 0 });
  for (const { socket } of [ben, cy]) socket.close();
});

test("a member who was banned is a member again after the ban, with the same read mark", async () => {
  const [ben, cy] = [await enter("ben-7"), await enter("cy-7")];
  await post(ben.socket, "before", "returned-to");
  await join(cy.socket, "returned-to");
  await order("PUT", "returned-to", "cy-7");
  await post(ben.socket, "meanwhile", "returned-to");
  expect((await list(cy.token)).names).toEqual([]);
  await order("DELETE", "returned-to", "cy-7");
  expect((await list(cy.token)).rooms).toMatchObject([{ room: "returned-to", lastRead: 1, unread: "1" }]);
  for (const { socket } of [ben, cy]) socket.close();
});

test("a room without messages is not listed", async () => {
  const [ada, cy] = [await enter("ada-8"), await enter("cy-8")];
  await order("PUT", "awaited", "cy-8"); // A ban on a person who has not joined creates the room.
  expect((await list(ada.token, "?all&after=awaite&limit=1")).names).not.toContain("awaited");
  const empty = { last: null, lastActivity: null, online: 0, lastRead: null, unread: "0" };
  expect(await one(ada.token, "awaited")).toEqual({ room: "awaited", ...empty });
  expect(await one(ada.token, "never-heard-of")).toEqual({ room: "never-heard-of", ...empty });
  await order("DELETE", "awaited", "cy-8");
  expect((await list(cy.token)).names).toEqual([]);
  for (const { socket } of [ada, cy]) socket.close();
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
])("the list %s is rejected, naming the parameter", async (query, field) => {
  const token = await provider.tokenOf("ada-9");
  const { status, body } = await api(server, `GET /rooms/${query}`, { token });
  expect({ status, body }).toMatchObject({ status: 400, body: { code: "invalid" } });
  expect(Object.keys((body as { errors: object }).errors)).toEqual([field]);
});

test("lists require a token, are not cached, and reject invalid room names", async () => {
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
  expect((await api(server, "POST /rooms/", { token })).body).toMatchObject({ code: "method_not_allowed" });
});

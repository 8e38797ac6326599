import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { post } from "./commands.ts";
import { ADMIN_TOKEN } from "./ways.ts";

// Membership: joining or posting begins it, and only leaving for good ends it.

let server: TestServer;
let ben: Person;
/** Ben's socket, which is in no room. */
let writer: V1Client;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
  ben = await register(server, "ben");
  writer = await connect(server, { token: ben.token });
}, START_MS);
afterAll(() => server.stop());

async function list({ token }: Person) {
  const { status, body } = await api(server, "GET /rooms/", { token });
  expect(status).toBe(200);
  return body as { room: string; lastRead: number; unread: string; last: object | null }[];
}
const namesOf = async (person: Person) => (await list(person)).map(({ room }) => room);
const one = async ({ token }: Person, room: string) =>
  (await api(server, `GET /rooms/${room}/`, { token })).body;
const leave = async ({ token }: Person, room: string) =>
  (await api(server, `DELETE /rooms/${encodeURIComponent(room)}/members/me/`, { token })).status;

async function join(socket: V1Client, room: string): Promise<void> {
  expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
}

test("an empty room that someone joined is still listed after their socket is gone", async () => {
  const ada = await register(server, "ada-empty");
  const socket = await connect(server, { token: ada.token });
  await join(socket, "empty");
  socket.close();
  await socket.closed;
  expect(await list(ada)).toMatchObject([{ room: "empty", last: null, lastRead: 0, unread: 0 }]);
  expect((await api(server, "GET /rooms/?all", { token: ada.token })).body).not.toContainEqual(
    expect.objectContaining({ room: "empty" }),
  );
});

test("the room of a socket's URL is joined too, in either protocol", async () => {
  const ada = await register(server, "ada-url");
  const v1 = await connect(server, { room: "url-v1", token: ada.token });
  await v1.next("synced");
  const plain = await connectPlain(server, { room: "url-plain", token: ada.token });
  plain.send({ message: "hello" });
  await plain.next("message");
  expect(await namesOf(ada)).toEqual(["url-plain", "url-v1"]);
  for (const socket of [v1, plain]) socket.close();
});

test("the leave command leaves on one socket; its person stays a member", async () => {
  const ada = await register(server, "ada-command");
  const socket = await connect(server, { token: ada.token });
  await join(socket, "stayed");
  expect(await socket.ask({ type: "leave", room: "stayed" })).toMatchObject({ type: "ok" });
  expect(await namesOf(ada)).toEqual(["stayed"]);
  socket.close();
});

test("neither a read mark nor reading history makes anyone a member", async () => {
  const ada = await register(server, "ada-read");
  for (const content of ["one", "two"]) await post(writer, content, "only-read");
  const socket = await connect(server, { token: ada.token });
  expect(await socket.ask({ type: "history", room: "only-read" })).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "read", room: "only-read", id: 1 })).toMatchObject({ type: "ok" });
  expect(await namesOf(ada)).toEqual([]);
  expect(await one(ada, "only-read")).toMatchObject({ lastRead: null, unread: 0 });
  socket.close();
});

test("a post over HTTP makes its sender a member in the same moment", async () => {
  const ada = await register(server, "ada-http");
  for (const room of ["http-1", "http-2", "http-3"]) {
    const body = { content: "hello" };
    expect((await api(server, `POST /rooms/${room}/messages/`, { token: ada.token, body })).status).toBe(201);
    expect(await namesOf(ada)).toContain(room);
  }
  expect(await one(ada, "http-1")).toMatchObject({ lastRead: 1, unread: 0 });
});

test("leaving for good ends the membership, and takes all sockets of the person out of the room", async () => {
  const ada = await register(server, "ada-leaves");
  const [phone, desk] = [
    await connect(server, { token: ada.token }),
    await connect(server, { token: ada.token }),
  ];
  for (const socket of [phone, desk])
    for (const room of ["left-for-good", "kept"]) {
      await join(socket, room);
      await socket.next("synced");
    }
  const onUrl = await connect(server, { room: "left-for-good", token: ada.token });
  await onUrl.next("synced");
  const plain = await connectPlain(server, { room: "left-for-good", token: ada.token });
  const stranger = await connect(server, { room: "left-for-good", token: ben.token });
  await stranger.next("synced");

  expect(await leave(ada, "left-for-good")).toBe(204);
  expect(await namesOf(ada)).toEqual(["kept"]);
  for (const socket of [phone, desk])
    expect(await socket.next("left")).toEqual({ type: "left", room: "left-for-good", code: 4505 });
  expect(await onUrl.closed).toEqual({ code: 4505, reason: "left" });
  expect((await plain.closed).code).toBe(4505);

  await post(writer, "without ada", "left-for-good");
  await post(writer, "with ada", "kept");
  for (const socket of [phone, desk]) {
    expect(await socket.next("message")).toMatchObject({ room: "kept", content: "with ada" });
    expect(socket.frames.some(({ content }) => content === "without ada")).toBe(false);
  }
  expect(await stranger.next("message")).toMatchObject({ content: "without ada" });
  expect(await namesOf(ben)).toContain("left-for-good");
  for (const socket of [phone, desk, stranger]) socket.close();
});

const again: [string, (ada: Person, room: string) => Promise<unknown>][] = [
  [
    "joining",
    async ({ token }, room) => {
      const socket = await connect(server, { token });
      await join(socket, room);
      socket.close();
    },
  ],
  [
    "opening a socket on its URL",
    async ({ token }, room) => {
      const socket = await connect(server, { room, token });
      await socket.next("synced");
      socket.close();
    },
  ],
  [
    "posting on a socket",
    async ({ token }, room) => {
      const socket = await connect(server, { token });
      await post(socket, "again", room);
      socket.close();
    },
  ],
  [
    "posting over HTTP",
    ({ token }, room) => api(server, `POST /rooms/${room}/messages/`, { token, body: { content: "again" } }),
  ],
];
test.each(again)("after leaving for good, %s makes a member again", async (how, come) => {
  const name = how.split(" ").at(-1)?.toLowerCase() ?? "";
  const ada = await register(server, `ada-again-${name}`);
  const room = `again-${name}`;
  await come(ada, room);
  expect(await namesOf(ada)).toEqual([room]);
  expect(await leave(ada, room)).toBe(204);
  expect(await namesOf(ada)).toEqual([]);
  expect(await one(ada, room)).toMatchObject({ lastRead: null, unread: 0 });
  await come(ada, room);
  expect(await namesOf(ada)).toEqual([room]);
});

test("after leaving and joining again only later messages are unread", async () => {
  const ada = await register(server, "ada-unread");
  const socket = await connect(server, { token: ada.token });
  await join(socket, "unread");
  await post(writer, "one", "unread");
  expect(await list(ada)).toMatchObject([{ room: "unread", lastRead: 0, unread: 1 }]);
  expect(await leave(ada, "unread")).toBe(204);
  await socket.next("left");
  await post(writer, "two", "unread");
  await join(socket, "unread");
  expect(await socket.take("joined", 2)).toMatchObject([
    { lastRead: 0, unread: 0 },
    { lastRead: 2, unread: 0 },
  ]);
  await post(writer, "three", "unread");
  expect(await list(ada)).toMatchObject([{ room: "unread", lastRead: 2, unread: 1 }]);
  socket.close();
});

test("a repeated post does not bring its sender back", async () => {
  const ada = await register(server, "ada-repeat");
  const socket = await connect(server, { token: ada.token });
  const send = { type: "send", room: "repeated", clientId: crypto.randomUUID(), content: "once" };
  expect(await socket.ask(send)).toMatchObject({ type: "ok", id: 1 });
  expect(await leave(ada, "repeated")).toBe(204);
  expect(await socket.ask(send)).toMatchObject({ type: "ok", id: 1, duplicate: true });
  expect(await namesOf(ada)).toEqual([]);
  socket.close();
});

test("leaving a room that one is not in is 204 as well, whether it exists or not", async () => {
  const ada = await register(server, "ada-absent");
  await post(writer, "hello", "not-joined");
  for (const room of ["not-joined", "never-existed", "not-joined"]) expect(await leave(ada, room)).toBe(204);
  expect(await namesOf(ada)).toEqual([]);
  expect(await one(ada, "never-existed")).toMatchObject({ last: null, lastRead: null });
});

test("a leave is refused without a token or a valid room name", async () => {
  const target = "DELETE /rooms/somewhere/members/me/";
  expect((await api(server, target)).body).toMatchObject({ status: 401, code: "token_missing" });
  const { token } = ben;
  expect((await api(server, "DELETE /rooms/.hidden/members/me/", { token })).body).toMatchObject({
    status: 400,
    code: "bad_room",
  });
});

test("a banned member may leave, and is no member once the ban is lifted", async () => {
  const ada = await register(server, "ada-banned");
  const socket = await connect(server, { token: ada.token });
  await join(socket, "left-banned");
  const ban = `/admin/rooms/left-banned/bans/${ada.username}/`;
  expect((await api(server, `PUT ${ban}`, { token: ADMIN_TOKEN })).status).toBe(204);
  expect(await socket.next("left")).toMatchObject({ code: 4503 });
  expect(await leave(ada, "left-banned")).toBe(204);
  expect((await api(server, `DELETE ${ban}`, { token: ADMIN_TOKEN })).status).toBe(204);
  expect(await namesOf(ada)).toEqual([]);
  socket.close();
});

import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import { handshake } from "../support/raw.ts";
import type { TestServer } from "../support/server.ts";

// URLs and frames accept the same room names.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const BAD: [string, string][] = [
  ["a space", "a room"],
  ["a slash", "a/room"],
  ["a backslash", "a\\room"],
  ["a line feed", "a\nroom"],
  ["an escape character", "a\u001broom"],
  ["a leading dot", ".room"],
  ["dots alone", ".."],
  ["65 letters", "x".repeat(65)],
  ["65 letters of two UTF-16 units each", "𝒳".repeat(65)],
  ["thousands of letters", "x".repeat(5_000)],
  ["a right-to-left override", "a\u202eroom"],
  ["a zero-width space", "a\u200broom"],
  ["an emoji", "a🙂"],
  ["a colon", "v1:room"],
];

test.each(BAD)("a room name with %s is rejected on every transport", async (_, room) => {
  const written = encodeURIComponent(room).replace(/^\.+/, (dots) => "%2E".repeat(dots.length));
  const { status, connection } = await handshake(server, `/ws/chat/${written}/?token=${ada.token}`);
  expect(status).toBeOneOf([400, 404]);
  connection.end();
  const path = `/history/${written}/`;
  // URL parsers resolve dot segments, so two dots lead to another address in clients and on the server.
  if (new URL(path, server.url).pathname.startsWith("/history/")) {
    const read = await api(server, `GET ${path}`, { token: ada.token });
    expect(read.status).toBeOneOf([400, 404]);
  }
  const socket = await connect(server, { token: ada.token });
  for (const type of ["join", "leave", "history"]) {
    const reply = await socket.ask({ type, room });
    expect(reply).toMatchObject({
      type: "error",
      code: "invalid",
      message: "room must be 1 to 64 letters, digits, _, - or ., not starting with a dot",
    });
  }
  socket.close();
});

test("a room name can have 64 letters, even of two UTF-16 units each", async () => {
  const socket = await connect(server, { token: ada.token });
  for (const room of ["x".repeat(64), "𝒳".repeat(64)]) {
    expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
    expect((await socket.next("joined")).room).toBe(room);
    const { status } = await api(server, `GET /history/${encodeURIComponent(room)}/`, { token: ada.token });
    expect(status).toBe(200);
  }
  socket.close();
});

test.each([
  "/ws/chat/../history/global/",
  "/ws/chat/%2e%2e/%2e%2e/account/me/",
  "/ws/chat/..%2f..%2fetc%2fpasswd/",
  "/ws/chat/%252e%252e/",
  "/ws/chat/global/../../../account/me/",
  "/history/..%2faccount/",
  "/history/%2e%2e/account/me/",
])("%s gives no access beyond that of its token", async (path) => {
  const { status, body, connection } = await handshake(server, `${path}?token=${ada.token}`);
  expect(status).toBeOneOf([400, 401, 404]);
  expect(body).not.toContain("ada@example.com");
  connection.end();
});

test("names that are equal in NFC are one room, in URLs, frames and history", async () => {
  const [composed, decomposed] = ["na\u00efve", "nai\u0308ve"];
  const adaSocket = await connectPlain(server, { room: composed, token: ada.token });
  const benSocket = await connect(server, { token: ben.token });
  expect(await benSocket.ask({ type: "join", room: decomposed })).toMatchObject({ type: "ok" });
  expect((await benSocket.next("joined")).room).toBe(composed);
  adaSocket.send({ message: "hello" });
  expect((await adaSocket.next("message")).room).toBe(composed);
  expect(await benSocket.next("message")).toMatchObject({ room: composed, content: "hello" });
  for (const name of [composed, decomposed]) {
    const { body } = await api(server, `GET /history/${encodeURIComponent(name)}/`, { token: ben.token });
    expect(body).toMatchObject([{ room: composed, content: "hello" }]);
  }
  adaSocket.close();
  benSocket.close();
});

test("names that differ in case are different rooms", async () => {
  const socket = await connect(server, { token: ada.token });
  for (const room of ["Casement", "casement"])
    expect(
      await socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content: room }),
    ).toMatchObject({ type: "ok", id: 1 });
  socket.close();
});

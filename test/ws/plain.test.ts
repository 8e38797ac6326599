import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connectPlain } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

// What the plain protocol has added since the first version of this service: client ids, and errors that
// carry them.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

test("a message carries its client id; a resend is echoed as a duplicate, only to its own socket", async () => {
  const clientId = crypto.randomUUID();
  const adaSocket = await connectPlain(server, { room: "twice", token: ada.token });
  const benSocket = await connectPlain(server, { room: "twice", token: ben.token });
  adaSocket.send({ message: "once", clientId });
  const message = await adaSocket.next("message");
  expect(message).toMatchObject({ id: 1, message: "once", clientId });
  adaSocket.send({ message: "something else", clientId: clientId.toUpperCase() });
  expect(await adaSocket.next("message")).toEqual({ ...message, duplicate: true });
  adaSocket.send({ message: "next" });
  expect(await adaSocket.next("message")).toMatchObject({ id: 2, message: "next" });
  const [first, second] = await benSocket.take("message", 2);
  expect(first).toEqual(message);
  expect(second).toMatchObject({ id: 2, message: "next" });
  expect(benSocket.frames).toHaveLength(2);
  for (const socket of [adaSocket, benSocket]) socket.close();
});

test("the same message sent twice at once is stored once, and its sender gets two echoes", async () => {
  const clientId = crypto.randomUUID();
  const socket = await connectPlain(server, { room: "breath", token: ada.token });
  for (let times = 0; times < 2; times++) socket.send({ message: "once", clientId });
  const [first, second] = await socket.take("message", 2);
  expect([first, second].filter((message) => message?.duplicate)).toHaveLength(1);
  const { body } = await api(server, "GET /history/breath/", { token: ada.token });
  expect(body).toHaveLength(1);
  socket.close();
});

test("client ids are separate per person and per room", async () => {
  const clientId = crypto.randomUUID();
  const sockets = await Promise.all([
    connectPlain(server, { room: "own", token: ada.token }),
    connectPlain(server, { room: "own", token: ben.token }),
    connectPlain(server, { room: "another", token: ada.token }),
  ]);
  for (const socket of sockets) {
    socket.send({ message: "hello", clientId });
    expect((await socket.next("message")).duplicate).toBeUndefined();
  }
  for (const socket of sockets) socket.close();
});

test("an error carries the clientId of its message, if it was readable", async () => {
  const clientId = crypto.randomUUID();
  const socket = await connectPlain(server, { room: "errors", token: ada.token });
  for (const message of ["", "x".repeat(4001), "x".repeat(20_000), null]) {
    socket.send({ message, clientId });
    expect((await socket.next("error")).error).toMatchObject({ code: "invalid", clientId });
  }
  socket.close();
});

test("unknown fields are ignored", async () => {
  const socket = await connectPlain(server, { room: "fields", token: ada.token });
  socket.send({ message: "hello", username: "ben", room: "elsewhere", id: 99, timestamp: "never" });
  expect(await socket.next("message")).toMatchObject({ id: 1, room: "fields", username: "ada" });
  socket.close();
});

test("a socket without a subprotocol does not understand chat.v1 commands", async () => {
  const socket = await connectPlain(server, { room: "mixed", token: ada.token });
  socket.send({ type: "ping", ref: 1 });
  expect((await socket.next("error")).error).toMatchObject({ code: "invalid" });
  socket.close();
});

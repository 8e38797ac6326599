import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { type Person, register } from "../support/people.ts";
import { handshake } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { ADMIN_TOKEN } from "./ways.ts";

// A banned person cannot read, post or join until the operator lifts the ban.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
  [ada, ben] = await Promise.all([register(server, "ada"), register(server, "ben")]);
});
afterAll(() => server.stop());

async function order(method: "PUT" | "DELETE", room: string, { username } = ben): Promise<void> {
  const target = `${method} /admin/rooms/${encodeURIComponent(room)}/bans/${username}/`;
  expect((await api(server, target, { token: ADMIN_TOKEN })).status).toBe(204);
}
const ban = (room: string) => order("PUT", room);
const unban = (room: string) => order("DELETE", room);

const send = (socket: V1Client, room: string, content = "hello") =>
  socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content });

async function joined(person: Person, ...rooms: string[]): Promise<V1Client> {
  const socket = await connect(server, { token: person.token });
  for (const room of rooms) {
    expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
    await socket.next("synced");
  }
  return socket;
}

test("a socket on /ws/ gets `left` with 4503 and no more messages of the room, and keeps its other rooms", async () => {
  const socket = await joined(ben, "lobby", "garden");
  const writer = await joined(ada, "lobby", "garden");
  await ban("lobby");
  expect(await socket.next("left")).toEqual({ type: "left", room: "lobby", code: 4503 });

  expect(await send(writer, "lobby", "without ben")).toMatchObject({ type: "ok" });
  expect(await send(writer, "garden", "with ben")).toMatchObject({ type: "ok" });
  expect(await socket.next("message")).toMatchObject({ room: "garden", content: "with ben" });
  expect(socket.frames.some(({ content }) => content === "without ben")).toBe(false);
  for (const each of [socket, writer]) each.close();
});

test("all commands and requests about the room are refused", async () => {
  const writer = await joined(ada, "lounge");
  const { id } = await send(writer, "lounge");
  const socket = await joined(ben, "lounge");
  const own = await send(socket, "lounge", "mine");
  await ban("lounge");
  await socket.next("left");

  const clientId = crypto.randomUUID();
  for (const command of [
    { type: "join" },
    { type: "join", since: `${(await writer.next("joined")).epoch}.0` },
    { type: "history" },
    { type: "send", clientId, content: "still here" },
    { type: "edit", clientId, id: own.id, content: "changed" },
    { type: "delete", clientId, id: own.id },
    { type: "react", clientId, id, emoji: "👍", on: true },
  ])
    expect([command, await socket.ask({ room: "lounge", ...command })]).toMatchObject([
      command,
      { type: "error", code: "forbidden", retryable: false },
    ]);

  const { token } = ben;
  for (const [target, body] of [
    ["GET /history/lounge/"],
    ["POST /rooms/lounge/messages/", { content: "still here" }],
    [`PATCH /rooms/lounge/messages/${own.id}/`, { content: "changed" }],
    [`DELETE /rooms/lounge/messages/${own.id}/`],
    [`PUT /rooms/lounge/messages/${id}/reactions/👍/`],
  ] as const)
    expect([target, (await api(server, target, { token, body })).status]).toEqual([target, 403]);
  for (const each of [socket, writer]) each.close();
});

test("a socket on the room's URL is closed with 4503, and a new one is refused", async () => {
  const v1 = await connect(server, { room: "attic", token: ben.token });
  await v1.next("synced");
  const plain = await connectPlain(server, { room: "attic", token: ben.token });
  await ban("attic");
  expect((await v1.closed).code).toBe(4503);
  expect((await plain.closed).code).toBe(4503);

  const again = await connect(server, { room: "attic", token: ben.token });
  expect(await again.next("error")).toMatchObject({ code: "forbidden" });
  expect((await again.closed).code).toBe(4503);
  const { status } = await handshake(server, "/ws/chat/attic/", { Authorization: `Bearer ${ben.token}` });
  expect(status).toBe(403);
});

test("after the ban, its person can resume from their position", async () => {
  const writer = await joined(ada, "yard");
  const socket = await joined(ben, "yard");
  const { epoch } = await socket.next("joined");
  await ban("yard");
  await socket.next("left");
  await send(writer, "yard", "missed");
  await unban("yard");
  expect(await socket.ask({ type: "join", room: "yard", since: `${epoch}.0` })).toMatchObject({ type: "ok" });
  expect(await socket.next("joined")).toMatchObject({ resumed: true });
  expect(await socket.next("message")).toMatchObject({ content: "missed", replay: true });
  expect(await send(socket, "yard")).toMatchObject({ type: "ok" });
  for (const each of [socket, writer]) each.close();
});

test("a ban may come before its room, and counts for every spelling of the name", async () => {
  const [composed, decomposed] = ["caf\u00e9", "cafe\u0301"];
  await ban(decomposed);
  const socket = await joined(ben);
  expect(await socket.ask({ type: "join", room: composed })).toMatchObject({ code: "forbidden" });
  expect(await socket.ask({ type: "join", room: decomposed })).toMatchObject({ code: "forbidden" });
  const writer = await joined(ada, composed);
  expect(await send(writer, composed)).toMatchObject({ id: 2, version: 2 });
  for (const each of [socket, writer]) each.close();
});

test("renewing the token does not lift the ban", async () => {
  const socket = await joined(ben, "porch");
  await ban("porch");
  await socket.next("left");
  expect(await socket.ask({ type: "auth", token: ben.token })).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "join", room: "porch" })).toMatchObject({ code: "forbidden" });
  socket.close();
});

test("each command in flight gets one reply", async () => {
  const socket = await joined(ben, "hall");
  const replies = Array.from({ length: 100 }, (_, index) => send(socket, "hall", `message ${index}`));
  await ban("hall");
  const codes = (await Promise.all(replies)).map((reply) => (reply.type === "ok" ? "ok" : reply.code));
  expect(codes.filter((code) => code !== "ok" && code !== "forbidden")).toEqual([]);
  expect(await send(socket, "hall")).toMatchObject({ code: "forbidden" });
  socket.close();
});

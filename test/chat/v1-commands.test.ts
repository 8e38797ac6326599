import { beforeAll, expect, test } from "bun:test";
import { connect, typesOf } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import { frameOf, handshake, nextFrame } from "../support/raw.ts";
import type { TestServer } from "../support/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const id = () => crypto.randomUUID();

test("the first frame is `welcome`, with the user, the token's expiry and the limits", async () => {
  const socket = await connect(server, { token: ada.token });
  const welcome = await socket.next("welcome");
  expect(socket.frames).toEqual([welcome]);
  expect(welcome).toMatchObject({
    user: { id: expect.stringMatching(/^u_[\w-]{22}$/), username: "ada" },
    heartbeatMs: expect.any(Number),
    limits: { frameBytes: 65_536, messageChars: 4000, rooms: 200 },
  });
  expect(Date.parse(welcome.expiresAt) - Date.now()).toBeWithin(1, 3_600_001);
  socket.close();
});

test("the reply to a join comes before the room's first frame, and a new room is synced at once", async () => {
  const socket = await connect(server, { token: ada.token });
  socket.send({ type: "join", ref: 7, room: "new" });
  const synced = await socket.next("synced");
  expect(socket.frames.slice(1)).toEqual([
    { type: "ok", ref: 7 },
    {
      type: "joined",
      room: "new",
      epoch: expect.any(String),
      version: 0,
      resumed: false,
      kind: "open",
      role: "member",
      online: 1,
      people: ["ada"],
      profiles: [{ id: expect.stringMatching(/^u_/) }],
      lastRead: 0,
      unread: 0,
    },
    synced,
  ]);
  expect(synced).toEqual({ type: "synced", room: "new", version: 0 });
  socket.close();
});

test("a room's URL joins the room, and commands may omit it", async () => {
  const socket = await connect(server, { room: "by-url", token: ada.token });
  socket.send({ type: "send", ref: 1, clientId: id(), content: "at once" });
  expect(await socket.next("ok")).toMatchObject({ ref: 1, id: 1, version: 1 });
  expect(await socket.next("message")).toMatchObject({ room: "by-url", content: "at once" });
  expect(typesOf(socket)).toEqual(["welcome", "joined", "synced", "ok", "message"]);
  expect(await socket.ask({ type: "history" })).toMatchObject({
    type: "ok",
    messages: [{ id: 1 }],
    more: false,
  });
  expect(await socket.ask({ type: "leave" })).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "join", room: "another" })).toMatchObject({ type: "ok" });
  socket.close();
});

test("send is acknowledged with id, version and timestamp, and the message has its clientId", async () => {
  const socket = await connect(server, { token: ada.token });
  await socket.ask({ type: "join", room: "acks" });
  const clientId = id();
  const ack = await socket.ask({
    type: "send",
    room: "acks",
    clientId: clientId.toUpperCase(),
    content: "hello",
  });
  expect(ack).toEqual({ type: "ok", ref: ack.ref, id: 1, version: 1, timestamp: expect.any(String) });
  expect(await socket.next("message")).toEqual({
    type: "message",
    room: "acks",
    change: "created",
    prev: 0,
    id: 1,
    version: 1,
    username: "ada",
    user: { id: expect.stringMatching(/^u_/) },
    content: "hello",
    timestamp: String(ack.timestamp),
    clientId,
  });
  socket.close();
});

test("a repeated send gets the same ack, marked as a duplicate, and is delivered once", async () => {
  const socket = await connect(server, { room: "idempotent", token: ada.token });
  const other = await connect(server, { room: "idempotent", token: ben.token });
  await other.next("synced");
  const send = { type: "send", clientId: id(), content: "once" };
  const first = await socket.ask(send);
  expect(first).toMatchObject({ type: "ok", id: 1 });
  for (const again of [send, { ...send, content: "changed" }]) {
    const { ref, ...repeated } = await socket.ask(again);
    expect<object>(repeated).toEqual({ ...first, ref: undefined, duplicate: true });
  }
  expect(await socket.ask({ ...send, clientId: id(), content: "next" })).toMatchObject({ type: "ok", id: 2 });
  expect((await other.take("message", 2)).map(({ content }) => content)).toEqual(["once", "next"]);
  expect(other.frames.filter(({ type }) => type === "message")).toHaveLength(2);
  for (const each of [socket, other]) each.close();
});

test("a socket gets no messages of a room that it left; leaving a room that was not joined is no error", async () => {
  const socket = await connect(server, { token: ada.token });
  const other = await connect(server, { token: ben.token });
  await socket.ask({ type: "join", room: "left" });
  await socket.ask({ type: "join", room: "kept" });
  expect(await socket.ask({ type: "leave", room: "left" })).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "leave", room: "never-joined" })).toMatchObject({ type: "ok" });
  for (const room of ["left", "kept"])
    expect(await other.ask({ type: "send", room, clientId: id(), content: room })).toMatchObject({
      type: "ok",
    });
  expect(await socket.next("message")).toMatchObject({ room: "kept" });
  expect(socket.frames.filter(({ type }) => type === "message")).toHaveLength(1);
  for (const each of [socket, other]) each.close();
});

const VALID = { send: { clientId: "00000000-0000-4000-8000-000000000001", content: "hello" } };

test.each<[string, Record<string, unknown>, string, string]>([
  ["an unknown command", { type: "dance" }, "unknown_command", "Unknown command"],
  ["a command called toString", { type: "toString" }, "unknown_command", "Unknown command"],
  ["a command without a type", {}, "unknown_command", "Unknown command"],
  ["a type that is a list", { type: ["ping"] }, "unknown_command", "Unknown command"],
  ["join without a room", { type: "join" }, "invalid", "room is required"],
  ["join of a null room", { type: "join", room: null }, "invalid", "room"],
  ["join with a since that is none", { type: "join", room: "a", since: "5" }, "invalid", "since"],
  [
    "join with a since beyond 2^53",
    { type: "join", room: "a", since: "e.9007199254740993" },
    "invalid",
    "since",
  ],
  ["send without a room", { type: "send", ...VALID.send }, "invalid", "room is required"],
  ["leave without a room", { type: "leave" }, "invalid", "room is required"],
  ["history without a room", { type: "history" }, "invalid", "room is required"],
  ["send without a client id", { type: "send", room: "a", content: "hello" }, "invalid", "clientId"],
  ["send of nothing", { type: "send", room: "a", clientId: VALID.send.clientId }, "invalid", "content"],
  [
    "send of a blank",
    { ...VALID.send, type: "send", room: "a", content: " " },
    "invalid",
    "content must not be blank",
  ],
  ["send of NUL", { ...VALID.send, type: "send", room: "a", content: "\0" }, "invalid", "content"],
  [
    "send of a lone surrogate",
    { ...VALID.send, type: "send", room: "a", content: "\ud800" },
    "invalid",
    "content",
  ],
  [
    "send of too much",
    { ...VALID.send, type: "send", room: "a", content: "x".repeat(4001) },
    "invalid",
    "at most 4000",
  ],
  ["send in reply to a text", { ...VALID.send, type: "send", room: "a", replyTo: "1" }, "invalid", "replyTo"],
  ["history with before 0", { type: "history", room: "a", before: 0 }, "invalid", "before"],
  ["history with a negative after", { type: "history", room: "a", after: -1 }, "invalid", "after"],
  ["history with both", { type: "history", room: "a", after: 1, before: 5 }, "invalid", "exclude each other"],
  ["history of 1,001", { type: "history", room: "a", limit: 1001 }, "invalid", "limit"],
])("%s gets an error with its ref, and the socket stays open", async (_, command, code, detail) => {
  const socket = await connect(server, { token: ada.token });
  const reply = await socket.ask(command);
  expect(reply).toMatchObject({
    type: "error",
    code,
    retryable: false,
    message: expect.stringContaining(detail),
  });
  expect(await socket.ask({ type: "ping" })).toEqual({ type: "ok", ref: expect.any(Number) });
  expect(socket.frames.filter(({ ref }) => ref === reply.ref)).toHaveLength(1);
  socket.close();
});

test.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
  ["no JSON", "ping", "malformed"],
  ["a list", "[]", "malformed"],
  ["null", "null", "malformed"],
  ["a binary frame", new TextEncoder().encode('{"type":"ping","ref":1}'), "malformed"],
  ["no ref", '{"type":"ping"}', "invalid"],
  ["a ref that is a text", '{"type":"ping","ref":"1"}', "invalid"],
  ["a negative ref", '{"type":"ping","ref":-1}', "invalid"],
  ["a ref that is no whole number", '{"type":"ping","ref":1.5}', "invalid"],
  ["a ref beyond 2^53", '{"type":"ping","ref":9007199254740993}', "invalid"],
  ["a null ref", '{"type":"ping","ref":null}', "invalid"],
])("%s gets an error without a ref, and the socket stays open", async (_, frame, code) => {
  const socket = await connect(server, { token: ada.token });
  socket.send(frame);
  const error = await socket.next("error");
  expect(error).toMatchObject({ code, retryable: false });
  expect(error).not.toHaveProperty("ref");
  expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  socket.close();
});

test("a ref may be 0, and may be reused after its reply", async () => {
  const socket = await connect(server, { token: ada.token });
  for (let times = 0; times < 3; times++) {
    socket.send({ type: "ping", ref: 0 });
    expect(await socket.next("ok")).toEqual({ type: "ok", ref: 0 });
  }
  socket.close();
});

test("reusing a ref before its reply closes the socket with 4501", async () => {
  const { connection } = await handshake(server, "/ws/chat/refs/", {
    "Sec-WebSocket-Protocol": `chat.v1, bearer.${ada.token}`,
  });
  const send = () => JSON.stringify({ type: "send", ref: 5, clientId: id(), content: "hello" });
  connection.socket.write(Buffer.concat([frameOf(send()), frameOf(send())]));
  for (;;) {
    const frame = await nextFrame(connection);
    if ("text" in frame) continue;
    expect(frame).toEqual({ close: 4501 });
    break;
  }
  connection.end();
});

test("every command gets exactly one reply, however many come at once", async () => {
  const socket = await connect(server, { token: ada.token });
  const commands = Array.from({ length: 600 }, (_, index) => {
    const room = `many-${index % 3}`;
    const kinds = [
      { type: "send", room, clientId: id(), content: `message ${index}` },
      { type: "history", room },
      { type: "ping" },
      { type: "join", room },
      { type: "leave", room },
      { type: "dance" },
    ];
    return { ref: index, ...kinds[index % kinds.length] };
  });
  for (const command of commands) socket.send(command);
  expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  const replies = [...(await socket.take("ok", 500)), ...(await socket.take("error", 100))];
  expect(replies.map(({ ref }) => Number(ref)).sort((a, b) => a - b)).toEqual(commands.map(({ ref }) => ref));
  expect(socket.frames.filter(({ type }) => type === "ok" || type === "error")).toHaveLength(601);
  socket.close();
});

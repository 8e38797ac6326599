import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connectPlain } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { frameOf, handshake, nextFrame } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Frames as clients of the first version of this service send and expect them.

const METRICS_TOKEN = "a-token-for-the-metrics";
let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", METRICS_TOKEN });
  [ada, ben] = await Promise.all([register(server, "ada"), register(server, "ben")]);
}, START_MS);
afterAll(() => server.stop());

test("a message goes to every socket in its room, including the sender's, and to no other", async () => {
  const adaSocket = await connectPlain(server, { room: "global", token: ada.token });
  const benSocket = await connectPlain(server, { room: "global", token: ben.token });
  const elsewhere = await connectPlain(server, { room: "sports", token: ben.token });
  adaSocket.send({ message: "hello" });
  const echo = await adaSocket.next("message");
  expect(echo).toEqual({
    id: 1,
    room: "global",
    username: "ada",
    message: "hello",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    clientId: expect.any(String),
  });
  expect(await benSocket.next("message")).toEqual(echo);
  elsewhere.send({ message: "only here" });
  expect(await elsewhere.next("message")).toMatchObject({ id: 1, room: "sports" });
  expect(elsewhere.frames).toHaveLength(1);
  for (const socket of [adaSocket, benSocket, elsewhere]) socket.close();
});

const LONE_SURROGATE = String.raw`{"message":"\ud800"}`;
const NUL = String.raw`{"message":"a\u0000b"}`;

test.each<[string, string | Uint8Array<ArrayBuffer>, string, string]>([
  ["malformed JSON", "{", "malformed", "not JSON"],
  ["an empty frame", "", "malformed", "not JSON"],
  ["a list", "[1]", "malformed", "not a JSON object"],
  ["null", "null", "malformed", "not a JSON object"],
  ["a number", "5", "malformed", "not a JSON object"],
  ["no message", "{}", "invalid", "message is required"],
  ["a null message", '{"message":null}', "invalid", "message must be a string"],
  ["a message that is a list", '{"message":["a"]}', "invalid", "message must be a string"],
  ["a message that is a number", '{"message":5}', "invalid", "message must be a string"],
  ["an empty message", '{"message":""}', "invalid", "message must not be blank"],
  ["a blank message", '{"message":" \\n "}', "invalid", "message must not be blank"],
  ["the character NUL", NUL, "invalid", "message must not contain the character NUL"],
  ["an escaped lone surrogate", LONE_SURROGATE, "invalid", "message must not contain lone surrogates"],
  ["a message over the limit", JSON.stringify({ message: "x".repeat(4001) }), "invalid", "at most 4000"],
  ["a clientId that is not a UUID", '{"message":"a","clientId":"1"}', "invalid", "clientId must be a UUID"],
  ["a binary frame", new TextEncoder().encode('{"message":"a"}'), "malformed", "text, not binary"],
])("%s gets an error; later frames are not lost", async (what, frame, code, detail) => {
  const room = `bad-${what.replaceAll(" ", "-")}`;
  const socket = await connectPlain(server, { room, token: ada.token });
  socket.send(frame);
  socket.send({ message: "behind" });
  const { error } = await socket.next("error");
  expect(error).toMatchObject({ code, retryable: false, message: expect.stringContaining(detail) });
  expect(await socket.next("message")).toMatchObject({ id: 1, message: "behind" });
  const { body } = await api(server, `GET /history/${room}/`, { token: ada.token });
  expect(body).toHaveLength(1);
  socket.close();
});

test("a message can have 4,000 characters, however many bytes they take", async () => {
  const socket = await connectPlain(server, { room: "long", token: ada.token });
  const message = "🙂".repeat(4000);
  socket.send({ message });
  expect((await socket.next("message")).message).toBe(message);
  socket.close();
});

test("a frame over the limit closes the socket with 1009 and invalid UTF-8 with 1007; other sockets stay open", async () => {
  const bystander = await connectPlain(server, { room: "limits", token: ben.token });
  for (const [bytes, close] of [
    [frameOf(JSON.stringify({ message: "x".repeat(65_536) })), 1009],
    [frameOf(Buffer.from([0xff, 0xfe]), 1), 1007],
  ] as const) {
    const { status, connection } = await handshake(server, `/ws/chat/limits/?token=${ada.token}`);
    expect(status).toBe(101);
    connection.socket.write(bytes);
    expect(await nextFrame(connection)).toEqual({ close });
    connection.end();
  }
  bystander.send({ message: "still here" });
  expect((await bystander.next("message")).message).toBe("still here");
  bystander.close();
});

test("a reader with a backlog of hundreds of messages gets them all, in order", async () => {
  const { connection } = await handshake(server, `/ws/chat/busy/?token=${ben.token}`);
  connection.socket.pause();
  const socket = await connectPlain(server, { room: "busy", token: ada.token });
  const messages = Array.from({ length: 300 }, (_, index) => `message ${index}`);
  for (const message of messages) socket.send({ message });
  expect((await socket.take("message", 300)).map(({ message }) => message)).toEqual(messages);
  connection.socket.resume();
  for (const message of messages) {
    const frame = await nextFrame(connection);
    expect("text" in frame && JSON.parse(frame.text).message).toBe(message);
  }
  connection.end();
  socket.close();
});

test("a socket leaves its room when it ends, with or without a close frame", async () => {
  const feeds = async () => {
    const { text } = await api(server, "GET /metrics", { token: METRICS_TOKEN });
    return Number(/^parley_feeds\{format="plain"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  await until(async () => (await feeds()) === 0);
  const socket = await connectPlain(server, { room: "members", token: ada.token });
  const { connection } = await handshake(server, `/ws/chat/members/?token=${ben.token}`);
  await until(async () => (await feeds()) === 2);
  socket.close();
  connection.end();
  await until(async () => (await feeds()) === 0);
});

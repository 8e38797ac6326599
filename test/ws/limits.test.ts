import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { fragmentsOf, frameOf, handshake, nextFrame } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;

beforeAll(async () => {
  const settings = {
    MESSAGE_RATE: "1",
    MESSAGE_BURST: "3",
    MESSAGE_MAX_CHARS: "100",
    SOCKETS_PER_USER: "2",
    ROOMS_PER_SOCKET: "2",
  };
  server = await startTestServer(settings);
  [ada, ben, cy] = await Promise.all([
    register(server, "ada"),
    register(server, "ben"),
    register(server, "cy"),
  ]);
}, START_MS);
afterAll(() => server.stop());

const message = (content: string) => ({
  type: "send",
  room: "global",
  clientId: crypto.randomUUID(),
  content,
});

test("a socket over the user's limit is closed with 4504; the user's other sockets and other users are not affected", async () => {
  const first = await connect(server, { token: ada.token });
  const second = await connectPlain(server, { room: "global", token: ada.token });
  const third = await connect(server, { token: ada.token });
  const plainThird = await connectPlain(server, { room: "global", token: ada.token });
  for (const refused of [third, plainThird])
    expect(await refused.closed).toEqual({ code: 4504, reason: "too_many_sockets" });
  expect(await first.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  const other = await connect(server, { token: ben.token });
  expect(await other.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  for (const socket of [first, second, other]) {
    socket.close();
    await socket.closed;
  }
  const again = await connect(server, { token: ada.token });
  expect(await again.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  again.close();
  await again.closed;
});

test("a socket can join rooms up to its limit; leaving one makes room for another", async () => {
  const socket = await connect(server, { token: ada.token });
  for (const room of ["one", "two"])
    expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "join", room: "three" })).toMatchObject({
    type: "error",
    code: "too_many_rooms",
    retryable: false,
  });
  expect(await socket.ask({ type: "join", room: "two" })).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "leave", room: "one" })).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "join", room: "three" })).toMatchObject({ type: "ok" });
  socket.close();
  await socket.closed;
});

test("a sender over the rate gets a wait time on every transport, and can send again after it", async () => {
  const v1 = await connect(server, { token: ben.token });
  const plain = await connectPlain(server, { room: "global", token: ben.token });
  for (const content of ["one", "two", "three"])
    expect(await v1.ask(message(content))).toMatchObject({ type: "ok" });
  const refused = await v1.ask(message("four"));
  expect(refused).toMatchObject({ type: "error", code: "rate_limited", retryable: true });
  const wait = Number(refused.retryAfterMs);
  expect(wait).toBeWithin(1, 1001);
  plain.send({ message: "five", clientId: "00000000-0000-4000-8000-000000000005" });
  expect((await plain.next("error")).error).toMatchObject({
    code: "rate_limited",
    retryAfterMs: expect.any(Number),
    clientId: "00000000-0000-4000-8000-000000000005",
  });
  const posted = await api(server, "POST /rooms/global/messages/", {
    token: ben.token,
    body: { content: "six" },
  });
  expect(posted.status).toBe(429);
  expect(posted.headers.get("retry-after")).toBe("1");
  expect(posted.body).toMatchObject({ code: "rate_limited", retryAfterMs: expect.any(Number) });
  await Bun.sleep(wait);
  expect(await v1.ask(message("seven"))).toMatchObject({ type: "ok" });
  const { body } = await api(server, "GET /history/global/", { token: ben.token });
  expect((body as { content: string }[]).map(({ content }) => content)).toEqual([
    "one",
    "two",
    "three",
    "seven",
  ]);
  for (const socket of [v1, plain]) {
    socket.close();
    await socket.closed;
  }
});

test("a server can be configured with a shorter message limit, which welcome and errors name", async () => {
  const socket = await connect(server, { token: cy.token });
  expect((await socket.next("welcome")).limits).toMatchObject({
    messageChars: 100,
    rooms: 2,
    frameBytes: 65_536,
  });
  expect(await socket.ask({ ...message("x".repeat(101)), room: "short" })).toMatchObject({
    type: "error",
    code: "invalid",
    message: "content must have at most 100 characters",
  });
  expect(await socket.ask({ ...message("🙂".repeat(100)), room: "short" })).toMatchObject({
    type: "ok",
    id: 1,
  });
  socket.close();
  await socket.closed;
});

test("a fragmented message counts as a whole against the frame limit", async () => {
  const { connection } = await handshake(server, `/ws/chat/fragments/?token=${cy.token}`);
  connection.socket.write(fragmentsOf('{"message":"in ', 'two"}'));
  const frame = await nextFrame(connection);
  expect("text" in frame && JSON.parse(frame.text)).toMatchObject({ id: 1, message: "in two" });
  const half = "x".repeat(40_000);
  connection.socket.write(fragmentsOf(`{"message":"${half}`, `${half}"}`));
  expect(await nextFrame(connection)).toEqual({ close: 1009 });
  connection.end();
});

test("a thousand frames in one write each get their echo, in order", async () => {
  const {
    server: fast,
    ada: { token },
  } = await house(); // This server has no rate limit.
  const { connection } = await handshake(fast, `/ws/chat/burst/?token=${token}`);
  const messages = Array.from({ length: 1000 }, (_, index) => `message ${index}`);
  connection.socket.write(Buffer.concat(messages.map((text) => frameOf(JSON.stringify({ message: text })))));
  for (const [index, text] of messages.entries()) {
    const frame = await nextFrame(connection);
    expect("text" in frame && JSON.parse(frame.text)).toMatchObject({ id: index + 1, message: text });
  }
  connection.end();
});

test("a thousand frames over the rate each get their echo or an error", async () => {
  const dee = await register(server, "dee");
  const { connection } = await handshake(server, `/ws/chat/flood/?token=${dee.token}`);
  connection.socket.write(Buffer.concat(Array(1000).fill(frameOf(JSON.stringify({ message: "flood" })))));
  const counts = { messages: 0, rate_limited: 0 };
  for (let index = 0; index < 1000; index++) {
    const frame = await nextFrame(connection);
    const reply = "text" in frame ? JSON.parse(frame.text) : frame;
    if (reply.message) counts.messages++;
    else if (reply.error?.code === "rate_limited") counts.rate_limited++;
  }
  expect(counts.messages + counts.rate_limited).toBe(1000);
  expect(counts.messages).toBeWithin(3, 100);
  connection.end();
});

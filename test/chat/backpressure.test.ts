import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { frameOf, handshake, nextFrame, type RawConnection } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Slow readers lag without loss, and nobody else notices. The readers here are TCP connections that stop reading.

const METRICS_TOKEN = "a-token-for-the-metrics";
/** 40 kB, to fill the kernel's buffers of some megabytes per connection soon. */
const CONTENT = "🙂".repeat(10_000);
let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;

beforeAll(async () => {
  server = await startTestServer({
    MESSAGE_RATE: "0",
    BUDGETS: "0",
    MESSAGE_MAX_CHARS: "10000",
    METRICS_TOKEN,
  });
  [ada, ben, cy] = await Promise.all([
    register(server, "ada"),
    register(server, "ben"),
    register(server, "cy"),
  ]);
}, START_MS);
afterAll(() => server.stop());

async function lagging(): Promise<number> {
  const { text } = await api(server, "GET /metrics", { token: METRICS_TOKEN });
  return Number(/^parley_lagging_sockets (\d+)$/m.exec(text)?.[1]);
}

/** Opens a socket in the room that stops reading as soon as it is live. */
async function stalledReader(room: string, protocol: "v1" | "plain" = "v1"): Promise<RawConnection> {
  const headers = { "Sec-WebSocket-Protocol": `chat.v1, bearer.${ada.token}` };
  const plain = { Authorization: `Bearer ${ada.token}` };
  const { status, connection } = await handshake(
    server,
    `/ws/chat/${room}/`,
    protocol === "v1" ? headers : plain,
  );
  expect(status).toBe(101);
  // `rooms` may come between them.
  if (protocol === "v1") await readUntil(connection, ({ type }) => type === "synced");
  connection.socket.pause();
  return connection;
}

const said = (frame: { text: string } | { close: number }): Record<string, unknown> =>
  "text" in frame ? JSON.parse(frame.text) : frame;

const send = (socket: V1Client, room: string, content = CONTENT) =>
  socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content });

/** Posts `count` messages. Returns the id of the last one. */
async function post(socket: V1Client, room: string, count: number): Promise<number> {
  const acks = await Promise.all(Array.from({ length: count }, () => send(socket, room)));
  for (const { type } of acks) expect(type).toBe("ok");
  return Number(acks.at(-1)?.id);
}

/** Posts until `sockets` sockets lag. Returns the id of the last message. */
async function postUntilLagging(socket: V1Client, room: string, sockets: number): Promise<number> {
  for (let last = 0; last < 2_000;) {
    last = await post(socket, room, 15);
    if ((await lagging()) === sockets) return last;
  }
  throw new Error("nobody lags");
}

/** Returns the frames up to the first wanted one. */
async function readUntil(connection: RawConnection, wanted: (frame: Record<string, unknown>) => boolean) {
  const frames: Record<string, unknown>[] = [];
  for (;;) {
    const frame = said(await nextFrame(connection));
    frames.push(frame);
    expect(frame).not.toHaveProperty("close");
    if (wanted(frame)) return frames;
  }
}

const range = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

// In small rooms the server writes to each socket, in larger ones the runtime publishes.
test.each([
  ["few", 0],
  ["many", 6],
])(
  "readers that stop get everything later, in order and without loss; chat.v1 also gets `lagging` (%s other readers)",
  async (room, others) => {
    const writer = await connect(server, { token: ben.token });
    const reader = await stalledReader(room);
    const plainReader = await stalledReader(room, "plain");
    const plainOthers = await Promise.all(
      Array.from({ length: others }, () => connectPlain(server, { room, token: cy.token })),
    );
    const v1Others = await Promise.all(
      Array.from({ length: others + 1 }, () => connect(server, { room, token: cy.token })),
    );
    await Promise.all(v1Others.map((other) => other.next("synced")));

    await postUntilLagging(writer, room, 2);
    const posted = await post(writer, room, 20);
    // Prompt readers got all messages live.
    for (const other of v1Others) {
      expect((await other.take("message", posted)).map(({ version }) => version)).toEqual(range(posted));
      expect(other.frames.some(({ type, replay }) => type === "lagging" || replay)).toBe(false);
    }
    for (const other of plainOthers)
      expect((await other.take("message", posted)).map(({ id }) => id)).toEqual(range(posted));

    // The server does not read from a lagging socket: the reply comes once it has caught up.
    reader.socket.write(frameOf('{"type":"ping","ref":1}'));
    reader.socket.resume();
    const frames = await readUntil(reader, ({ type, version }) => type === "synced" && version === posted);
    const messages = frames.filter(({ type }) => type === "message");
    expect(messages.map(({ version }) => version)).toEqual(range(posted));
    expect(messages.every(({ content }) => content === CONTENT)).toBe(true);
    const told = frames.findIndex(({ type }) => type === "lagging");
    expect(told).toBeGreaterThan(0);
    const at = Number(frames[told]?.version);
    expect(messages.map(({ prev }) => prev).slice(0, at)).toEqual(range(at).map((version) => version - 1));
    expect(messages.slice(at).every(({ replay, change }) => replay === true && change === "created")).toBe(
      true,
    );

    plainReader.socket.resume();
    const plainFrames = await readUntil(plainReader, ({ id }) => id === posted);
    expect(plainFrames.map(({ id, message }) => [id, message === CONTENT])).toEqual(
      range(posted).map((id) => [id, true]),
    );
    plainReader.end();

    expect((await send(writer, room, "live again")).type).toBe("ok");
    const after = await readUntil(reader, ({ type }) => type === "message");
    expect(after.at(-1)).toMatchObject({ content: "live again", version: posted + 1, prev: posted });
    reader.socket.write(frameOf('{"type":"ping","ref":2}'));
    const rest = await readUntil(reader, ({ ref }) => ref === 2);
    expect([...frames, ...after, ...rest].filter(({ ref }) => ref === 1)).toEqual([{ type: "ok", ref: 1 }]);
    expect(await lagging()).toBe(0);
    reader.end();
    for (const socket of [writer, ...v1Others, ...plainOthers]) socket.close();
  },
  20_000,
);

test("a socket that lags in one room lags in all of its rooms, and catches up in each", async () => {
  const writer = await connect(server, { token: ben.token });
  const reader = await stalledReader("first");
  reader.socket.resume();
  reader.socket.write(frameOf('{"type":"join","ref":1,"room":"second"}'));
  await readUntil(reader, ({ type, room }) => type === "synced" && room === "second");
  reader.socket.pause();
  const posted = await postUntilLagging(writer, "first", 1);
  for (let number = 1; number <= 3; number++)
    expect((await send(writer, "second", `message ${number}`)).type).toBe("ok");
  reader.socket.resume();
  const caughtUp = new Set<unknown>();
  const frames = await readUntil(reader, ({ type, room, version }) => {
    if (type === "synced" && version === (room === "first" ? posted : 3)) caughtUp.add(room);
    return caughtUp.size === 2;
  });
  const versionsIn = (name: string) =>
    frames.filter(({ type, room }) => type === "message" && room === name).map(({ version }) => version);
  expect(versionsIn("first")).toEqual(range(posted));
  expect(versionsIn("second")).toEqual(range(3));
  expect(frames.filter(({ type }) => type === "lagging").map(({ room }) => room)).toEqual([
    "first",
    "second",
  ]);
  reader.end();
  writer.close();
}, 20_000);

test("many stalled readers cost a bounded amount of memory and delay nobody", async () => {
  const writer = await connect(server, { token: ben.token });
  const readers = await Promise.all(Array.from({ length: 20 }, () => stalledReader("crowd")));
  await postUntilLagging(writer, "crowd", readers.length);
  const other = await connect(server, { room: "crowd", token: cy.token });
  await other.next("synced");
  const samples: number[] = [];
  for (let number = 1; number <= 300; number++) {
    expect((await send(writer, "crowd")).type).toBe("ok");
    await other.next("message");
    if (number % 20 > 0) continue;
    Bun.gc(true);
    samples.push(process.memoryUsage.rss());
  }
  // Between the first samples and the last ones, 8 MB were published. Kept for all twenty readers, that would be 160 MB.
  // The minimum of several samples, because garbage is not returned to the system at once.
  const grew = Math.min(...samples.slice(-5)) - Math.min(...samples.slice(0, 5));
  expect(grew).toBeLessThan(64e6);
  expect(await lagging()).toBe(readers.length);
  for (const reader of readers) reader.end();
  await until(async () => (await lagging()) === 0);
  for (const socket of [writer, other]) socket.close();
}, 30_000);

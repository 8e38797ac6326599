import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { postgresDatabase, type TestDatabase } from "../support/database.ts";
import { handshake, nextFrame, type RawConnection } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { soonerThan } from "../support/sooner-than.ts";
import { until } from "../support/until.ts";
import { ADMIN_TOKEN, createVictim, type Victim, type Way, WAYS } from "./ways.ts";

// When access ends, sockets are closed with the right code, whatever they were doing.

const METRICS_TOKEN = "a-token-for-the-metrics";
const SETTINGS = {
  MESSAGE_RATE: "0",
  BUDGETS: "0",
  LOGIN_RATE: "0",
  MESSAGE_MAX_CHARS: "10000",
  ADMIN_TOKEN,
  METRICS_TOKEN,
};
/** 40 kB, to fill the kernel's buffers of some megabytes per connection soon. */
const CONTENT = "🙂".repeat(10_000);
/** So many of them do not fit into the kernel's buffers. */
const LONG = 260;
let server: TestServer;
let ada: Person;
let writer: V1Client;

beforeAll(async () => {
  server = await startTestServer(SETTINGS);
  ada = await register(server, "ada");
  writer = await connect(server, { token: ada.token });
});
afterAll(() => server.stop());

const send = (socket: V1Client, room: string, content = "hello") =>
  socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content });

async function fill(room: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 20)
    for (const ack of await Promise.all(Array.from({ length: 20 }, () => send(writer, room, CONTENT))))
      expect(ack.type).toBe("ok");
}

test.each(WAYS)(
  "$name closes idle sockets on the room's URL with $code at once",
  async ({ name, code, revoke }) => {
    const victim = await createVictim(server, `idle-${name}`);
    const { token } = victim;
    const v1 = await connect(server, { room: name, token });
    await v1.next("synced");
    const plain = await connectPlain(server, { room: name, token });
    await revoke(server, victim, name);
    expect((await v1.closed).code).toBe(code);
    expect((await plain.closed).code).toBe(code);
  },
);

test.each(WAYS)("$name closes a busy socket with $code, and acknowledged messages are kept", async (way) => {
  const room = `busy-${way.name}`;
  const victim = await createVictim(server, room);
  const busy = await connect(server, { room, token: victim.token });
  await busy.next("synced");
  const acked: string[] = [];
  const sendUntilClosed = async () => {
    for (;;) {
      const clientId = crypto.randomUUID();
      const reply = await busy.ask({ type: "send", clientId, content: "hello" }).catch(() => undefined);
      if (!reply) return;
      if (reply.type === "ok") acked.push(clientId);
    }
  };
  const sending = sendUntilClosed();
  await until(() => acked.length >= 5);
  await way.revoke(server, victim, room);
  expect((await busy.closed).code).toBe(way.code);
  await sending;
  const { body } = await api(server, `GET /history/${room}/?limit=1000`, { token: ada.token });
  const kept = new Set((body as { clientId: string }[]).map(({ clientId }) => clientId));
  expect(acked.filter((clientId) => !kept.has(clientId))).toEqual([]);
});

/** Opens a socket that stops reading as soon as it is in the room. */
async function stalled({ token }: Victim, room: string, since = ""): Promise<RawConnection> {
  const { status, connection } = await handshake(server, `/ws/chat/${room}/${since}`, {
    "Sec-WebSocket-Protocol": `chat.v1, bearer.${token}`,
  });
  expect(status).toBe(101);
  const types = since === "" ? ["welcome", "joined", "synced"] : ["welcome", "joined"];
  for (const type of types) {
    let frame: Record<string, unknown>;
    do frame = said(await nextFrame(connection));
    while (frame.type === "rooms");
    expect(frame).toMatchObject({ type });
  }
  connection.socket.pause();
  return connection;
}

const said = (frame: { text: string } | { close: number }): Record<string, unknown> =>
  "text" in frame ? JSON.parse(frame.text) : frame;

/** Reads up to the close frame. Returns the frames before it, and its code. */
async function readToEnd(
  connection: RawConnection,
): Promise<{ frames: Record<string, unknown>[]; code: unknown }> {
  connection.socket.resume();
  const frames: Record<string, unknown>[] = [];
  for (;;) {
    const frame = said(await nextFrame(connection));
    if ("close" in frame) return { frames, code: frame.close };
    frames.push(frame);
  }
}

test("a lagging socket gets no later messages of the room, whichever way access ends", async () => {
  const readers: { way: Way; victim: Victim; reader: RawConnection }[] = [];
  for (const way of WAYS) {
    const victim = await createVictim(server, `lagging-${way.name}`);
    readers.push({ way, victim, reader: await stalled(victim, "load") });
  }
  const lagging = async () => {
    const { text } = await api(server, "GET /metrics", { token: METRICS_TOKEN });
    return Number(/^parley_lagging_sockets (\d+)$/m.exec(text)?.[1]);
  };
  while ((await lagging()) < WAYS.length) await fill("load", 20);
  for (const { way, victim, reader } of readers) {
    await way.revoke(server, victim, "load");
    await send(writer, "load", "not for them");
    const { frames, code } = await readToEnd(reader);
    expect([way.name, code]).toEqual([way.name, way.code]);
    expect(frames.some(({ content }) => content === "not for them")).toBe(false);
    reader.end();
  }
}, 60_000);

test("a replay stops, whichever way access ends", async () => {
  const last = async () => {
    const { body, headers } = await api(server, "GET /history/load/?limit=1", { token: ada.token });
    return { id: (body as { id: number }[])[0]?.id ?? 0, epoch: headers.get("parley-epoch") };
  };
  // The test above has filled the room already, if it ran.
  await fill("load", LONG - (await last()).id);
  const { id, epoch } = await last();
  expect(id).toBeGreaterThanOrEqual(LONG);
  const since = `?since=${epoch}.0`;
  for (const way of WAYS) {
    const victim = await createVictim(server, `replay-${way.name}`);
    const reader = await stalled(victim, "load", since);
    await way.revoke(server, victim, "load");
    const { frames, code } = await readToEnd(reader);
    expect([way.name, code]).toEqual([way.name, way.code]);
    expect(frames.length).toBeLessThan(id);
    // Besides the replay, the person learns why it stops, and that the room is not theirs any more.
    const replayed = frames.filter(({ type }) => type !== "notice" && type !== "rooms");
    expect(replayed.every(({ type, replay }) => type === "message" && replay === true)).toBe(true);
    reader.end();
  }
}, 60_000);

needs("TEST_DATABASE_URL")("on another server of the same database", () => {
  let database: TestDatabase;
  let here: TestServer;
  let there: TestServer;
  beforeAll(async () => {
    database = await postgresDatabase();
    [here, there] = [
      await startTestServer({ ...SETTINGS, ...database.env }),
      await startTestServer({ ...SETTINGS, ...database.env }),
    ];
  }, 20_000);
  afterAll(async () => {
    await Promise.all([here.stop(), there.stop()]);
    await database.close();
  });

  test("sockets are closed within 10 s, whichever way access ends, and an unbanned person can join again within 10 s", async () => {
    const sockets: { way: Way; victim: Victim; socket: V1Client; everywhere: V1Client }[] = [];
    for (const way of WAYS) {
      const victim = await createVictim(there, way.name);
      const socket = await connect(here, { room: way.name, token: victim.token });
      await socket.next("synced");
      const everywhere = await connect(here, { token: victim.token });
      await everywhere.ask({ type: "join", room: way.name });
      sockets.push({ way, victim, socket, everywhere });
    }
    await Promise.all(sockets.map(({ way, victim }) => way.revoke(there, victim, way.name)));
    const closed = sockets.map(async ({ way, socket, everywhere }) => {
      expect([way.name, (await socket.closed).code]).toEqual([way.name, way.code]);
      if (!way.roomOnly) return expect((await everywhere.closed).code).toBe(way.code);
      const isTold = () => everywhere.frames.some(({ type, code }) => type === "left" && code === way.code);
      return until(isTold, 10_000);
    });
    await soonerThan(10_000, Promise.all(closed));

    const banned = sockets.find(({ way }) => way.name === "banned");
    if (!banned) throw new Error("nobody was banned");
    const { victim, everywhere } = banned;
    expect(await everywhere.ask({ type: "join", room: "banned" })).toMatchObject({ code: "forbidden" });
    await api(there, `DELETE /admin/rooms/banned/bans/${victim.username}/`, { token: ADMIN_TOKEN });
    await until(async () => (await everywhere.ask({ type: "join", room: "banned" })).type === "ok", 10_000);
  }, 40_000);
});

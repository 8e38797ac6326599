import { beforeAll, expect, test } from "bun:test";
import { connect, connectPlain } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const send = (room: string, content: string) => ({
  type: "send",
  room,
  clientId: crypto.randomUUID(),
  content,
});

test("one socket can join many rooms, and each room has its own order", async () => {
  const rooms = Array.from({ length: 20 }, (_, index) => `room-${index}`);
  const reader = await connect(server, { token: ada.token });
  const writer = await connect(server, { token: ben.token });
  for (const room of rooms) expect(await reader.ask({ type: "join", room })).toMatchObject({ type: "ok" });
  for (let round = 1; round <= 3; round++)
    for (const room of rooms)
      expect(await writer.ask(send(room, `${room} ${round}`))).toMatchObject({ type: "ok", id: round });
  const messages = await reader.take("message", 60);
  for (const room of rooms)
    expect(messages.filter((message) => message.room === room)).toMatchObject(
      [1, 2, 3].map((round) => ({ id: round, prev: round - 1, content: `${room} ${round}` })),
    );
  expect(writer.frames.filter(({ type }) => type === "message")).toEqual([]);
  for (const each of [reader, writer]) each.close();
});

test("a message is delivered in its room and in no other", async () => {
  const inside = await connect(server, { room: "here", token: ada.token });
  const outside = await connect(server, { room: "there", token: ben.token });
  expect(await inside.ask(send("here", "a secret"))).toMatchObject({ type: "ok", id: 1 });
  expect(await inside.ask(send("there", "hello there"))).toMatchObject({ type: "ok", id: 1 });
  expect(await outside.next("message")).toMatchObject({ room: "there", content: "hello there" });
  expect(JSON.stringify(outside.frames)).not.toContain("a secret");
  expect((await inside.next("message")).content).toBe("a secret");
  expect(JSON.stringify(inside.frames)).not.toContain("hello there");
  for (const each of [inside, outside]) each.close();
});

test("plain and chat.v1 clients share a room, each in its own protocol", async () => {
  const plain = await connectPlain(server, { room: "shared", token: ada.token });
  const v1 = await connect(server, { room: "shared", token: ben.token });
  await v1.next("synced");
  const clientId = crypto.randomUUID();
  plain.send({ message: "from plain", clientId });
  const echo = await plain.next("message");
  expect(await v1.next("message")).toMatchObject({
    change: "created",
    id: echo.id,
    username: "ada",
    content: "from plain",
    timestamp: echo.timestamp,
    clientId,
  });
  const ack = await v1.ask(send("shared", "from v1"));
  expect(ack).toMatchObject({ type: "ok", id: 2 });
  expect(await plain.next("message")).toMatchObject({ id: 2, username: "ben", message: "from v1" });
  expect(await v1.next("message")).toMatchObject({ id: 2, prev: 1, content: "from v1" });
  expect(plain.frames).toHaveLength(2);
  for (const each of [plain, v1]) each.close();
});

test("several sockets of one person in a room get each message once", async () => {
  const sockets = await Promise.all(
    [1, 2, 3].map(() => connect(server, { room: "devices", token: ada.token })),
  );
  for (const socket of sockets) await socket.next("synced");
  expect(await sockets[0]?.ask(send("devices", "hello"))).toMatchObject({ type: "ok" });
  expect(await sockets[0]?.ask(send("devices", "again"))).toMatchObject({ type: "ok" });
  for (const socket of sockets) {
    expect((await socket.take("message", 2)).map(({ id }) => id)).toEqual([1, 2]);
    socket.close();
  }
});

test("the history command pages, also in a room that is not joined", async () => {
  const socket = await connect(server, { token: ada.token });
  for (let number = 1; number <= 25; number++) await socket.ask(send("pages", `message ${number}`));
  const page = async (query: object) => {
    const { type, messages, more } = await socket.ask({ type: "history", room: "pages", ...query });
    expect(type).toBe("ok");
    return { ids: (messages as { id: number }[]).map(({ id }) => id), more };
  };
  expect(await page({ limit: 3 })).toEqual({ ids: [23, 24, 25], more: true });
  expect(await page({ limit: 3, before: 23 })).toEqual({ ids: [20, 21, 22], more: true });
  expect(await page({ limit: 30, before: 4 })).toEqual({ ids: [1, 2, 3], more: false });
  expect(await page({ limit: 3, after: 0 })).toEqual({ ids: [1, 2, 3], more: true });
  expect(await page({ limit: 3, after: 22 })).toEqual({ ids: [23, 24, 25], more: false });
  expect(await page({ after: 25 })).toEqual({ ids: [], more: false });
  socket.close();
});

test("a page of history is cut at the frame limit, at the end farther from the requested id", async () => {
  const socket = await connect(server, { token: ada.token });
  const content = "🙂".repeat(4000);
  for (let number = 1; number <= 20; number++)
    expect(await socket.ask(send("large", content))).toMatchObject({ type: "ok", id: number });
  const read: number[] = [];
  for (let before: number | undefined; ;) {
    const { type, messages, more } = await socket.ask({ type: "history", room: "large", before });
    expect(type).toBe("ok");
    expect(Buffer.byteLength(JSON.stringify(socket.frames.at(-1)))).toBeLessThanOrEqual(128 * 1024);
    read.unshift(...(messages as { id: number }[]).map(({ id }) => id));
    before = read[0];
    if (!more) break;
  }
  expect(read).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  const forward = await socket.ask({ type: "history", room: "large", after: 3 });
  expect(forward).toMatchObject({ more: true });
  expect((forward.messages as { id: number }[])[0]?.id).toBe(4);
  socket.close();
});

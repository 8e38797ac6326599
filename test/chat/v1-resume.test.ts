import { beforeAll, expect, test } from "bun:test";
import { connect, steadyFrames, typesOf, type V1Client } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

// A client that resumes from its position gets everything that it missed.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

/** Sends messages `first` to `last` and waits for their acks. */
async function post(socket: V1Client, room: string, first: number, last: number): Promise<void> {
  const acks = [];
  for (let number = first; number <= last; number++)
    acks.push(
      socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content: `message ${number}` }),
    );
  for (const ack of await Promise.all(acks)) expect(ack.type).toBe("ok");
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

test("`prev` of each message is the version before it, beginning with the version of `synced`", async () => {
  const socket = await connect(server, { room: "chain", token: ada.token });
  await post(socket, "chain", 1, 5);
  const late = await connect(server, { room: "chain", token: ben.token });
  expect(await late.next("synced")).toMatchObject({ version: 5 });
  await post(socket, "chain", 6, 30);
  const messages = await late.take("message", 25);
  expect(messages.map(({ version }) => version)).toEqual(numbers(6, 30));
  expect(messages.map(({ prev }) => prev)).toEqual(numbers(5, 29));
  expect(messages.every(({ replay, change }) => replay === undefined && change === "created")).toBe(true);
  for (const each of [socket, late]) each.close();
});

test.each<["url" | "command"]>([["url"], ["command"]])(
  "missed messages are replayed between `joined` and `synced`, then the socket is live (position in the %s)",
  async (way) => {
    const room = `resume-${way}`;
    const writer = await connect(server, { room, token: ben.token });
    const { epoch } = await writer.next("joined");
    await post(writer, room, 1, 10);
    const since = `${epoch}.4`;
    const reader = await connect(
      server,
      way === "url" ? { room, since, token: ada.token } : { token: ada.token },
    );
    if (way === "command")
      expect(await reader.ask({ type: "join", room, since })).toMatchObject({ type: "ok" });
    await reader.next("synced");
    await post(writer, room, 11, 11);
    const live = await reader.next("message").then(() => reader.take("message", 6));
    expect(live.at(-1)).toMatchObject({ version: 11, prev: 10 });
    const frames = steadyFrames(reader).filter(({ type }) => type !== "welcome" && type !== "ok");
    expect(frames.map(({ type, version }) => [type, version])).toEqual([
      ["joined", 10],
      ...numbers(5, 10).map((version) => ["message", version]),
      ["synced", 10],
      ["message", 11],
    ]);
    expect(frames[0]).toMatchObject({ resumed: true, epoch });
    for (const message of frames.slice(1, 7)) {
      expect(message).toMatchObject({ replay: true, change: "created" });
      expect(message).not.toHaveProperty("prev");
    }
    for (const each of [writer, reader]) each.close();
  },
);

test("a client that missed nothing is synced at once; one at version 0 gets everything", async () => {
  const writer = await connect(server, { room: "all", token: ben.token });
  const { epoch } = await writer.next("joined");
  await post(writer, "all", 1, 3);
  const upToDate = await connect(server, { room: "all", since: `${epoch}.3`, token: ada.token });
  await upToDate.next("synced");
  expect(typesOf(upToDate)).toEqual(["welcome", "joined", "synced"]);
  expect(await upToDate.next("joined")).toMatchObject({ resumed: true, version: 3 });
  const fromTheStart = await connect(server, { room: "all", since: `${epoch}.0`, token: ada.token });
  await fromTheStart.next("synced");
  expect((await fromTheStart.take("message", 3)).map(({ id }) => id)).toEqual([1, 2, 3]);
  for (const each of [writer, upToDate, fromTheStart]) each.close();
});

test.each<[string, (epoch: string) => string]>([
  ["another epoch", () => "anotherEpoch.2"],
  ["a version that the room never had", (epoch) => `${epoch}.99`],
  ["the last version there could ever be", (epoch) => `${epoch}.9007199254740991`],
])("a client with %s is not resumed: it gets no replay and is live from now on", async (what, since) => {
  const room = what.replaceAll(" ", "-");
  const writer = await connect(server, { room, token: ben.token });
  const { epoch } = await writer.next("joined");
  await post(writer, room, 1, 3);
  const reader = await connect(server, { room, since: since(epoch), token: ada.token });
  expect(await reader.next("joined")).toMatchObject({ room, epoch, version: 3, resumed: false });
  expect(await reader.next("synced")).toMatchObject({ version: 3 });
  await post(writer, room, 4, 4);
  expect(await reader.next("message")).toMatchObject({ version: 4, prev: 3 });
  expect(reader.frames.filter(({ type }) => type === "message")).toHaveLength(1);
  for (const each of [writer, reader]) each.close();
});

test("a repeated join restarts the subscription at the given position", async () => {
  const socket = await connect(server, { room: "again", token: ada.token });
  const { epoch } = await socket.next("joined");
  await post(socket, "again", 1, 4);
  await socket.take("message", 4);
  expect(await socket.ask({ type: "join", room: "again", since: `${epoch}.2` })).toMatchObject({
    type: "ok",
  });
  expect(await socket.next("joined")).toMatchObject({ resumed: true, version: 4 });
  expect((await socket.take("message", 2)).map(({ id, replay }) => [id, replay])).toEqual([
    [3, true],
    [4, true],
  ]);
  await post(socket, "again", 5, 5);
  expect(await socket.next("message")).toMatchObject({ id: 5, prev: 4 });
  expect(socket.frames.filter(({ id }) => id === 5)).toHaveLength(2); // its ack, and the message once
  socket.close();
});

test("a client that comes and goes while others write gets every message once, in order", async () => {
  const room = "flapping";
  const writer = await connect(server, { room, token: ben.token });
  const { epoch } = await writer.next("joined");
  let done = false;
  const writing = (async () => {
    for (let first = 1; first <= 1500; first += 30) await post(writer, room, first, first + 29);
    done = true;
  })();
  const held: number[] = [];
  for (let last = false; !last;) {
    last = done;
    const version = held.at(-1) ?? 0;
    const socket = await connect(server, { room, since: `${epoch}.${version}`, token: ada.token });
    expect(await socket.next("joined")).toMatchObject({ resumed: true });
    await socket.next("synced");
    if (!last) await Promise.race([socket.next("message"), writing]);
    // All frames so far, live and replayed.
    for (const frame of socket.frames) if (frame.type === "message") held.push(Number(frame.version));
    socket.close();
  }
  await writing;
  expect(held).toEqual(numbers(1, 1500));
  writer.close();
}, 15_000);

test("10,000 changes are replayed; a client further behind starts again and is told so", async () => {
  const room = "far-behind";
  const writer = await connect(server, { token: ben.token });
  const chunk = 2_000;
  for (let first = 1; first <= 10_001; first += chunk)
    await post(writer, room, first, Math.min(10_001, first + chunk - 1));
  await writer.ask({ type: "join", room });
  const { epoch } = await writer.next("joined");
  const near = await connect(server, { room, since: `${epoch}.1`, token: ada.token });
  expect(await near.next("joined")).toMatchObject({ resumed: true, version: 10_001 });
  expect(await near.next("synced")).toMatchObject({ version: 10_001 });
  const replayed = near.frames.filter(({ type }) => type === "message").map(({ version }) => version);
  expect(replayed).toEqual(numbers(2, 10_001));
  const far = await connect(server, { room, since: `${epoch}.0`, token: ada.token });
  expect(await far.next("joined")).toMatchObject({ resumed: false, version: 10_001 });
  expect(await far.next("synced")).toMatchObject({ version: 10_001 });
  expect(far.frames.filter(({ type }) => type === "message")).toEqual([]);
  for (const each of [writer, near, far]) each.close();
}, 20_000);

import { expect, test } from "bun:test";
import fc from "fast-check";
import { liveEvent } from "../../src/chat/codecs/encode.ts";
import { HARD_LIMIT, SEND_ROOM, SOFT_LIMIT, UNSEEN_MAX } from "../../src/chat/limits.ts";
import { until } from "../support/until.ts";
import { createNode, post } from "./node.ts";
import { createTestSocket, fanoutTo } from "./sockets.ts";

// A reader that is not fast enough lags. It is not cut, whatever the sizes, and whenever it reads a little. Found with
// real sockets on a busy machine: a reader went live right after a page that had all but filled its socket; and texts
// were counted in characters, which take up to six bytes each.

const ROOMS = ["sea", "lake"];
const SLOW = ["v1", "v1", "v1", "plain"] as const;
const FILLINGS = ["x", "あ", "\u0001", '"'];

const publish = fc.record({
  do: fc.constant("publish" as const),
  count: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat({ max: 60 }) }),
  chars: fc.oneof(fc.nat({ max: 10_000 }), fc.nat({ max: 100 })),
  filling: fc.constantFrom(...FILLINGS),
  room: fc.constantFrom(...ROOMS),
});
const reader = fc.nat({ max: SLOW.length - 1 });
const step = fc.oneof(
  { weight: 6, arbitrary: publish },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("read" as const), reader, bytes: fc.nat({ max: 600_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("ask" as const), reader }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
);

const range = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/** A node with slow readers in both rooms (the plain one in the sea alone), and one who is prompt. */
async function stage() {
  const slow = SLOW.map(() => createTestSocket());
  const prompt = createTestSocket({ prompt: true });
  const all = [...slow, prompt];
  const fanout = fanoutTo(all);
  const node = createNode({ fanout });
  const connections = all.map(({ socket }, index) => {
    const { connection } = node.connect({ socket, format: SLOW[index] ?? "v1" });
    if (SLOW[index] !== "plain") connection.receive(JSON.stringify({ type: "join", room: "lake", ref: 1 }));
    return connection;
  });
  await until(() => all.every(({ synced, topics }) => topics.has("plain:sea") || ROOMS.every(synced)));
  const last = (room: string) => node.database.counters([room]).versions.get(room) ?? 0;
  return {
    slow,
    prompt,
    connections,
    last,
    async turn() {
      await new Promise<void>((resolve) => setImmediate(resolve));
      for (const { show } of all) show();
    },
    /** A range of another node. Whether it may be too much for sockets whose newest bytes are out of sight. */
    publish(room: string, contents: readonly string[]): boolean {
      const from = last(room);
      node.database.commitNew(contents.map((content) => post(crypto.randomUUID(), content, room)));
      const { messages: states } = node.database.messages(room, { after: from }, contents.length);
      const bytes = states.map((message) => Buffer.byteLength(liveEvent(room, message, from, from)));
      const sum = bytes.reduce((total, each) => total + each, 0) + 1_000; // `prev` is longer for some
      const tooMuch = Math.max(0, fanout.hidden() - SOFT_LIMIT) + sum > UNSEEN_MAX;
      node.changed({
        epoch: node.database.epoch,
        room,
        from: from + 1,
        to: from + contents.length,
        states,
      });
      return tooMuch;
    },
    async stop() {
      for (const connection of connections) connection.ended();
      await node.chat.stop();
    },
  };
}

test("who does not read is taken off the live feed before its socket is full, and loses nothing", async () => {
  let lagged = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 150 }), async (steps) => {
      const { slow, prompt, connections, last, ...at } = await stage();
      let refs = 1;
      for (const each of steps) {
        if (each.do === "turn") await at.turn();
        if (each.do === "read") {
          slow[each.reader]?.read(each.bytes);
          connections[each.reader]?.drained();
        }
        if (each.do === "ask" && SLOW[each.reader] === "v1")
          connections[each.reader]?.receive(
            JSON.stringify({ type: "history", room: "sea", limit: 200, ref: ++refs }),
          );
        if (each.do === "publish") {
          const before = prompt.count("lagging");
          const contents = Array.from(
            { length: each.count },
            () => each.filling.repeat(each.chars) || "ahoy",
          );
          const tooMuch = each.count > 0 && at.publish(each.room, contents);
          // Who reads at once does so without a break, but where it cannot be seen that all others have room.
          await until(() => prompt.topics.size === ROOMS.length);
          if (!tooMuch) expect(prompt.count("lagging")).toBe(before);
        }
      }
      lagged += slow.reduce((sum, { count }) => sum + count("lagging"), 0);

      // All read on: each has had each version once, in order.
      const has = (room: string, index: number) =>
        (slow[index] ?? prompt).versions(room, SLOW[index] ?? "v1");
      const complete = () =>
        connections.every((_, index) =>
          ROOMS.every(
            (room) => (room === "lake" && SLOW[index] === "plain") || has(room, index).at(-1) === last(room),
          ),
        );
      for (const room of ROOMS) at.publish(room, ["the last word"]);
      for (let round = 0; round < 10_000 && !complete(); round++) {
        await at.turn();
        slow.forEach((socket, index) => {
          socket.read(Infinity);
          connections[index]?.drained();
        });
      }
      connections.forEach((_, index) => {
        expect(has("sea", index)).toEqual(range(last("sea")));
        expect(has("lake", index)).toEqual(SLOW[index] === "plain" ? [] : range(last("lake")));
      });
      expect(slow.map(({ closed }) => closed)).toEqual(slow.map(() => undefined));
      expect(Math.max(...slow.map(({ most }) => most))).toBeLessThanOrEqual(HARD_LIMIT - SEND_ROOM);
      await at.stop();
    }),
    { numRuns: 100 },
  );
  expect(lagged).toBeGreaterThan(0);
}, 60_000);

test("a room of plain readers alone is bounded as well", async () => {
  const socket = createTestSocket();
  const node = createNode({ fanout: fanoutTo([socket]) });
  const { connection } = node.connect({ socket: socket.socket, format: "plain" });
  await until(() => socket.topics.size === 1);
  for (let version = 1; version <= 100; version++) {
    node.database.commitNew([post(crypto.randomUUID(), "x".repeat(20_000))]);
    const { messages: states } = node.database.messages("sea", { after: version - 1 }, 1);
    node.changed({ epoch: node.database.epoch, room: "sea", from: version, to: version, states });
  }
  expect(socket.closed).toBeUndefined();
  expect(socket.most).toBeLessThan(SOFT_LIMIT + UNSEEN_MAX + 30_000);
  connection.ended();
  await node.chat.stop();
});

test("under the soft limit at a look, then as much as there may be before the next, a page and an answer: it fits", async () => {
  const socket = createTestSocket();
  const elsewhere = createTestSocket({ prompt: true });
  const gate = Promise.withResolvers<void>();
  let readings = 0;
  const gated = async <T>(read: () => T) => {
    readings++;
    await gate.promise;
    return read();
  };
  const node = createNode({
    fanout: fanoutTo([socket, elsewhere]),
    replace: (database) => ({
      changesSince: (room, after) => gated(() => database.changesSince(room, after)),
      messages: (room, range, limit) => gated(() => database.messages(room, range, limit)),
    }),
  });
  const publish = (room: string, bytes: number, count = 1) => {
    const from = node.database.counters([room]).versions.get(room) ?? 0;
    const envelope = 300;
    const content = "x".repeat(Math.floor(bytes / count) - envelope);
    node.database.commitNew(Array.from({ length: count }, () => post(crypto.randomUUID(), content, room)));
    const { messages: states } = node.database.messages(room, { after: from }, count);
    node.changed({ epoch: node.database.epoch, room, from: from + 1, to: from + count, states });
  };
  node.database.commitNew(
    Array.from({ length: 20 }, () => post(crypto.randomUUID(), "x".repeat(10_000), "lake")),
  );
  const { connection } = node.connect({ socket: socket.socket });
  const other = node.connect({ socket: elsewhere.socket }).connection;
  other.receive(JSON.stringify({ type: "join", room: "pond", ref: 1 }));
  await until(() => socket.synced("sea") && elsewhere.synced("pond"));

  publish("sea", SOFT_LIMIT - 3_000, 10);
  publish("pond", UNSEEN_MAX - SOFT_LIMIT);
  publish("pond", 8_000); // more than goes unseen: all are looked at, and none is over the limit
  expect(socket.count("lagging")).toBe(0);
  const since = { epoch: node.database.epoch, version: 0 };
  connection.receive(JSON.stringify({ type: "join", room: "lake", since: `${since.epoch}.0`, ref: 1 }));
  connection.receive(JSON.stringify({ type: "history", room: "lake", limit: 20, ref: 2 }));
  await until(() => readings === 2); // both were let in
  gate.resolve();
  await until(() => socket.heard.some(({ ref }) => ref === 2) && socket.versions("lake").length > 0);
  publish("sea", UNSEEN_MAX - 10_000, 10);
  expect(socket.versions("sea")).toHaveLength(20);
  connection.receive(JSON.stringify({ type: "ping", ref: 3 }));
  await until(() => socket.heard.some(({ ref }) => ref === 3));
  expect(socket.closed).toBeUndefined();
  expect(socket.most).toBeGreaterThan(HARD_LIMIT - SEND_ROOM - 128 * 1024);
  for (const each of [connection, other]) each.ended();
  await node.chat.stop();
});

test("joins of many rooms wait for their reader, and leave room for what is live", async () => {
  const socket = createTestSocket();
  const { chat, connect } = createNode({ fanout: fanoutTo([socket]), roomsPerSocket: 5_000 });
  const { connection } = connect({ socket: socket.socket });
  await until(() => socket.synced("sea"));
  const ROOMS_ASKED = 4_000;
  const join = (number: number) =>
    connection.receive(JSON.stringify({ type: "join", room: `${"r".repeat(58)}${number}`, ref: number }));
  for (let number = 1; number <= ROOMS_ASKED; number++) join(number);
  await until(() => socket.socket.buffered() > SOFT_LIMIT);
  for (let turns = 0; turns < 20; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
  expect(socket.most).toBeLessThan(SOFT_LIMIT + 1_000);
  expect(socket.count("ok")).toBeLessThan(ROOMS_ASKED);
  while (socket.count("ok") < ROOMS_ASKED) {
    socket.read(Infinity);
    connection.drained();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(socket.closed).toBeUndefined();
  connection.ended();
  await chat.stop();
}, 20_000);

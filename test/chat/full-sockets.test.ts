import { expect, test } from "bun:test";
import fc from "fast-check";
import { HARD_LIMIT, SEND_ROOM, SOFT_LIMIT, UNSEEN_MAX } from "../../src/chat/limits.ts";
import { afterTurns } from "../support/after-turns.ts";
import { v1, upTo } from "../support/stubs.ts";
import { until } from "../support/until.ts";
import { createNode, post } from "./node.ts";
import { createTestSocket, fanoutTo } from "./sockets.ts";

// A slow reader lags but is never cut, whatever the sizes of messages and reads are. Real sockets on a busy machine showed
// two ways to be cut: going live right after a page that nearly filled the socket, and counting texts in characters,
// which take up to six bytes each.

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

/** A node with one prompt reader and slow readers, all in both rooms except the plain one, which is in `sea` only. */
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
    /** Delivers a range of another node. Returns true if it may be too much while the newest bytes are hidden. */
    publish(room: string, contents: readonly string[]): boolean {
      const from = last(room);
      node.database.commitNew(contents.map((content) => post(crypto.randomUUID(), content, room)));
      const { messages: states } = node.database.messages(room, { after: from }, upTo(contents.length));
      const sum = Buffer.byteLength(
        v1
          .live(room, states, from)
          .map(({ text }) => text)
          .join(""),
      );
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

test("a slow reader leaves the live topic before its socket is full, and loses nothing", async () => {
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
          // A prompt reader never lags, unless nothing shows that all other sockets have room.
          await until(() => prompt.topics.size === ROOMS.length);
          if (!tooMuch) expect(prompt.count("lagging")).toBe(before);
        }
      }
      lagged += slow.reduce((sum, { count }) => sum + count("lagging"), 0);

      // Everyone reads on, and gets each version once, in order.
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

test("the sockets of a room with only plain readers are bounded too", async () => {
  const socket = createTestSocket();
  const node = createNode({ fanout: fanoutTo([socket]) });
  const { connection } = node.connect({ socket: socket.socket, format: "plain" });
  await until(() => socket.topics.size === 1);
  for (let version = 1; version <= 100; version++) {
    node.database.commitNew([post(crypto.randomUUID(), "x".repeat(20_000))]);
    const { messages: states } = node.database.messages("sea", { after: version - 1 }, upTo(1));
    node.changed({ epoch: node.database.epoch, room: "sea", from: version, to: version, states });
  }
  expect(socket.closed).toBeUndefined();
  expect(socket.most).toBeLessThan(SOFT_LIMIT + UNSEEN_MAX + 30_000);
  connection.ended();
  await node.chat.stop();
});

test("a socket just under the soft limit takes all unseen publishes, a page and a reply without being cut", async () => {
  const socket = createTestSocket();
  const elsewhere = createTestSocket({ prompt: true });
  const gate = Promise.withResolvers<void>();
  let reads = 0;
  const gated = async <T>(read: () => T) => {
    reads++;
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
    const { messages: states } = node.database.messages(room, { after: from }, upTo(count));
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
  publish("pond", 8_000); // beyond what may go unseen: all sockets are checked, and none is over the limit
  expect(socket.count("lagging")).toBe(0);
  const since = { epoch: node.database.epoch, version: 0 };
  connection.receive(JSON.stringify({ type: "join", room: "lake", since: `${since.epoch}.0`, ref: 1 }));
  connection.receive(JSON.stringify({ type: "history", room: "lake", limit: 20, ref: 2 }));
  await until(() => reads === 2); // both reads have begun
  gate.resolve();
  await until(() => socket.received.some(({ ref }) => ref === 2) && socket.versions("lake").length > 0);
  publish("sea", UNSEEN_MAX - 10_000, 10);
  expect(socket.versions("sea")).toHaveLength(20);
  connection.receive(JSON.stringify({ type: "ping", ref: 3 }));
  await until(() => socket.received.some(({ ref }) => ref === 3));
  expect(socket.closed).toBeUndefined();
  expect(socket.most).toBeGreaterThan(HARD_LIMIT - SEND_ROOM - 128 * 1024);
  for (const each of [connection, other]) each.ended();
  await node.chat.stop();
});

test("joins of many rooms wait until the socket drains, and leave room for live messages", async () => {
  const socket = createTestSocket();
  const { chat, connect } = createNode({ fanout: fanoutTo([socket]), roomsPerSocket: 5_000 });
  const { connection } = connect({ socket: socket.socket });
  await until(() => socket.synced("sea"));
  const JOINED = 4_000;
  const join = (number: number) =>
    connection.receive(JSON.stringify({ type: "join", room: `${"r".repeat(58)}${number}`, ref: number }));
  for (let number = 1; number <= JOINED; number++) join(number);
  await until(() => socket.socket.buffered() > SOFT_LIMIT);
  await afterTurns();
  expect(socket.most).toBeLessThan(SOFT_LIMIT + 1_000);
  expect(socket.count("ok")).toBeLessThan(JOINED);
  while (socket.count("ok") < JOINED) {
    socket.read(Infinity);
    connection.drained();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(socket.closed).toBeUndefined();
  connection.ended();
  await chat.stop();
}, 20_000);

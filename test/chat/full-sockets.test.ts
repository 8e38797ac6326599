import { expect, test } from "bun:test";
import fc from "fast-check";
import { HARD_LIMIT } from "../../src/chat/limits.ts";
import type { Fanout, Socket } from "../../src/chat/ports.ts";
import { until } from "../support/until.ts";
import { createNode, post } from "./node.ts";

// A reader that is not fast enough lags. It is not cut, whatever the sizes, and whenever it reads a little. Found with
// real sockets on a busy machine: a reader went live right after a page that had all but filled its socket; and texts
// were counted in characters, which take up to six bytes each.

/** How the runtime writes: see ws/outgoing.ts. */
const HELD_BACK = { frames: 32, bytes: 16 * 1024 };

/** A socket whose client reads as much as it is told to; what was published in a turn it may not show before the next. */
function createSlowSocket() {
  const topics = new Set<string>();
  let waiting = 0;
  let most = 0;
  let closed: number | undefined;
  let held: number[] = [];
  const sum = () => held.reduce((total, bytes) => total + bytes, 0);
  const show = () => void (held = []);
  const put = (frame: string) => {
    waiting += Buffer.byteLength(frame);
    most = Math.max(most, waiting);
  };
  const socket: Socket = {
    send(frame) {
      show();
      put(frame);
    },
    buffered: () => waiting - sum(),
    subscribe: (topic) => void topics.add(topic),
    unsubscribe: (topic) => void topics.delete(topic),
    pause() {},
    resume() {},
    close: (code) => void (closed = code),
  };
  return {
    socket,
    topics,
    show,
    published(frame: string) {
      const bytes = Buffer.byteLength(frame);
      if (held.length === HELD_BACK.frames || bytes >= HELD_BACK.bytes) show();
      if (bytes < HELD_BACK.bytes) held.push(bytes);
      put(frame);
    },
    read: (bytes: number) => void (waiting = Math.max(0, waiting - bytes)),
    hidden: sum,
    get waiting() {
      return waiting;
    },
    get most() {
      return most;
    },
    get closed() {
      return closed;
    },
  };
}

const FILLINGS = ["x", "あ", "\u0001", '"'];
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      count: fc.oneof(
        { weight: 3, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.nat({ max: 60 }) },
      ),
      chars: fc.oneof(fc.nat({ max: 10_000 }), fc.nat({ max: 100 })),
      filling: fc.constantFrom(...FILLINGS),
      room: fc.constantFrom("sea", "lake"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      reader: fc.nat({ max: 3 }),
      bytes: fc.nat({ max: 600_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("ask" as const), reader: fc.nat({ max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
);

test("who does not read is taken off the live feed before its socket is full", async () => {
  let lagged = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 150 }), async (steps) => {
      const slow = Array.from({ length: 4 }, createSlowSocket);
      const fanout: Fanout = {
        publish(topic, frame) {
          const subscribed = slow.filter(({ topics }) => topics.has(topic));
          for (const each of subscribed) each.published(frame);
          return subscribed.some(({ socket }) => socket.buffered() > 0);
        },
        hidden: () => Math.max(...slow.map(({ hidden }) => hidden())),
      };
      const { chat, database, connect, changed } = createNode({ fanout });
      const readers = slow.map(({ socket }) => connect({ socket }));
      const turn = async () => {
        await new Promise<void>((resolve) => setImmediate(resolve));
        for (const { show } of slow) show();
      };
      const joined = (room: string) =>
        readers.every(({ frames }) => frames.some((frame) => frame.type === "synced" && frame.room === room));
      await until(() => joined("sea"));
      for (const { connection } of readers)
        connection.receive(JSON.stringify({ type: "join", room: "lake", ref: 1 }));
      await until(() => joined("lake"));

      let number = 0;
      for (const each of steps) {
        if (each.do === "turn") await turn();
        if (each.do === "read") {
          slow[each.reader]?.read(each.bytes);
          readers[each.reader]?.connection.drained();
        }
        if (each.do === "ask")
          readers[each.reader]?.connection.receive(
            JSON.stringify({ type: "history", room: "sea", limit: 200, ref: ++number }),
          );
        if (each.do === "publish" && each.count > 0) {
          const { room, count, chars, filling } = each;
          const from = database.counters([room]).versions.get(room) ?? 0;
          const posts = Array.from({ length: count }, () =>
            post(crypto.randomUUID(), filling.repeat(chars) || "ahoy", room),
          );
          database.commitNew(posts);
          const { messages } = database.messages(room, { after: from }, count);
          changed({ epoch: database.epoch, room, from: from + 1, to: from + count, states: messages });
        }
      }

      expect(slow.map(({ closed }) => closed)).toEqual(slow.map(() => undefined));
      expect(Math.max(...slow.map(({ most }) => most))).toBeLessThanOrEqual(HARD_LIMIT);
      lagged += readers.flatMap(({ frames }) => frames).filter(({ type }) => type === "lagging").length;
      for (const { connection } of readers) connection.ended();
      await chat.stop();
    }),
    { numRuns: 100 },
  );
  expect(lagged).toBeGreaterThan(0);
}, 60_000);

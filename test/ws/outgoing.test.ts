import { expect, test } from "bun:test";
import fc from "fast-check";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import type { Socket } from "../../src/chat/ports.ts";
import { systemClock } from "../../src/clock.ts";
import { createOutgoing } from "../../src/ws/outgoing.ts";
import { until } from "../support/until.ts";

// Frames of one turn arrive in the order of the calls, however many a topic has: those of few are written to one by
// one, those of more by the runtime, and a topic may grow from the one to the other between two frames.

const READERS = 7;
const TOPICS = ["tea", "coffee"];
/** Thirty-two frames of some kilobytes: less, and nothing was held back. */
const HELD_BACK_OFTEN = 40_000;

type Step =
  | { readonly do: "send" | "subscribe" | "unsubscribe"; readonly reader: number; readonly topic: string }
  | { readonly do: "publish"; readonly topic: string }
  | { readonly do: "wait" };

const reader = fc.nat({ max: READERS - 1 });
const topic = fc.constantFrom(...TOPICS);
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("publish" as const), topic }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("subscribe" as const), reader, topic }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom("send" as const, "unsubscribe"), reader, topic }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
  ) as fc.Arbitrary<Step>,
  { minLength: 20, maxLength: 80 },
);

/** A server with so many sockets; what each of them hears. */
async function stage() {
  const server: Bun.Server<undefined> = Bun.serve<undefined>({
    port: 0,
    reusePort: false,
    fetch: (request) => (server.upgrade(request) ? undefined : new Response()),
    websocket: {
      backpressureLimit: 64 * 1024 * 1024,
      open: (ws) => void sockets.push(outgoing.socket(ws as never)),
      message() {},
    },
  });
  const outgoing = createOutgoing(() => server as never, systemClock);
  const sockets: Socket[] = [];
  const heard: string[][] = [];
  const clients: WebSocket[] = [];
  for (let index = 0; index < READERS; index++) {
    const client = new WebSocket(server.url.href.replace("http", "ws"));
    const frames: string[] = [];
    client.onmessage = ({ data }) => void frames.push(data);
    clients.push(client);
    heard.push(frames);
    await until(() => sockets.length === index + 1); // one after the other: the sockets stand in the same order
  }
  return {
    outgoing,
    sockets,
    heard,
    stop: () => server.stop(true),
  };
}

test("whoever is subscribed hears exactly what is published meanwhile, and what is sent, in the order of the calls", async () => {
  const { outgoing, sockets, heard, stop } = await stage();
  let number = 0;
  try {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const subscribed = new Set<string>();
        const expected: string[][] = Array.from({ length: READERS }, () => []);
        for (const frames of heard) frames.length = 0;
        const send = (to: number) => {
          const frame = `sent ${++number}`;
          expected[to]?.push(frame);
          sockets[to]?.send(frame);
        };
        for (const step of plan) {
          if (step.do === "wait") await new Promise((resolve) => setImmediate(resolve));
          else if (step.do === "send") send(step.reader);
          else if (step.do === "publish") {
            const frame = `published ${++number}`;
            for (let to = 0; to < READERS; to++)
              if (subscribed.has(`${to} ${step.topic}`)) expected[to]?.push(frame);
            outgoing.publish(step.topic, frame);
          } else {
            const key = `${step.reader} ${step.topic}`;
            // As a feed does: it subscribes once, and leaves once.
            if (subscribed.has(key) === (step.do === "subscribe")) continue;
            if (step.do === "subscribe") subscribed.add(key);
            else subscribed.delete(key);
            sockets[step.reader]?.[step.do](step.topic);
          }
        }
        for (const key of subscribed)
          sockets[Number(key.split(" ")[0])]?.unsubscribe(key.split(" ")[1] ?? "");
        for (let to = 0; to < READERS; to++) send(to); // the last frame of each
        await until(() => heard.every((frames, to) => frames.at(-1) === expected[to]?.at(-1)));
        expect(heard).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  } finally {
    await stop();
  }
}, 30_000);

test("a publish tells of bytes that wait, in a topic of few as in one of many", async () => {
  for (const size of [1, READERS]) {
    const { outgoing, sockets, heard, stop } = await stage();
    try {
      for (const socket of sockets.slice(0, size)) socket.subscribe("tea");
      expect(outgoing.publish("tea", "small")).toBe(false);
      await until(() => heard[0]?.length === 1);
      expect(outgoing.publish("tea", "still small")).toBe(false);
      // More than the kernel takes at once, so that some of it waits until the reader's turn comes.
      const large = "x".repeat(24 * 1024 * 1024);
      outgoing.publish("tea", large);
      await Promise.resolve(); // what was gathered is written
      expect(outgoing.publish("tea", "after it")).toBe(true);
    } finally {
      await stop();
    }
  }
});

// The runtime keeps small frames of a turn back, which no document tells: were it to keep more, sockets would fill unseen.
test("no more is hidden of what was published than is said, whatever the sizes", async () => {
  const { outgoing, sockets, stop } = await stage();
  try {
    for (const socket of sockets) socket.subscribe("tea");
    outgoing.publish("tea", "x".repeat(24 * 1024 * 1024)); // more than the kernel takes: from here on all of it waits
    const [socket] = sockets as [Socket];
    let hidden = 0;
    let most = 0;
    for (const size of fc.sample(fc.oneof(fc.nat({ max: 400 }), fc.nat({ max: 8_000 })), 2_000)) {
      const before = socket.buffered();
      outgoing.publish("tea", "é".repeat(size));
      const shown = socket.buffered() - before;
      // What was held back comes together; with the newest frame, or but for that.
      hidden = shown === 0 ? hidden + 2 * size : shown >= hidden + 2 * size ? 0 : 2 * size;
      expect(hidden).toBeLessThanOrEqual(outgoing.hidden());
      most = Math.max(most, hidden);
    }
    expect(most).toBeGreaterThan(HELD_BACK_OFTEN);
    await until(() => outgoing.hidden() === 0);
    // No more than there was, in bytes; and nothing of large ones.
    for (let number = 0; number < 40; number++) outgoing.publish("tea", "x".repeat(16 * 1024));
    expect(outgoing.hidden()).toBe(0);
    outgoing.publish("tea", "あ".repeat(2_000));
    outgoing.publish("tea", "short");
    expect(outgoing.hidden()).toBe(6_005);
  } finally {
    await stop();
  }
});

// A reader that is prompt never drains, since nothing of its waits: it would stand there as slow until it is closed.
test("what a turn gathers for a socket is not taken for what waits", async () => {
  const { outgoing, sockets, heard, stop } = await stage();
  try {
    const [socket] = sockets as [Socket];
    const frame = "x".repeat(30_000);
    for (let number = 0; number < 30; number++) {
      socket.send(frame);
      expect(socket.buffered()).toBeLessThan(SOFT_LIMIT / 2);
    }
    await until(() => heard[0]?.length === 30);
    socket.send("a little");
    expect(socket.buffered()).toBeGreaterThan(0);
    outgoing.hidden(); // all that can be is written
    expect(socket.buffered()).toBe(0);
  } finally {
    await stop();
  }
});

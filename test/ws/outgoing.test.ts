import { expect, test } from "bun:test";
import fc from "fast-check";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import type { Socket } from "../../src/chat/ports.ts";
import { systemClock } from "../../src/clock.ts";
import { createOutgoing } from "../../src/ws/outgoing.ts";
import { until } from "../support/until.ts";

// Frames of one turn arrive in the order of the calls, however many subscribers a topic has. Topics with few
// are written socket by socket, larger ones by the runtime, and a topic may switch between two frames.

const READERS = 7;
const TOPICS = ["tea", "coffee"];
/**
 * Bun holds back up to 32 frames of a few kilobytes each. A smaller maximum means that it held nothing back.
 */
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

/** Starts a server with {@link READERS} sockets and records what each receives. */
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
  const received: string[][] = [];
  const clients: WebSocket[] = [];
  for (let index = 0; index < READERS; index++) {
    const client = new WebSocket(server.url.href.replace("http", "ws"));
    const frames: string[] = [];
    client.onmessage = ({ data }) => void frames.push(data);
    clients.push(client);
    received.push(frames);
    await until(() => sockets.length === index + 1); // One by one, so that sockets and clients have the same order.
  }
  return {
    outgoing,
    sockets,
    received,
    stop: () => server.stop(true),
  };
}

test("subscribers receive exactly what is published while they are subscribed and what is sent to them, in the order of the calls", async () => {
  const { outgoing, sockets, received, stop } = await stage();
  let number = 0;
  try {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const subscribed = new Set<string>();
        const expected: string[][] = Array.from({ length: READERS }, () => []);
        for (const frames of received) frames.length = 0;
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
            // Like a feed, subscribe and unsubscribe once each.
            if (subscribed.has(key) === (step.do === "subscribe")) continue;
            if (step.do === "subscribe") subscribed.add(key);
            else subscribed.delete(key);
            sockets[step.reader]?.[step.do](step.topic);
          }
        }
        for (const key of subscribed)
          sockets[Number(key.split(" ")[0])]?.unsubscribe(key.split(" ")[1] ?? "");
        for (let to = 0; to < READERS; to++) send(to); // A last frame for each.
        await until(() => received.every((frames, to) => frames.at(-1) === expected[to]?.at(-1)));
        expect(received).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  } finally {
    await stop();
  }
}, 30_000);

test("publish reports a backlog, in topics with few subscribers and with many", async () => {
  for (const size of [1, READERS]) {
    const { outgoing, sockets, received, stop } = await stage();
    try {
      for (const socket of sockets.slice(0, size)) socket.subscribe("tea");
      expect(outgoing.publish("tea", "small")).toBe(false);
      await until(() => received[0]?.length === 1);
      expect(outgoing.publish("tea", "still small")).toBe(false);
      // More than the kernel takes at once, so that a part of it has to wait.
      const large = "x".repeat(24 * 1024 * 1024);
      outgoing.publish("tea", large);
      await Promise.resolve(); // The gathered frames are written.
      expect(outgoing.publish("tea", "after it")).toBe(true);
    } finally {
      await stop();
    }
  }
});

// Bun holds back small frames of a turn, which is undocumented. If it held back more than `hidden` reports,
// backlogs would go unnoticed.
test("hidden() is an upper bound of the bytes that Bun holds back, for frames of any size", async () => {
  const { outgoing, sockets, stop } = await stage();
  try {
    for (const socket of sockets) socket.subscribe("tea");
    outgoing.publish("tea", "x".repeat(24 * 1024 * 1024)); // More than the kernel takes: from here on everything waits.
    const [socket] = sockets as [Socket];
    let hidden = 0;
    let most = 0;
    for (const size of fc.sample(fc.oneof(fc.nat({ max: 400 }), fc.nat({ max: 8_000 })), 2_000)) {
      const before = socket.buffered();
      outgoing.publish("tea", "é".repeat(size));
      const shown = socket.buffered() - before;
      // Held-back frames are written together, either with the newest frame or without it.
      hidden = shown === 0 ? hidden + 2 * size : shown >= hidden + 2 * size ? 0 : 2 * size;
      expect(hidden).toBeLessThanOrEqual(outgoing.hidden());
      most = Math.max(most, hidden);
    }
    expect(most).toBeGreaterThan(HELD_BACK_OFTEN);
    await until(() => outgoing.hidden() === 0);
    // Large frames do not count, and the bound is never more than the bytes that were published.
    for (let number = 0; number < 40; number++) outgoing.publish("tea", "x".repeat(16 * 1024));
    expect(outgoing.hidden()).toBe(0);
    outgoing.publish("tea", "あ".repeat(2_000));
    outgoing.publish("tea", "short");
    expect(outgoing.hidden()).toBe(6_005);
  } finally {
    await stop();
  }
});

// A prompt reader never gets a drain event, because nothing waits. If gathered bytes counted as backlog, it
// would pass for slow until it is closed.
test("frames that a turn gathers for a socket do not count as its backlog", async () => {
  const { outgoing, sockets, received, stop } = await stage();
  try {
    const [socket] = sockets as [Socket];
    const frame = "x".repeat(30_000);
    for (let number = 0; number < 30; number++) {
      socket.send(frame);
      expect(socket.buffered()).toBeLessThan(SOFT_LIMIT / 2);
    }
    await until(() => received[0]?.length === 30);
    socket.send("a little");
    expect(socket.buffered()).toBeGreaterThan(0);
    outgoing.hidden(); // Writes everything that can be written.
    expect(socket.buffered()).toBe(0);
  } finally {
    await stop();
  }
});

import { expect, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import type { SocketData } from "../../src/ws/sockets.ts";
import { createOutgoing } from "../../src/ws/outgoing.ts";
import { passFor, upTo } from "../support/stubs.ts";
import { until } from "../support/until.ts";
import { createNode, post } from "./node.ts";
import { createTestSocket, fanoutTo } from "./sockets.ts";

// Slow readers do not make prompt ones lag.

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test.each([
  [1_000, "x".repeat(10)],
  [1_000, "x".repeat(128)],
  [30, "x".repeat(10_000)],
  [30, "あ".repeat(10_000)],
  [30, `x${"\u0001".repeat(9_999)}`],
])(
  "%i messages sent at once reach all prompt readers live, however long they are: %#",
  async (count, content) => {
    const sockets = [1, 2, 3].map(() => createTestSocket({ prompt: true }));
    const { chat, connect } = createNode({ fanout: fanoutTo(sockets) });
    const { person } = passFor({ userId: 1, username: "ada" }, "sea");
    const connections = sockets.map(({ socket }) => connect({ socket }).connection);
    await until(() => sockets.every(({ synced }) => synced("sea")));
    const draft = { kind: "post", content, data: null, replyTo: null } as const;
    await Promise.all(
      Array.from({ length: count }, () =>
        chat.submit(person, "sea", { ...draft, clientId: crypto.randomUUID() }),
      ),
    );
    for (const { received, versions } of sockets) {
      expect(versions("sea")).toHaveLength(count);
      expect(received.some(({ type, replay }) => type === "lagging" || replay)).toBe(false);
    }
    for (const connection of connections) connection.ended();
    await chat.stop();
  },
);

test("a slow reader and a long message in one room do not make readers of other rooms lag", async () => {
  const prompt = Array.from({ length: 20 }, () => createTestSocket({ prompt: true }));
  const slow = createTestSocket();
  const fanout = fanoutTo([...prompt, slow]);
  /** Checks of `buffered`: in the current turn, and altogether. */
  let checks = 0;
  let checksInAll = 0;
  // Bun's `publish` returns -1 if a subscriber has bytes waiting. Here the slow socket always has.
  const server = {
    publish: (topic: string, frame: string) => (fanout.publish(topic, frame) ? -1 : frame.length),
  } as unknown as Bun.Server<SocketData>;
  const outgoing = createOutgoing(() => server, systemClock);
  const { chat, connect, database, changed } = createNode({ fanout: outgoing });
  const connections = [...prompt, slow].map(({ socket }) => {
    const buffered = () => {
      checks++;
      checksInAll++;
      return socket.buffered();
    };
    return connect({ socket: { ...socket, buffered } }).connection;
  });
  await until(() => [...prompt, slow].every(({ synced }) => synced("sea")));
  prompt.forEach((_, index) => {
    connections[index]?.receive(JSON.stringify({ type: "leave", room: "sea", ref: 1 }));
    connections[index]?.receive(JSON.stringify({ type: "join", room: `room-${index}`, ref: 2 }));
  });
  await until(() => prompt.every(({ synced }, index) => synced(`room-${index}`)));

  const say = (room: string, chars: number) => {
    const from = database.counters([room]).versions.get(room) ?? 0;
    database.commitNew([post(crypto.randomUUID(), "x".repeat(chars), room)]);
    const { messages: states } = database.messages(room, { after: from }, upTo(1));
    changed({ epoch: database.epoch, room, from: from + 1, to: from + 1, states });
  };
  say("sea", 18_000);
  for (const size of [60, 4_000, 8_000, 15_700, 16_500]) {
    for (let turns = 0; turns < 10; turns++) {
      checks = 0;
      say("sea", 1); // the slow reader has bytes waiting
      for (let number = 0; number < 20; number++) say("room-0", size);
      for (let number = 0; number < 400; number++) say(`room-${number % 20}`, number < 20 ? 8_000 : 60);
      // Sockets are not checked for each message.
      expect(checks).toBeLessThanOrEqual(5 * connections.length);
      await turn();
      slow.show();
    }
  }
  expect(checksInAll).toBeGreaterThan(20 * connections.length);
  expect(prompt.map(({ count }) => count("lagging"))).toEqual(prompt.map(() => 0));
  for (const connection of connections) connection.ended();
  await chat.stop();
});

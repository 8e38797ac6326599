import { expect, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import type { SocketData } from "../../src/ws/door.ts";
import { createOutgoing } from "../../src/ws/outgoing.ts";
import { until } from "../support/until.ts";
import { createNode, post } from "./node.ts";
import { createTestSocket, fanoutTo } from "./sockets.ts";

// Who reads at once is not taken off the live feed for the sake of those who do not.

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test.each([
  [1_000, "x".repeat(10)],
  [1_000, "x".repeat(128)],
  [30, "x".repeat(10_000)],
  [30, "あ".repeat(10_000)],
  [30, "\u0001".repeat(10_000)],
])("what %i people say at once comes live to all, however long: %#", async (count, content) => {
  const sockets = [1, 2, 3].map(() => createTestSocket({ prompt: true }));
  const { chat, connect } = createNode({ fanout: fanoutTo(sockets) });
  const connections = sockets.map(({ socket }) => connect({ socket }).connection);
  await until(() => sockets.every(({ synced }) => synced("sea")));
  let answered = 0;
  for (let number = 0; number < count; number++)
    chat.committer.submit(post(crypto.randomUUID(), content), () => void answered++);
  await until(() => answered === count);
  for (const { heard, versions } of sockets) {
    expect(versions("sea")).toHaveLength(count);
    expect(heard.some(({ type, replay }) => type === "lagging" || replay)).toBe(false);
  }
  for (const connection of connections) connection.ended();
  await chat.stop();
});

test("one slow reader and a long message somewhere do not make those in other rooms lag", async () => {
  const prompt = Array.from({ length: 20 }, () => createTestSocket({ prompt: true }));
  const slow = createTestSocket();
  const fanout = fanoutTo([...prompt, slow]);
  let looks = 0;
  let looked = 0;
  // As the runtime has it; the slow socket's publishes tell of bytes that wait.
  const server = {
    publish: (topic: string, frame: string) => (fanout.publish(topic, frame) ? -1 : frame.length),
  } as unknown as Bun.Server<SocketData>;
  const outgoing = createOutgoing(() => server, systemClock);
  const { chat, connect, database, changed } = createNode({ fanout: outgoing });
  const connections = [...prompt, slow].map(({ socket }) => {
    const buffered = () => {
      looks++;
      looked++;
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
    const { messages: states } = database.messages(room, { after: from }, 1);
    changed({ epoch: database.epoch, room, from: from + 1, to: from + 1, states });
  };
  say("sea", 18_000);
  for (const size of [60, 4_000, 8_000, 15_700, 16_500]) {
    for (let turns = 0; turns < 10; turns++) {
      looks = 0;
      say("sea", 1); // somebody has bytes waiting
      for (let number = 0; number < 20; number++) say("room-0", size);
      for (let number = 0; number < 400; number++) say(`room-${number % 20}`, number < 20 ? 8_000 : 60);
      // Not for each message.
      expect(looks).toBeLessThanOrEqual(5 * connections.length);
      await turn();
      slow.show();
    }
  }
  expect(looked).toBeGreaterThan(20 * connections.length);
  expect(prompt.map(({ count }) => count("lagging"))).toEqual(prompt.map(() => 0));
  for (const connection of connections) connection.ended();
  await chat.stop();
});

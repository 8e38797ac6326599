import { expect, test } from "bun:test";
import { createWriter } from "../../src/chat/connection/writer.ts";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import { handClock } from "../support/hand-clock.ts";
import { until } from "../support/until.ts";
import { createNode, openSocket, post } from "./node.ts";
import { createTestSocket, fanoutTo } from "./sockets.ts";
import { upTo } from "../support/stubs.ts";

// Frames for a full socket wait until it has drained, and no longer.

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const turns = async (count: number) => {
  for (let number = 0; number < count; number++) await turn();
};

// A reader that is exactly as fast as the room never drains its socket completely.
test("commands get their replies while the reader is only as fast as the room", async () => {
  const socket = createTestSocket();
  const node = createNode({ fanout: fanoutTo([socket]) });
  const { connection } = node.connect({ socket: socket.socket });
  await until(() => socket.synced("sea"));
  let version = 0;
  const say = () => {
    node.database.commitNew([post(crypto.randomUUID(), "x".repeat(9_700))]);
    const { messages: states } = node.database.messages("sea", { after: version }, upTo(1));
    version++;
    node.changed({ epoch: node.database.epoch, room: "sea", from: version, to: version, states });
  };
  while (socket.most <= SOFT_LIMIT) say();
  await turn();
  socket.show();
  const commands = [{ type: "join", room: "lake" }, { type: "leave", room: "sea" }, { type: "ping" }];
  commands.forEach((command, ref) => connection.receive(JSON.stringify({ ...command, ref })));
  socket.read(100_000);
  const replies = () => socket.received.filter((frame) => "ref" in frame).length;
  for (let round = 0; round < 100 && replies() < 3; round++) {
    connection.drained();
    say();
    await turn();
    socket.show();
    socket.read(10_000);
  }
  expect(replies()).toBe(3);
  connection.ended();
  await node.chat.stop();
});

test.each(["a ban", "the server's close", "the client's close"])(
  "a join that waited through %s makes nobody a member",
  async (end) => {
    let buffered = 0;
    const node = createNode();
    const { connection, frames } = node.connect({
      socket: { ...openSocket, buffered: () => buffered },
    });
    await until(() => frames.some(({ type }) => type === "synced"));
    buffered = SOFT_LIMIT + 1;
    connection.receive(JSON.stringify({ type: "join", room: "lake", ref: 1 }));
    await turn();
    if (end === "a ban") node.members.ban({ userId: 1, room: "lake" });
    if (end === "the server's close") node.disable();
    if (end !== "a ban") connection.ended();
    buffered = 0;
    connection.drained();
    await turns(5);
    expect(node.members.roomsOf(1)).toEqual(["sea"]);
    connection.ended();
    await node.chat.stop();
  },
);

test("a plain repeat is echoed once its sender's socket has drained", async () => {
  let buffered = 0;
  const node = createNode();
  const { connection, frames } = node.connect({
    format: "plain",
    socket: { ...openSocket, buffered: () => buffered },
  });
  const clientId = crypto.randomUUID();
  node.database.commitNew([post(clientId)]);
  await turns(5);
  buffered = SOFT_LIMIT + 1;
  connection.receive(JSON.stringify({ message: "ahoy", clientId }));
  await turns(5);
  expect(frames).toEqual([]);
  buffered = SOFT_LIMIT;
  connection.drained();
  await until(() => frames.length > 0);
  expect(frames).toMatchObject([{ clientId, duplicate: true }]);
  connection.ended();
  await node.chat.stop();
});

/** A writer, its clock, and the reasons why it closed its socket. */
function writerOf(buffered: () => number) {
  const { clock, pass } = handClock();
  const closed: string[] = [];
  const writer = createWriter({
    socket: { ...openSocket, buffered },
    parts: { clock, lagging() {} },
    subscriptions: [],
    close: (reason) => void closed.push(reason),
  });
  return { writer, pass, closed };
}

test("a socket that takes a little now and then stays open; one that takes nothing for a minute is closed", () => {
  let buffered = 2 * SOFT_LIMIT;
  const { writer, pass, closed } = writerOf(() => buffered);
  writer.lagIfSlow(0);
  for (let seconds = 0; seconds < 100; seconds += 20) {
    pass(20_000);
    buffered -= 10_000;
    writer.drained();
  }
  pass(59_000);
  expect(closed).toEqual([]);
  pass(1_000);
  expect(closed).toEqual(["slow"]);
  writer.end();
});

test("a drain without anything waiting starts no timeout", () => {
  const { writer, pass, closed } = writerOf(() => 2 * SOFT_LIMIT);
  writer.drained();
  pass(120_000);
  expect(closed).toEqual([]);
  writer.end();
});

test("hidden bytes count only for a socket that has bytes waiting", () => {
  let buffered = 0;
  const { writer, pass, closed } = writerOf(() => buffered);
  writer.lagIfSlow(2 * SOFT_LIMIT);
  expect(writer.writable()).toBeUndefined();
  pass(60_000);
  expect(closed).toEqual([]); // it does not lag
  buffered = 1;
  writer.lagIfSlow(SOFT_LIMIT);
  pass(60_000);
  expect(closed).toEqual(["slow"]);
  writer.end();
});

import { expect, test } from "bun:test";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import { createOutbox } from "../../src/chat/connection/writer.ts";
import { handClock } from "../support/hand-clock.ts";
import { until } from "../support/until.ts";
import { createNode, openSocket, post } from "./node.ts";
import { createTestSocket, fanoutTo } from "./sockets.ts";

// What a full socket is to be sent waits until there is room, and no longer.

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const turns = async (count: number) => {
  for (let number = 0; number < count; number++) await turn();
};

// There was room again only under a quarter of the soft limit, and a reader may be as fast as the room for ever.
test("commands of who reads as fast as the room writes are answered, however much stays in between", async () => {
  const socket = createTestSocket();
  const node = createNode({ fanout: fanoutTo([socket]) });
  const { connection } = node.connect({ socket: socket.socket });
  await until(() => socket.synced("sea"));
  let version = 0;
  const say = () => {
    node.database.commitNew([post(crypto.randomUUID(), "x".repeat(9_700))]);
    const { messages: states } = node.database.messages("sea", { after: version }, 1);
    version++;
    node.changed({ epoch: node.database.epoch, room: "sea", from: version, to: version, states });
  };
  while (socket.most <= SOFT_LIMIT) say();
  await turn();
  socket.show();
  const commands = [{ type: "join", room: "lake" }, { type: "leave", room: "sea" }, { type: "ping" }];
  commands.forEach((command, ref) => connection.receive(JSON.stringify({ ...command, ref })));
  socket.read(100_000);
  const answers = () => socket.heard.filter((frame) => "ref" in frame).length;
  for (let round = 0; round < 100 && answers() < 3; round++) {
    connection.drained();
    say();
    await turn();
    socket.show();
    socket.read(10_000);
  }
  expect(answers()).toBe(3);
  connection.ended();
  await node.chat.stop();
});

test.each(["a ban", "the server's close", "the client's"])(
  "a join that waited through %s makes nobody a member",
  async (end) => {
    let buffered = 0;
    const members: string[] = [];
    const node = createNode({ joined: (room) => void members.push(room) });
    const { connection, frames } = node.connect({
      socket: { ...openSocket, buffered: () => buffered },
    });
    await until(() => frames.some(({ type }) => type === "synced"));
    buffered = SOFT_LIMIT + 1;
    connection.receive(JSON.stringify({ type: "join", room: "lake", ref: 1 }));
    await turn();
    if (end === "a ban") connection.setBans(new Set(["lake"]));
    if (end === "the server's close") connection.close("token_expired");
    if (end !== "a ban") connection.ended();
    buffered = 0;
    connection.drained();
    await turns(5);
    expect(members).toEqual(["sea"]);
    connection.ended();
    await node.chat.stop();
  },
);

test("a plain repeat is echoed when its sender has room for it", async () => {
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

/** An outbox, a clock, and what it was closed for. */
function outboxOf(buffered: () => number) {
  const { clock, pass } = handClock();
  const closed: string[] = [];
  const outbox = createOutbox({
    socket: { ...openSocket, buffered },
    shared: { clock, lagging() {} },
    feeds: [],
    close: (reason) => void closed.push(reason),
  });
  return { outbox, pass, closed };
}

test("who takes a little all the time is not closed; who has taken nothing for a minute is", () => {
  let buffered = 2 * SOFT_LIMIT;
  const { outbox, pass, closed } = outboxOf(() => buffered);
  outbox.lagIfSlow(0);
  for (let seconds = 0; seconds < 100; seconds += 20) {
    pass(20_000);
    buffered -= 10_000;
    outbox.drained();
  }
  pass(59_000);
  expect(closed).toEqual([]);
  pass(1_000);
  expect(closed).toEqual(["slow"]);
  outbox.end();
});

test("a socket that drains without ever having been waited for is not timed", () => {
  const { outbox, pass, closed } = outboxOf(() => 2 * SOFT_LIMIT);
  outbox.drained();
  pass(120_000);
  expect(closed).toEqual([]);
  outbox.end();
});

test("what is hidden counts where something waits, and nowhere else", () => {
  let buffered = 0;
  const { outbox, pass, closed } = outboxOf(() => buffered);
  outbox.lagIfSlow(2 * SOFT_LIMIT);
  expect(outbox.writable()).toBeUndefined();
  pass(60_000);
  expect(closed).toEqual([]); // it does not lag
  buffered = 1;
  outbox.lagIfSlow(SOFT_LIMIT);
  pass(60_000);
  expect(closed).toEqual(["slow"]);
  outbox.end();
});

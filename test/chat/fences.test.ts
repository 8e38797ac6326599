import { expect, test } from "bun:test";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import type { MessageStore } from "../../src/chat/ports.ts";
import { type Membership, membershipOf, noRoom, STRANGER } from "../../src/chat/rights.ts";
import type { Message, Notice } from "../../src/message.ts";
import { until } from "../support/until.ts";
import { createNode, post } from "./node.ts";
import { createTestSocket, fanoutTo } from "./sockets.ts";

// Access ends at the version that takes it, whatever a subscription is doing then.

/** What the database says about user 1 in the room, at a version and a fence. */
const member = (version: number, fence: number, more: Partial<Membership> = {}): Membership => ({
  ...membershipOf("sea", { ...noRoom("sea"), exists: true, kind: "private", version, fence }, STRANGER),
  state: "in",
  ...more,
});

const noticeAt = (id: number, notice: Partial<Notice>, userIds: readonly number[]): Message => ({
  id,
  version: id,
  username: "eve",
  user: { id: "u_eve" },
  clientId: crypto.randomUUID(),
  content: "",
  data: null,
  replyTo: null,
  thread: null,
  files: null,
  mentions: null,
  timestamp: "2026-01-02T03:04:05.678901Z",
  editedAt: null,
  deletedAt: null,
  reactions: [],
  notice: {
    type: "removed",
    fence: 1,
    ...notice,
    users: userIds.map((userId) => ({ userId, id: `u_${userId}`, username: `user${userId}`, name: null })),
  },
});

/** A node whose room `sea` is private and has three messages, and a socket of user 1 in it. */
async function stage(replace?: (real: MessageStore["changesSince"]) => Partial<MessageStore>) {
  const reader = createTestSocket();
  let now = member(3, 0);
  let fence = 0;
  const node = createNode({
    fanout: fanoutTo([reader]),
    replace: (database) => ({
      counters: async (rooms) => ({
        ...database.counters(rooms),
        fences: new Map(rooms.map((room) => [room, fence])),
      }),
      ...replace?.(async (room, after) => database.changesSince(room, after)),
    }),
  });
  node.members.memberships = async (seats) => seats.map(() => now);
  for (const text of ["one", "two", "three"]) node.database.commitNew([post(crypto.randomUUID(), text)]);
  const { epoch } = node.database;
  return {
    node,
    reader,
    /** What the database says from now on, also by the counters. */
    set(next: Membership) {
      now = next;
      fence = next.fence;
    },
    /** Delivers messages of another node: a range that begins with the first one. */
    deliver: (...states: Message[]) =>
      node.changed({
        epoch,
        room: "sea",
        from: (states[0] as Message).version,
        to: (states.at(-1) as Message).version,
        states,
      }),
    text: (id: number, content: string): Message => ({ ...noticeAt(id, {}, []), content, notice: null }),
  };
}

test("a live reader gets the notice and nothing that was published in the same range after it", async () => {
  const { node, reader, deliver, text } = await stage();
  const { connection } = node.connect({ socket: reader.socket, version: 3 });
  await until(() => reader.synced("sea"));
  deliver(text(4, "before"), noticeAt(5, {}, [1]), text(6, "after"));
  expect(reader.received.slice(-3)).toMatchObject([
    { type: "message", content: "before" },
    { type: "notice", id: 5, prev: 4, notice: { type: "removed" } },
    { type: "synced", version: 5 },
  ]);
  expect(reader.closed).toBe(4503);
  expect(reader.topics.size).toBe(0);
  connection.ended();
  await node.chat.stop();
});

test("others stay live without a question to the database, and one whose membership is newer is not concerned", async () => {
  const { node, reader, set, deliver, text } = await stage();
  const { connection } = node.connect({ socket: reader.socket, version: 3 });
  await until(() => reader.synced("sea"));
  node.members.memberships = () => Promise.reject(new Error("nobody needs this"));
  deliver(noticeAt(4, {}, [2]), text(5, "after"));
  expect(reader.received.at(-1)).toMatchObject({ content: "after", prev: 4 });
  connection.ended();

  // User 1 was removed at 6 and is back since 7, which this node has not heard of yet.
  set(member(7, 2, { from: 7, fromId: 7 }));
  node.members.memberships = async (seats) => seats.map(() => member(7, 2, { from: 7, fromId: 7 }));
  const back = createTestSocket();
  const again = node.connect({ socket: back.socket, version: 5 });
  await until(() => back.synced("sea"));
  deliver(noticeAt(6, { fence: 2 }, [1]), noticeAt(7, { type: "added", fence: undefined }, [1]));
  expect(back.closed).toBeUndefined();
  again.connection.ended();
  await node.chat.stop();
});

test("a reader that lags, and one that waits for a page, end too, and the page is not sent", async () => {
  const page = Promise.withResolvers<void>();
  let waits = false;
  const { node, reader, deliver, text } = await stage((real) => ({
    async changesSince(room, after) {
      const found = await real(room, after);
      if (after === 0) {
        waits = true;
        await page.promise;
      }
      return found;
    },
  }));
  const lagging = node.connect({ socket: reader.socket, version: 3 });
  await until(() => reader.synced("sea"));
  let last = 3;
  while (reader.topics.size > 0) deliver(text(++last, "x".repeat(SOFT_LIMIT / 8)));
  const waiting = createTestSocket();
  const second = node.connect({ socket: waiting.socket, version: 0 });
  await until(() => waits);
  deliver(noticeAt(last + 1, {}, [1]), text(last + 2, "after"));
  for (const socket of [reader, waiting]) {
    expect(socket.closed).toBe(4503);
    // Both miss earlier messages. With the notice as their position, they would never get them if they came back.
    expect(socket.count("notice")).toBe(0);
  }
  page.resolve();
  reader.read(Infinity);
  for (const { connection } of [lagging, second]) connection.drained();
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (const socket of [reader, waiting]) expect(JSON.stringify(socket.received)).not.toContain("after");
  expect(waiting.count("message")).toBe(0);
  for (const { connection } of [lagging, second]) connection.ended();
  await node.chat.stop();
});

test("a fence that moved unseen suspends every reader until the database was asked, and a page beyond the pass is dropped", async () => {
  const { node, reader, set } = await stage();
  const { connection } = node.connect({ socket: reader.socket, version: 3 });
  await until(() => reader.synced("sea"));
  // A block in a direct room: no notice, and the check of the counters finds it. Reading goes on.
  set(member(3, 1, { blocked: true }));
  await until(() => reader.count("synced") === 2);
  set(member(3, 2, { state: "removed" }));
  await until(() => reader.closed !== undefined);
  expect(reader.closed).toBe(4503);
  connection.ended();
  await node.chat.stop();
});

// They could enter an open room again, so they stayed in it: live and present, but in no list of members.
test("someone who was banned and let in again unseen leaves an open room, and may join it again", async () => {
  const { node, reader, set } = await stage();
  const open = { kind: "open" } as const;
  set(member(3, 0, open));
  const { connection } = node.connect({ socket: reader.socket, version: 3 });
  await until(() => reader.synced("sea"));
  set(member(3, 1, { ...open, state: "removed" }));
  await until(() => reader.closed !== undefined);
  expect(reader.closed).toBe(4503);
  connection.ended();
  await node.chat.stop();
});

test("the deletion of an open room takes its sockets out", async () => {
  const { node, reader, set, deliver } = await stage();
  set(member(3, 0, { kind: "open" }));
  const { connection } = node.connect({ socket: reader.socket, version: 3 });
  await until(() => reader.synced("sea"));
  deliver(noticeAt(4, { type: "deleted", fence: 1 }, []));
  await until(() => reader.closed !== undefined);
  expect(reader.closed).toBe(4506);
  connection.ended();
  await node.chat.stop();
});

import { beforeAll, expect, test } from "bun:test";
import { connect, type V1Client } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { edit, post, react, remove } from "./commands.ts";

// Read marks: one per person and room, and the unread messages after it.

let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;

beforeAll(async () => {
  ({ server, ada, ben, cy } = await house());
}, START_MS);

const open = ({ token }: Person) => connect(server, { token });
/** Joins a room. Returns the read mark and the unread count. */
async function join(socket: V1Client, room: string) {
  expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
  const { lastRead, unread } = await socket.next("joined");
  await socket.next("synced");
  return { lastRead, unread };
}
const read = (socket: V1Client, room: string, id: unknown) => socket.ask({ type: "read", room, id });
/** Waits until a socket has received everything in flight. */
const settled = (socket: V1Client) => socket.ask({ type: "ping" });
const readsOf = ({ frames }: V1Client) => frames.filter(({ type }) => type === "read");

test("after a join, earlier messages are read and later ones of others are unread", async () => {
  const writer = await open(ben);
  for (let count = 0; count < 3; count++) await post(writer, "before", "marks");
  const socket = await open(ada);
  expect(await join(socket, "marks")).toEqual({ lastRead: 3, unread: 0 });
  for (let count = 0; count < 2; count++) await post(writer, "after", "marks");
  expect(await join(socket, "marks")).toEqual({ lastRead: 3, unread: 2 });
  expect(await read(socket, "marks", 4)).toMatchObject({ type: "ok" });
  expect(await join(socket, "marks")).toEqual({ lastRead: 4, unread: 1 });
  const device = await open(ada);
  expect(await join(device, "marks")).toEqual({ lastRead: 4, unread: 1 });
  for (const each of [writer, socket, device]) each.close();
});

test("messages in a room that was empty when its reader joined are unread", async () => {
  const [writer, socket] = [await open(ben), await open(ada)];
  expect(await join(socket, "marks-fresh")).toEqual({ lastRead: 0, unread: 0 });
  for (let count = 0; count < 3; count++) await post(writer, "hello", "marks-fresh");
  expect(await join(socket, "marks-fresh")).toEqual({ lastRead: 0, unread: 3 });
  for (const each of [writer, socket]) each.close();
});

test("a mark never goes back and never past the end of the room", async () => {
  const [writer, socket] = [await open(ben), await open(ada)];
  await post(writer, "one", "marks-bounds");
  await join(socket, "marks-bounds");
  for (let count = 0; count < 3; count++) await post(writer, "more", "marks-bounds");
  expect(await read(socket, "marks-bounds", 3)).toMatchObject({ type: "ok" });
  expect(await read(socket, "marks-bounds", 2)).toMatchObject({ type: "ok" });
  expect(await join(socket, "marks-bounds")).toEqual({ lastRead: 3, unread: 1 });
  expect(await read(socket, "marks-bounds", Number.MAX_SAFE_INTEGER)).toMatchObject({ type: "ok" });
  expect(await join(socket, "marks-bounds")).toEqual({ lastRead: 4, unread: 0 });
  // So the next message is unread.
  await post(writer, "next", "marks-bounds");
  expect(await join(socket, "marks-bounds")).toEqual({ lastRead: 4, unread: 1 });
  for (const each of [writer, socket]) each.close();
});

test("of marks sent at once the highest one counts", async () => {
  const [writer, socket] = [await open(ben), await open(ada)];
  await post(writer, "one", "marks-at-once");
  await join(socket, "marks-at-once");
  for (let count = 2; count <= 20; count++) await post(writer, "more", "marks-at-once");
  const ids = Array.from({ length: 15 }, (_, index) => ((index * 7) % 15) + 1);
  const replies = await Promise.all(ids.map((id) => read(socket, "marks-at-once", id)));
  expect(replies.map(({ type }) => type)).toEqual(Array(15).fill("ok"));
  expect(await join(socket, "marks-at-once")).toEqual({ lastRead: 15, unread: 5 });
  for (const each of [writer, socket]) each.close();
});

test("one's own and deleted messages are not unread, and changes do not count as messages", async () => {
  const [writer, socket] = [await open(ben), await open(ada)];
  await post(writer, "one", "marks-own");
  await join(socket, "marks-own");
  expect(await post(socket, "mine", "marks-own")).toBe(2);
  expect(await join(socket, "marks-own")).toEqual({ lastRead: 1, unread: 0 });
  expect(await post(writer, "three", "marks-own")).toBe(3);
  expect(await post(writer, "four", "marks-own")).toBe(4);
  expect(await join(socket, "marks-own")).toEqual({ lastRead: 1, unread: 2 });
  expect(await writer.ask({ ...edit(3, "three, edited"), room: "marks-own" })).toMatchObject({ version: 5 });
  expect(await writer.ask({ ...react(4, "👍"), room: "marks-own" })).toMatchObject({ version: 6 });
  expect(await writer.ask({ ...edit(1, "one, edited"), room: "marks-own" })).toMatchObject({ version: 7 });
  expect(await join(socket, "marks-own")).toEqual({ lastRead: 1, unread: 2 });
  expect(await writer.ask({ ...remove(3), room: "marks-own" })).toMatchObject({ version: 8 });
  expect(await join(socket, "marks-own")).toEqual({ lastRead: 1, unread: 1 });
  // A mark on a deleted message is valid.
  expect(await read(socket, "marks-own", 3)).toMatchObject({ type: "ok" });
  expect(await join(socket, "marks-own")).toEqual({ lastRead: 3, unread: 1 });
  for (const each of [writer, socket]) each.close();
});

test("a moved mark is sent to one's other sockets in the room, and to nobody else", async () => {
  const writer = await open(ben);
  for (const room of ["marks-sent", "marks-not-sent"]) await post(writer, "one", room);
  const [socket, device, tablet, other] = [await open(ada), await open(ada), await open(ada), await open(cy)];
  for (const each of [socket, device, other, writer]) await join(each, "marks-sent");
  await join(tablet, "marks-not-sent");
  for (let count = 0; count < 3; count++) await post(writer, "more", "marks-sent");

  expect(await read(socket, "marks-sent", 3)).toMatchObject({ type: "ok" });
  expect(await device.next("read")).toEqual({ type: "read", room: "marks-sent", id: 3 });
  // A mark that does not move is not sent. A mark past the end is sent as the end.
  expect(await read(socket, "marks-sent", 2)).toMatchObject({ type: "ok" });
  expect(await read(socket, "marks-sent", 3)).toMatchObject({ type: "ok" });
  expect(await read(device, "marks-sent", 999)).toMatchObject({ type: "ok" });
  expect(await socket.next("read")).toEqual({ type: "read", room: "marks-sent", id: 4 });
  for (const each of [socket, device, tablet, other, writer]) await settled(each);
  expect([socket, device, tablet, other, writer].map((each) => readsOf(each).length)).toEqual([
    1, 1, 0, 0, 0,
  ]);
  for (const each of [socket, device, tablet, other, writer]) each.close();
});

test("messages marked as unread are so on one's other sockets, and in the next join, and a late mark does not undo it", async () => {
  const writer = await open(ben);
  for (let count = 0; count < 4; count++) await post(writer, "more", "marks-back");
  const [socket, device] = [await open(ada), await open(ada)];
  for (const each of [socket, device]) await join(each, "marks-back");
  const back = (id: number) => socket.ask({ type: "read", room: "marks-back", id, back: true });
  expect(await back(3)).toMatchObject({ type: "ok" });
  expect(await device.next("read")).toEqual({ type: "read", room: "marks-back", id: 2, back: true });
  expect(await back(4)).toMatchObject({ type: "ok" }); // It is there already.
  expect(await join(await open(ada), "marks-back")).toEqual({ lastRead: 2, unread: 2 });
  // Both in one tenth of a second: their order counts.
  const [first, second] = [read(socket, "marks-back", 4), back(2)];
  expect([await first, await second]).toMatchObject([{ type: "ok" }, { type: "ok" }]);
  expect(await join(await open(ada), "marks-back")).toEqual({ lastRead: 1, unread: 3 });
  expect(await read(socket, "marks-back", 4)).toMatchObject({ type: "ok" });
  expect(await join(await open(ada), "marks-back")).toEqual({ lastRead: 4, unread: 0 });
  for (const each of [socket, device, writer]) each.close();
});

test("a read without a ref gets no reply but is sent to the other sockets", async () => {
  const [writer, socket, device] = [await open(ben), await open(ada), await open(ada)];
  await post(writer, "one", "marks-unanswered");
  for (const each of [socket, device]) await join(each, "marks-unanswered");
  await post(writer, "two", "marks-unanswered");
  socket.send({ type: "read", room: "marks-unanswered", id: 2 });
  expect(await device.next("read")).toMatchObject({ id: 2 });
  await settled(socket);
  expect(socket.frames.filter(({ type }) => type === "ok")).toHaveLength(2); // to the join and the ping
  for (const each of [writer, socket, device]) each.close();
});

test.each<[string, unknown]>([
  ["0", 0],
  ["-1", -1],
  ["1.5", 1.5],
  ["2^53", 2 ** 53],
  ["a text", "1"],
  ["null", null],
  ["nothing", undefined],
])("%s is refused as an id", async (_, id) => {
  const socket = await open(ada);
  const reply = await read(socket, "marks-none", id);
  expect(reply).toMatchObject({ type: "error", code: "invalid", retryable: false });
  expect(reply.message).toStartWith("id ");
  socket.close();
});

test("unread messages are counted up to a hundred; the client counts on from there", async () => {
  const [writer, socket] = [await open(ben), await open(ada)];
  await post(writer, "one", "marks-many-unread");
  await join(socket, "marks-many-unread");
  await Promise.all(Array.from({ length: 99 }, () => post(writer, "more", "marks-many-unread")));
  expect(await join(socket, "marks-many-unread")).toEqual({ lastRead: 1, unread: 99 });
  await Promise.all(Array.from({ length: 21 }, () => post(writer, "more", "marks-many-unread")));
  expect(await join(socket, "marks-many-unread")).toEqual({ lastRead: 1, unread: 100 });
  expect(await read(socket, "marks-many-unread", 120)).toMatchObject({ type: "ok" });
  const { unread = 0 } = await join(socket, "marks-many-unread");
  await post(writer, "the next", "marks-many-unread");
  const fresh = (await socket.take("message", 121)).filter(({ id }) => id > 121);
  expect(unread + fresh.length).toBe(2);
  expect(await join(socket, "marks-many-unread")).toEqual({ lastRead: 120, unread: 2 });
  for (const each of [writer, socket]) each.close();
});

test("an empty room and a room that was not joined accept a mark, which makes nobody a member", async () => {
  const [writer, socket] = [await open(ben), await open(ada)];
  expect(await read(socket, "marks-not-there", 5)).toMatchObject({ type: "ok" });
  expect(await join(socket, "marks-not-there")).toEqual({ lastRead: 0, unread: 0 });
  for (let count = 0; count < 3; count++) await post(writer, "more", "marks-not-joined");
  expect(await read(socket, "marks-not-joined", 2)).toMatchObject({ type: "ok" });
  // Membership begins with the join, and what was posted before is read.
  expect(await join(socket, "marks-not-joined")).toEqual({ lastRead: 3, unread: 0 });
  for (const each of [writer, socket]) each.close();
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { post } from "./commands.ts";
import { ADMIN_TOKEN } from "./ways.ts";

// What a socket is told of its person's rooms that it has not joined.

let server: TestServer;
let provider: Provider;

beforeAll(async () => {
  provider = await startProvider();
  server = await startTestServer({ ...provider.settings, MESSAGE_RATE: "0", BUDGETS: "0", ADMIN_TOKEN });
}, START_MS);
afterAll(async () => {
  await server.stop();
  await provider.stop();
});

const tokenOf = (name: string, rooms?: unknown) =>
  provider.tokenOf(name, rooms === undefined ? {} : { rooms });
const enter = async (name: string, rooms?: unknown) => connect(server, { token: await tokenOf(name, rooms) });
const join = (socket: V1Client, room: string) => socket.ask({ type: "join", room });
const leave = (socket: V1Client, room: string) => socket.ask({ type: "leave", room });
const watch = async (socket: V1Client, on = true) =>
  expect(await socket.ask({ type: "watch", on })).toMatchObject({ type: "ok" });
const activityOf = ({ frames }: V1Client) =>
  frames.filter(({ type }) => type === "activity").map(({ room, id }) => `${room} ${id}`);

test("a socket that watches is told of messages in its person's rooms that it has not joined", async () => {
  const [ada, ben] = [await enter("ada-w1"), await enter("ben-w1")];
  const [watching, narrow, idle] = [
    await enter("ada-w1"),
    await enter("ada-w1", [{ match: "w1-a", allow: ["read"] }]),
    await connectPlain(server, { room: "w1-other", token: await tokenOf("ada-w1") }),
  ];
  for (const room of ["w1-a", "w1-b"]) {
    await join(ada, room);
    await leave(ada, room);
  }
  for (const socket of [watching, narrow]) await watch(socket);
  await join(watching, "w1-b");

  // Notices, edits and reactions are no activity, nor are rooms of others.
  await post(ben, "not for Ada", "w1-elsewhere");
  await post(ben, "one", "w1-b");
  await post(ben, "one", "w1-a");
  expect(await watching.next("activity")).toEqual({ type: "activity", room: "w1-a", id: 1 });
  expect(await narrow.next("activity")).toEqual({ type: "activity", room: "w1-a", id: 1 });
  expect(await watching.next("message")).toMatchObject({ room: "w1-b", id: 1 });
  // At most one a second for each room: the last one names the newest message.
  for (const content of ["two", "three", "four", "five"]) await post(ben, content, "w1-a");
  const ids: number[] = [];
  while (ids.at(-1) !== 5) ids.push((await watching.next("activity")).id);
  expect(ids.length).toBeLessThanOrEqual(3);

  await watch(watching, false);
  await leave(watching, "w1-b");
  await post(ben, "six", "w1-a");
  await post(ben, "two", "w1-b");
  while ((await narrow.next("activity")).id !== 6);
  expect(activityOf(watching).at(-1)).toBe("w1-a 5");
  expect(activityOf(watching).join()).not.toMatch(/elsewhere|w1-b/);
  expect(activityOf(narrow).join()).not.toMatch(/w1-b/);
  expect([activityOf(ada), JSON.stringify(idle.frames).includes("activity")]).toEqual([[], false]);
  for (const socket of [ada, ben, watching, narrow, idle]) socket.close();
});

test("every socket of a person is told when a room is added to their list, changed or removed", async () => {
  const [ada, ben] = [await enter("ada-w2"), await enter("ben-w2")];
  const [other, narrow] = [
    await enter("ada-w2"),
    await enter("ada-w2", [{ match: "nothing", allow: ["read"] }]),
  ];
  await watch(other);
  const token = await tokenOf("ada-w2");
  const both = async (frame: object) => {
    for (const socket of [ada, other]) expect(await socket.next("rooms")).toMatchObject(frame);
  };
  await post(ben, "one", "w2-a");
  await api(server, "POST /rooms/w2-a/messages/", { token, body: { content: "by HTTP" } });
  await both({ room: "w2-a", change: "added" });
  await post(ben, "three", "w2-a");
  expect(await other.next("activity")).toMatchObject({ room: "w2-a" });

  await api(server, "PUT /rooms/w2-a/members/me/", { token, body: { pinned: true } });
  await both({ room: "w2-a", change: "changed" });

  await api(server, "DELETE /rooms/w2-a/members/me/", { token });
  await both({ room: "w2-a", change: "removed" });
  await post(ben, "four", "w2-a");
  await join(ada, "w2-b");
  await both({ room: "w2-b", change: "added" });
  await leave(ada, "w2-b");
  await post(ben, "one", "w2-b");
  let active = await other.next("activity");
  while (active.room === "w2-a") {
    expect(active.id).toBeLessThan(4);
    active = await other.next("activity");
  }
  expect(active).toEqual({ type: "activity", room: "w2-b", id: 1 });
  expect(narrow.frames.filter(({ type }) => type === "rooms")).toEqual([]);
  for (const socket of [ada, ben, other, narrow]) socket.close();
});

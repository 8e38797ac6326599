import { beforeAll, expect, test } from "bun:test";
import { connect, type V1Client } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { edit, post, react, remove } from "./commands.ts";

// The client id makes edits, deletions and reactions idempotent.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

/** Opens a socket on a room's URL and waits until it is live. */
async function enter(person: Person, room: string): Promise<V1Client> {
  const socket = await connect(server, { room, token: person.token });
  await socket.next("synced");
  return socket;
}

test("a repeated change gets its first ack, on any socket, and does nothing", async () => {
  const socket = await enter(ada, "repeats-again");
  for (const _ of [1, 2]) await post(socket);
  const changes = [edit(1, "first"), react(1, "👍"), edit(1, "second"), react(1, "👍", false), remove(2)];
  const acks = [];
  for (const change of changes) acks.push(await socket.ask(change));
  expect(acks.map(({ version }) => version)).toEqual([3, 4, 5, 6, 7]);
  const elsewhere = await enter(ada, "repeats-again");
  for (const [index, change] of changes.entries()) {
    const again = await elsewhere.ask({ ...change, clientId: String(change.clientId).toUpperCase() });
    expect(again).toEqual({ ...acks[index], ref: again.ref, duplicate: true } as typeof again);
  }
  const { messages } = await elsewhere.ask({ type: "history" });
  expect(messages).toMatchObject([
    { version: 6, content: "second" },
    { version: 7, content: "" },
  ]);
  expect(await post(elsewhere)).toBe(8);
  for (const each of [socket, elsewhere]) each.close();
});

test("one change sent many times at once is applied once", async () => {
  const sockets = await Promise.all([1, 2, 3].map(() => enter(ada, "repeats-at-once")));
  await post(sockets[0] as V1Client);
  const change = react(1, "👍");
  const replies = await Promise.all(sockets.flatMap((socket) => [1, 2, 3, 4].map(() => socket.ask(change))));
  expect(replies.every(({ type, id, version }) => type === "ok" && id === 1 && version === 2)).toBe(true);
  expect(replies.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  for (const each of sockets) each.close();
});

test("of different changes at once with one client id, the first is applied and the others are refused", async () => {
  const socket = await enter(ada, "repeats-at-once-reused");
  for (const _ of [1, 2]) await post(socket);
  const clientId = crypto.randomUUID();
  const changes = [edit(1, "changed", clientId), remove(1, clientId), edit(2, "changed", clientId)];
  const [done, ...others] = await Promise.all(changes.map((change) => socket.ask(change)));
  expect(done).toMatchObject({ type: "ok", id: 1, version: 3 });
  expect(others.map(({ code }) => code)).toEqual(["client_id_reused", "client_id_reused"]);
  expect(await post(socket)).toBe(4);
  socket.close();
});

test("a client id belongs to one kind of change of one message, by one person in one room", async () => {
  const [socket, other] = [await enter(ada, "repeats-reused"), await enter(ben, "repeats-reused")];
  const clientId = crypto.randomUUID();
  for (const _ of [1, 2]) await post(socket);
  expect(await socket.ask(edit(1, "changed", clientId))).toMatchObject({ type: "ok", version: 3 });
  for (const command of [edit(2, "changed", clientId), remove(1, clientId), react(1, "👍", true, clientId)])
    expect(await socket.ask(command)).toMatchObject({ code: "client_id_reused", retryable: false });
  // Posts have their own key space, and so has every person and every room.
  expect(await socket.ask({ type: "send", clientId, content: "hello" })).toMatchObject({ type: "ok", id: 4 });
  expect(await other.ask(react(1, "👍", true, clientId))).toMatchObject({ type: "ok", version: 5 });
  await post(socket, "hello", "repeats-reused-2");
  expect(await socket.ask({ ...remove(1, clientId), room: "repeats-reused-2" })).toMatchObject({
    type: "ok",
    version: 2,
  });
  // A refused change does not use up its client id.
  const refused = crypto.randomUUID();
  expect(await socket.ask(edit(99, "changed", refused))).toMatchObject({ code: "not_found" });
  expect(await socket.ask(remove(2, refused))).toMatchObject({ type: "ok", version: 6 });
  for (const each of [socket, other]) each.close();
});

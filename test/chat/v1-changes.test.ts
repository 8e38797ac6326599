import { beforeAll, expect, test } from "bun:test";
import { connect, type V1Client } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { edit, post, react, remove } from "./commands.ts";

// Edits, deletions and reactions over chat.v1: permissions and versions.

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

/** Asserts that the next post takes this version, so that nothing before it took one or was delivered. */
async function expectNext(socket: V1Client, reader: V1Client, version: number): Promise<void> {
  expect(await post(socket, "next")).toBe(version);
  expect(await reader.next("message")).toMatchObject({ content: "next", version, prev: version - 1 });
}

const EDITED = { editedAt: expect.stringMatching(/Z$/) };
const stateOf = ({ type: _, room: __, ...state }: object & { type?: unknown; room?: unknown }) => state;

test("each change takes the room's next version, and everyone gets the whole message", async () => {
  const socket = await enter(ada, "changes");
  const reader = await enter(ben, "changes");
  expect(await post(socket, "Helo")).toBe(1);
  const { type: _, room: __, prev: ___, change: ____, ...message } = await reader.next("message");

  expect(await socket.ask(edit(1, "Hello"))).toEqual({
    type: "ok",
    ref: expect.any(Number),
    id: 1,
    version: 2,
  });
  expect(await reader.ask(react(1, "👍"))).toMatchObject({ type: "ok", id: 1, version: 3 });
  expect(await socket.ask(react(1, "👍"))).toMatchObject({ type: "ok", id: 1, version: 4 });
  expect(await reader.ask(react(1, "👍", false))).toMatchObject({ type: "ok", id: 1, version: 5 });
  expect(await post(reader, "Hello, Ada")).toBe(6);
  expect(await socket.ask(remove(1))).toMatchObject({ type: "ok", id: 1, version: 7 });

  const edited = { ...message, content: "Hello", ...EDITED };
  const thumbs = (...users: string[]) => ({
    reactions: {
      "👍": { count: users.length, users, profiles: users.map(() => ({ id: expect.any(String) })) },
    },
  });
  expect((await reader.take("message", 6)).map(stateOf)).toEqual([
    { ...edited, change: "updated", prev: 1, version: 2 },
    { ...edited, change: "updated", prev: 2, version: 3, ...thumbs("ben") },
    { ...edited, change: "updated", prev: 3, version: 4, ...thumbs("ada", "ben") },
    { ...edited, change: "updated", prev: 4, version: 5, ...thumbs("ada") },
    expect.objectContaining({ change: "created", prev: 5, id: 6, version: 6 }),
    {
      ...edited,
      change: "deleted",
      prev: 6,
      version: 7,
      content: "",
      deletedAt: expect.stringMatching(/Z$/),
    },
  ]);
  for (const each of [socket, reader]) each.close();
});

test("a message of someone else, of another room, or that does not exist is neither edited nor deleted", async () => {
  const [socket, reader] = [await enter(ada, "changes-others"), await enter(ben, "changes-others")];
  const other = await connect(server, { token: ben.token });
  expect(await post(socket, "mine")).toBe(1);
  for (const _ of [1, 2]) await post(other, "elsewhere", "changes-others-next-door");
  expect(await other.ask({ ...edit(1, "changed"), room: "changes-others" })).toMatchObject({
    code: "forbidden",
  });
  expect(await other.ask({ ...remove(1), room: "changes-others" })).toMatchObject({ code: "forbidden" });
  // Id 2 exists in the other room only, 99 nowhere.
  for (const room of ["changes-others", "changes-others-nowhere"])
    for (const id of [2, 99, Number.MAX_SAFE_INTEGER])
      for (const command of [edit(id, "changed"), remove(id), react(id, "👍")])
        expect(await other.ask({ ...command, room })).toMatchObject({ code: "not_found", retryable: false });
  await reader.next("message");
  await expectNext(socket, reader, 2);
  const { messages } = await other.ask({ type: "history", room: "changes-others-next-door" });
  expect(messages).toMatchObject([
    { id: 1, version: 1 },
    { id: 2, version: 2, content: "elsewhere" },
  ]);
  for (const each of [socket, reader, other]) each.close();
});

test("the version of a change is no message id", async () => {
  const socket = await enter(ada, "changes-version-as-id");
  await post(socket);
  expect(await socket.ask(edit(1, "changed"))).toMatchObject({ version: 2 });
  for (const command of [edit(2, "again"), remove(2), react(2, "👍")])
    expect(await socket.ask(command)).toMatchObject({ code: "not_found" });
  expect(await post(socket)).toBe(3);
  socket.close();
});

test("a deleted message cannot be edited or reacted to; deleting it again changes nothing", async () => {
  const [socket, reader] = [await enter(ada, "changes-deleted"), await enter(ben, "changes-deleted")];
  await post(socket);
  expect(await socket.ask(remove(1))).toMatchObject({ type: "ok", version: 2 });
  expect(await socket.ask(edit(1, "back"))).toMatchObject({ code: "not_found" });
  expect(await socket.ask(react(1, "👍"))).toMatchObject({ code: "not_found" });
  expect(await reader.ask(react(1, "👍"))).toMatchObject({ code: "not_found" });
  expect(await reader.ask(remove(1))).toMatchObject({ code: "forbidden" });
  const again = await socket.ask(remove(1));
  expect(again).toEqual({ type: "ok", ref: again.ref, id: 1, version: 2 });
  await reader.take("message", 2);
  await expectNext(socket, reader, 3);
  for (const each of [socket, reader]) each.close();
});

test.each<[string, object | string, string]>([
  ["an id of 0", edit(0, "a"), "id"],
  ["a negative id", remove(-1), "id"],
  ["an id that is no whole number", react(1.5, "👍"), "id"],
  ["an id of 2^53", edit(2 ** 53, "a"), "id"],
  [
    "an id beyond 2^53",
    `{"type":"delete","ref":7,"clientId":"${crypto.randomUUID()}","id":9007199254740993}`,
    "id",
  ],
  ["an infinite id", `{"type":"delete","ref":7,"clientId":"${crypto.randomUUID()}","id":1e999}`, "id"],
  ["an id that is a text", remove("1"), "id"],
  ["a null id", remove(null), "id"],
  ["no id", remove(undefined), "id"],
  ["an edit to nothing", edit(1, ""), "content"],
  ["an edit to white space", edit(1, " \t\n\u3000"), "content"],
  ["an edit to what is too long", edit(1, "x".repeat(4001)), "content"],
  ["an edit to what is longer than any server allows", edit(1, "x".repeat(10_001)), "content"],
  ["an edit to NUL", edit(1, "a\0b"), "content"],
  ["an edit to a lone surrogate", edit(1, "\ud800"), "content"],
  ["an edit to a number", edit(1, 5), "content"],
  ["an edit without text", edit(1, undefined), "content"],
  ["no clientId", { ...edit(1, "a"), clientId: undefined }, "clientId"],
  ["a clientId that is none", remove(1, "1"), "clientId"],
  ["a reaction that says neither on nor off", { ...react(1, "👍"), on: undefined }, "on"],
  ["a reaction that is on with 1", react(1, "👍", 1), "on"],
])("%s is refused, and changes nothing", async (what, command, field) => {
  const room = `bad-change-${what.replaceAll(/\W/g, "-")}`;
  const socket = await enter(ada, room);
  await post(socket, "as it was");
  socket.send(typeof command === "string" ? command : { ref: 7, ...command });
  const error = await socket.next("error");
  expect(error).toMatchObject({ ref: 7, code: "invalid", retryable: false });
  expect(error.message).toStartWith(`${field} `);
  expect(await socket.ask({ type: "history" })).toMatchObject({
    messages: [{ version: 1, content: "as it was" }],
  });
  socket.close();
});

test("a change without effect takes no version; its ack has the version of the message", async () => {
  const [socket, reader] = [await enter(ada, "changes-no-ops"), await enter(ben, "changes-no-ops")];
  await post(socket, "same");
  await socket.ask(react(1, "👍"));
  await reader.take("message", 2);
  const nothing = edit(1, "same");
  for (const command of [nothing, react(1, "👍"), react(1, "🎉", false)]) {
    const reply = await socket.ask(command);
    expect(reply).toEqual({ type: "ok", ref: reply.ref, id: 1, version: 2 });
  }
  expect(await reader.ask(react(1, "👍", false))).toMatchObject({ type: "ok", version: 2 });
  await expectNext(socket, reader, 3);
  // Its ack stays the same, whatever happens to the message.
  expect(await socket.ask(edit(1, "another"))).toMatchObject({ version: 4 });
  expect(await socket.ask(nothing)).toMatchObject({ version: 2, duplicate: true });
  expect(await reader.next("message")).toMatchObject({ version: 4, content: "another" });
  await expectNext(socket, reader, 5);
  for (const each of [socket, reader]) each.close();
});

test(
  "after EDIT_WINDOW edits are refused; repeats of earlier edits still get their ack",
  async () => {
    const strict = await startTestServer({ EDIT_WINDOW: "1s", MESSAGE_RATE: "0", BUDGETS: "0" });
    const { token } = await register(strict, "ada");
    const socket = await connect(strict, { room: "window", token });
    await post(socket, "hello");
    const early = edit(1, "in time");
    expect(await socket.ask(early)).toMatchObject({ type: "ok", version: 2 });
    let reply = await socket.ask(react(1, "👍"));
    await until(async () => (reply = await socket.ask(edit(1, `${reply.version}`))).type === "error");
    expect(reply).toMatchObject({ code: "too_late", retryable: false });
    const { messages } = await socket.ask({ type: "history" });
    const [{ content, version } = { content: "", version: 0 }] = messages as {
      content: string;
      version: number;
    }[];
    expect(await socket.ask(early)).toMatchObject({ type: "ok", version: 2, duplicate: true });
    expect(await socket.ask(edit(1, content))).toMatchObject({ type: "ok", version });
    expect(await socket.ask(react(1, "🎉"))).toMatchObject({ type: "ok", version: version + 1 });
    expect(await socket.ask(remove(1))).toMatchObject({ type: "ok", version: version + 2 });
    socket.close();
    await strict.stop();
  },
  START_MS,
);

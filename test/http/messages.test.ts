import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Posting over HTTP, as backends and bots do.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const post = (room: string, body: unknown, { token }: { token?: string } = ada) =>
  api(server, `POST /rooms/${room}/messages/`, { token, body });
/** An object whose JSON text has this many bytes. */
const dataOf = (bytes: number) => ({ é: "x".repeat(bytes - '{"é":""}'.length - 1) });
/** The JSON text of an object with this many levels. */
const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;

const contentsOf = async (room: string) => {
  const { body } = await api(server, `GET /history/${room}/`, { token: ada.token });
  return (body as { content: string }[]).map(({ content }) => content);
};

test("posting returns 201 after the commit, and everyone in the room receives the message", async () => {
  const plain = await connectPlain(server, { room: "news", token: ben.token });
  const v1 = await connect(server, { room: "news", token: ben.token });
  await v1.next("synced");
  const { status, body, headers } = await post("news", { content: "hello" });
  expect(status).toBe(201);
  expect(body).toEqual({
    id: 1,
    version: 1,
    room: "news",
    clientId: expect.stringMatching(/^[\da-f-]{36}$/),
    timestamp: expect.stringMatching(/Z$/),
  });
  expect(headers.get("cache-control")).toBe("no-store");
  const { clientId } = body as { clientId: string };
  expect(await plain.next("message")).toMatchObject({ id: 1, message: "hello", username: "ada", clientId });
  expect(await v1.next("message")).toMatchObject({ id: 1, content: "hello", change: "created", clientId });
  expect(await contentsOf("news")).toEqual(["hello"]);
  for (const socket of [plain, v1]) socket.close();
});

test("repeating a clientId returns 200 with the first response; one message is stored", async () => {
  const clientId = crypto.randomUUID();
  const first = await post("repeat", { content: "once", clientId });
  const again = await post("repeat", { content: "twice", clientId: clientId.toUpperCase() });
  expect([first.status, again.status]).toEqual([201, 200]);
  expect(again.body).toEqual({ ...(first.body as object), duplicate: true });
  expect(await contentsOf("repeat")).toEqual(["once"]);
  expect((await post("repeat", { content: "ben's", clientId }, ben)).status).toBe(201);
  expect((await post("elsewhere", { content: "another room", clientId })).status).toBe(201);
});

test("the same message ten times at once returns one 201 and nine 200", async () => {
  const message = { content: "once", clientId: crypto.randomUUID() };
  const answers = await Promise.all(Array.from({ length: 10 }, () => post("race", message)));
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 201]);
  expect(new Set(answers.map(({ body }) => (body as { id: number }).id))).toEqual(new Set([1]));
  expect(await contentsOf("race")).toEqual(["once"]);
});

test("a clientId that was used over a socket counts over HTTP, and the other way round", async () => {
  const socket = await connect(server, { room: "doors", token: ada.token });
  const [sent, posted] = [crypto.randomUUID(), crypto.randomUUID()];
  expect(await socket.ask({ type: "send", clientId: sent, content: "sent" })).toMatchObject({
    type: "ok",
    id: 1,
  });
  expect(await post("doors", { content: "posted", clientId: sent })).toMatchObject({ status: 200 });
  expect(await post("doors", { content: "posted", clientId: posted })).toMatchObject({ status: 201 });
  expect(await socket.ask({ type: "send", clientId: posted, content: "sent" })).toMatchObject({
    type: "ok",
    id: 2,
    duplicate: true,
  });
  socket.close();
});

test("a reply names its original in events and in the history", async () => {
  const socket = await connect(server, { room: "replies", token: ben.token });
  await socket.next("synced");
  expect((await post("replies", { content: "question" })).status).toBe(201);
  expect((await post("replies", { content: "answer", replyTo: 1 })).status).toBe(201);
  expect((await post("replies", { content: "no reply", replyTo: null })).status).toBe(201);
  expect((await socket.take("message", 3)).map(({ replyTo }) => replyTo)).toEqual([undefined, 1, undefined]);
  const { body } = await api(server, "GET /history/replies/", { token: ada.token });
  expect((body as { replyTo?: number }[]).map(({ replyTo }) => replyTo)).toEqual([undefined, 1, undefined]);
  socket.close();
});

test.each<[string, unknown, string]>([
  ["no content", {}, "content"],
  ["null content", { content: null }, "content"],
  ["content that is a number", { content: 5 }, "content"],
  ["content that is a list", { content: ["a"] }, "content"],
  ["empty content", { content: "" }, "content"],
  ["blank content", { content: " \t\n\u3000" }, "content"],
  ["content over 4,000 characters", { content: "x".repeat(4001) }, "content"],
  ["content over 10,000 characters", { content: "x".repeat(10_001) }, "content"],
  ["content with NUL", { content: "a\0b" }, "content"],
  ["content with a lone surrogate", '{"content":"\\udc00"}', "content"],
  ["a clientId that is not a UUID", { content: "a", clientId: "1" }, "clientId"],
  ["a null clientId", { content: "a", clientId: null }, "clientId"],
  ["a replyTo that is a string", { content: "a", replyTo: "1" }, "replyTo"],
  ["a replyTo of 0", { content: "a", replyTo: 0 }, "replyTo"],
  ["a replyTo that is negative", { content: "a", replyTo: -1 }, "replyTo"],
  ["a replyTo that is not an integer", { content: "a", replyTo: 1.5 }, "replyTo"],
  ["a replyTo beyond 2^53", '{"content":"a","replyTo":9007199254740993}', "replyTo"],
  ["a replyTo that is no message", { content: "a", replyTo: 999_999 }, "replyTo"],
  ["data that is text", { content: "a", data: "{}" }, "data"],
  ["data that is a list", { content: "a", data: [] }, "data"],
  ["data of 4,097 bytes", { content: "a", data: dataOf(4097) }, "data"],
  ["data with ten thousand values", { content: "a", data: { a: Array(10_000).fill(0) } }, "data"],
  ["data 33 levels deep", `{"content":"a","data":${nested(33)}}`, "data"],
  ["data a hundred levels deep", `{"content":"a","data":${nested(100)}}`, "data"],
  ["data with a NUL", { content: "a", data: { a: ["\0"] } }, "data"],
  ["data with a NUL in a name", { content: "a", data: { "a\0": 1 } }, "data"],
  ["data with a lone surrogate", '{"content":"a","data":{"a":"\\ud800"}}', "data"],
  ["data with 2^53", '{"content":"a","data":{"a":9007199254740992}}', "data"],
  ["data with a number beyond a double", '{"content":"a","data":{"a":-1e400}}', "data"],
])("%s is rejected with 400, and nothing is stored", async (_, body, field) => {
  const answer = await post("bad", body);
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: "invalid", retryable: false });
  expect(Object.keys((answer.body as { errors: object }).errors)).toEqual([field]);
  expect(await contentsOf("bad")).toEqual([]);
});

test("a body that is nested ten thousand levels deep is malformed", async () => {
  const answer = await post("bad", `{"content":"a","data":${nested(10_000)}}`);
  expect([answer.status, answer.body]).toEqual([400, expect.objectContaining({ code: "malformed" })]);
  expect(await contentsOf("bad")).toEqual([]);
});

test("data reaches everyone as it was sent, live, in the history and after edits, until its message is deleted", async () => {
  const data =
    '{"10":1,"__proto__":{"a":null},"toJSON":"","n":[-0.5,1e-7,9007199254740991,true],"t":"€ \\"😀\\\\\\u0001"}';
  const plain = await connectPlain(server, { room: "orders", token: ben.token });
  const v1 = await connect(server, { room: "orders", token: ben.token });
  await v1.next("synced");
  const next = async (frames = v1): Promise<unknown[]> => {
    const { content, data } = await frames.next("message");
    return [content, JSON.stringify(data)];
  };
  expect((await post("orders", `{"content":"paid","data":${data}}`)).status).toBe(201);
  expect(await next()).toEqual(["paid", data]);
  expect(await plain.next("message")).not.toHaveProperty("data");
  for (const [id, levels] of [dataOf(4096), JSON.parse(nested(32)) as object].entries()) {
    expect(
      await v1.ask({ type: "send", clientId: crypto.randomUUID(), content: "a", data: levels }),
    ).toMatchObject({
      type: "ok",
      id: id + 2,
    });
    expect(await next()).toEqual(["a", JSON.stringify(levels)]);
  }

  const edit = (change: object) =>
    api(server, "PATCH /rooms/orders/messages/1/", { token: ada.token, body: change });
  await edit({ content: "paid!" });
  expect(await next()).toEqual(["paid!", data]);
  await edit({ content: "sent", data: { status: "sent" } });
  expect(await next()).toEqual(["sent", '{"status":"sent"}']);
  await edit({ content: "sent", data: null });
  expect(await next()).toEqual(["sent", undefined]);
  await edit({ content: "paid", data: JSON.parse(data) as object });
  expect(await next()).toEqual(["paid", data]);

  const returned = await connect(server, { token: ben.token });
  await returned.ask({ type: "join", room: "orders" });
  const { epoch } = await returned.next("joined");
  const history = async () => {
    const { messages } = await returned.ask({ type: "history", room: "orders" });
    const { body } = await api(server, "GET /history/orders/", { token: ben.token });
    return [messages, body].map((page): unknown => JSON.stringify((page as { data?: object }[])[0]?.data));
  };
  expect(await history()).toEqual([data, data]);
  await returned.ask({ type: "join", room: "orders", since: `${epoch}.3` });
  expect(await next(returned)).toEqual(["paid", data]);
  await api(server, "DELETE /rooms/orders/messages/1/", { token: ada.token });
  expect(await next()).toEqual(["", undefined]);
  expect(await history()).toEqual([undefined, undefined]);
  for (const socket of [plain, v1, returned]) socket.close();
});

test("unknown fields are refused by name: nothing that a client sends is lost in silence", async () => {
  const body = `{"content":"hello","metadata":{},"username":"ben","toString":1,"__proto__":2,"${"x".repeat(9000)}":3}`;
  const { status, body: problem } = await post("unknown-fields", body);
  expect(status).toBe(400);
  const fields = ["metadata", "username", "toString", "__proto__", "x".repeat(64)];
  expect(problem).toMatchObject({ code: "invalid" });
  expect(Object.entries((problem as { errors: object }).errors)).toEqual(
    fields.map((field) => [field, ["is not known"]]),
  );
  expect(await contentsOf("unknown-fields")).toEqual([]);
});

test.each<[string, string, object, number, string]>([
  ["without a token", "POST /rooms/a/messages/", { token: undefined }, 401, "token_missing"],
  ["with a garbage token", "POST /rooms/a/messages/", { token: "garbage" }, 401, "token_invalid"],
  ["without a room", "POST /rooms//messages/", {}, 404, "not_found"],
  ["to an invalid room name", "POST /rooms/a%20b/messages/", {}, 400, "bad_room"],
  ["by GET", "GET /rooms/a/messages/", { body: undefined }, 405, "method_not_allowed"],
])("posting %s is rejected", async (_, target, call, status, code) => {
  const answer = await api(server, target, { token: ada.token, body: { content: "hello" }, ...call });
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ code });
});

test("the log has who was where, but not what they wrote", async () => {
  const secret = crypto.randomUUID();
  const socket = await connect(server, { room: "unlogged", token: ben.token });
  await socket.next("synced");
  await post("unlogged", { content: secret });
  await post("unlogged", { content: [secret] });
  await socket.next("message");
  socket.close();
  await socket.closed;
  await until(() => server.log.some(({ event, room }) => event === "socket_closed" && room === "unlogged"));
  expect(JSON.stringify(server.log)).not.toContain(secret);
});

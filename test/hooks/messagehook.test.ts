import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { operator, roomCalls, startRooms } from "../http/roomcalls.ts";
import { connect, connectPlain } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { allow, type Asked, change, type Checker, HOOK_SECRET, refuse, startChecker } from "./checker.ts";
import { signatureOf } from "./receiver.ts";

setDefaultTimeout(60_000);

// MESSAGE_HOOK_URL, on a real server with a real endpoint. Each test has its own room.

let checker: Checker;
let server: TestServer;
let ada: Person;
let ben: Person;
let room: string;

beforeAll(async () => {
  checker = startChecker();
  ({
    server,
    people: [ada, ben],
  } = await startRooms({
    MESSAGE_HOOK_URL: checker.url,
    MESSAGE_HOOK_SECRET: HOOK_SECRET,
    MESSAGE_HOOK_TIMEOUT: "5s",
    METRICS_TOKEN: "m".repeat(32),
  }));
}, START_MS);
afterAll(async () => {
  await server.stop();
  await checker.die();
});
beforeEach(() => void (room = `r${crypto.randomUUID().slice(0, 8)}`));
afterEach(() => void (checker.respond = allow));

const { by, statusOf } = roomCalls(() => server);
const say = (content: string, more: object = {}, person = ada) =>
  by(person, `POST /rooms/${room}/messages/`, { content, ...more });
/** The texts of a room. */
const texts = async () => {
  const { body } = await by(ada, `GET /history/${room}/`);
  return (body as unknown as { content: string }[]).map(({ content }) => content);
};
const dataOf = (content: string) =>
  checker.asked.find(({ body }) => body.data.room === room && body.data.content === content)?.body.data;
const metric = async (name: string) => {
  const response = await fetch(`${server.url}/metrics`, {
    headers: { authorization: `Bearer ${"m".repeat(32)}` },
  });
  return Number(
    new RegExp(`^${name.replaceAll(/[{}]/g, "\\$&")} (\\d+)`, "m").exec(await response.text())?.[1] ?? 0,
  );
};

/** Keeps questions about some texts waiting until they are let go. */
function holding(...held: string[]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  checker.respond = async ({ body }) => {
    if (held.includes(body.data.content)) await promise;
    return allow();
  };
  return resolve;
}

describe("the endpoint is asked", () => {
  test("about each new message, signed, with everything that it says", async () => {
    await say("first");
    const [asked] = checker.asked.filter(({ body }) => body.data.room === room) as [Asked];
    expect(asked.headers.get("webhook-signature")).toBe(signatureOf(HOOK_SECRET, asked));
    expect(asked.body).toMatchObject({ type: "check", timestamp: expect.stringMatching(/^20.*Z$/) });
    expect(asked.body.data).toEqual({
      ...{ room, change: "post", content: "first", clientId: expect.any(String) },
      ...{ username: "ada", user: { id: expect.stringMatching(/^u_/) } },
    });
    const file = await fetch(`${server.url}/rooms/${room}/files/${crypto.randomUUID()}/?name=a.txt`, {
      method: "PUT",
      headers: { authorization: `Bearer ${ada.token}` },
      body: "hello",
    });
    const { id } = (await file.json()) as { id: string };
    const more = {
      ...{ replyTo: 1, thread: 1, data: { order: 7 }, mentions: ["@ben"] },
      files: [{ id, alt: "A text" }],
    };
    expect((await say("second", more)).status).toBe(201);
    expect(dataOf("second")).toMatchObject({
      ...{ replyTo: 1, thread: 1, data: { order: 7 }, mentions: ["@ben"] },
      files: [{ name: "a.txt", size: 5, alt: "A text", type: expect.stringContaining("text/plain") }],
    });
  });

  test("about edits, but not about deletions and reactions", async () => {
    await say("first");
    expect(await statusOf(ada, `PATCH /rooms/${room}/messages/1/`, { content: "better" })).toBe(200);
    expect(dataOf("better")).toMatchObject({ change: "edit", id: 1, username: "ada" });
    expect(await statusOf(ben, `PUT /rooms/${room}/messages/1/reactions/%F0%9F%91%8D/`)).toBe(200);
    expect(await statusOf(ada, `DELETE /rooms/${room}/messages/1/`)).toBe(200);
    expect(checker.said(room)).toEqual(["first", "better"]);
  });

  test("about what keys and incoming hooks post, with the name of the key", async () => {
    await say("first");
    const key = await by(operator, "POST /admin/api-keys/", { name: "shop", scopes: ["rooms:post:*"] });
    const holder = { token: String((key.body as { token?: string }).token) };
    expect(await statusOf(holder, `POST /admin/rooms/${room}/messages/`, { content: "by a key" })).toBe(201);
    expect(dataOf("by a key")).toMatchObject({ key: "shop" });
    expect(dataOf("by a key")).not.toHaveProperty("username");
    const hook = await by(operator, "POST /incoming-hooks/", { room, name: "CI" });
    const { path } = hook.body as unknown as { path: string };
    checker.respond = ({ body }) => (body.data.content === "rude" ? refuse("Be kind.") : allow());
    expect(await statusOf({ token: "" }, `POST ${path}`, { text: "by a hook" })).toBe(201);
    expect(dataOf("by a hook")).toMatchObject({ username: "CI" });
    expect(await statusOf({ token: "" }, `POST ${path}`, { text: "rude" })).toBe("403 message_refused");
  });
});

describe("the endpoint refuses", () => {
  beforeEach(async () => {
    await say("first");
    checker.respond = ({ body }) =>
      body.data.content.includes("rude") ? refuse("Be kind,\nplease.") : allow();
  });

  test("a message: the sender gets the reason as one line, and nothing is committed", async () => {
    const { status, body } = await say("rude");
    expect(status).toBe("403 message_refused");
    expect(body).toMatchObject({ detail: "Be kind, please.", retryable: false });
    const socket = await connect(server, { token: ada.token });
    const reply = await socket.ask({
      ...{ type: "send", room, clientId: crypto.randomUUID(), content: "rude too" },
    });
    expect(reply).toMatchObject({ type: "error", code: "message_refused", message: "Be kind, please." });
    const plain = await connectPlain(server, { room, token: ben.token });
    plain.send({ message: "rude again" });
    expect(await plain.next("error")).toMatchObject({ error: { code: "message_refused" } });
    for (const one of [socket, plain]) one.close();
    expect(await texts()).toEqual(["first"]);
  });

  test("an edit: the message stays as it was", async () => {
    const edit = { content: "rude" };
    expect(await statusOf(ada, `PATCH /rooms/${room}/messages/1/`, edit)).toBe("403 message_refused");
    expect(await texts()).toEqual(["first"]);
  });

  test("without a reason, or with a very long one", async () => {
    checker.respond = () => refuse();
    expect((await say("rude")).body).toMatchObject({
      detail: "The rules of this server do not allow this message. Change it, then send it again.",
    });
    checker.respond = () => refuse("😀".repeat(5_000));
    expect((await say("rude")).body).toMatchObject({ detail: "😀".repeat(300) });
  });
});

describe("the endpoint changes", () => {
  test("a message: everyone gets the new text, and the sender learns it from the ack", async () => {
    checker.respond = () => change("d**n", { mentions: [] });
    const socket = await connect(server, { token: ben.token });
    await socket.ask({ type: "join", room });
    const { status, body } = await say("damn @ben", { mentions: ["@ben"] });
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: 1, content: "d**n" });
    const message = await socket.next("message");
    expect(message).toMatchObject({ content: "d**n" });
    expect(message).not.toHaveProperty("mentions");
    const ack = await socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content: "damn" });
    expect(ack).toMatchObject({ type: "ok", content: "d**n" });
    socket.close();
  });

  test("an edit, and mentions that it does not name stay", async () => {
    await say("hello @ben", { mentions: ["@ben"] });
    checker.respond = () => change("hello, @ben");
    const { body } = await by(ada, `PATCH /rooms/${room}/messages/1/`, { content: "hello damn @ben" });
    expect(body).toMatchObject({ content: "hello, @ben" });
    const { body: page } = await by(ada, `GET /history/${room}/`);
    expect(page as unknown as object[]).toMatchObject([
      { content: "hello, @ben", mentions: [{ id: expect.any(String) }] },
    ]);
  });
});

describe("something else than an answer counts as none", () => {
  const other = startChecker();
  afterAll(() => other.die());
  test.each<[string, () => Response]>([
    ["a failure", () => new Response("", { status: 500 })],
    ["an accepted request", () => new Response("", { status: 202 })],
    ["a redirect", () => Response.redirect(other.url, 307)],
    ["no JSON", () => new Response("ok")],
    ["another action", () => Response.json({ action: "ban" })],
    ["no action", () => Response.json({})],
    ["a text that is blank", () => change(" ")],
    ["a text that is too long", () => change("x".repeat(4_001))],
    ["a text that is none", () => Response.json({ action: "change" })],
    ["too many mentions", () => change("x", { mentions: Array(51).fill("@ben") })],
    ["a very large response", () => Response.json({ action: "allow", more: "x".repeat(70_000) })],
    ["JSON that is nested very deep", () => new Response(`{"action":"allow","a":${"[".repeat(20_000)}`)],
  ])("%s", async (_, respond) => {
    checker.respond = respond;
    const { status, body } = await say("hello");
    expect(status).toBe("503 message_unchecked");
    expect(body).toMatchObject({ retryable: true, retryAfterMs: 1_000 });
    expect(other.asked).toEqual([]);
    checker.respond = allow;
    expect((await say("hello")).status).toBe(201);
    expect(await texts()).toEqual(["hello"]);
  });

  test("silence, for as long as a message may wait", async () => {
    checker.respond = () => new Promise<Response>(() => {});
    const begun = performance.now();
    expect((await say("hello")).status).toBe("503 message_unchecked");
    expect(performance.now() - begun).toBeGreaterThan(4_900);
  });

  test("an empty response with 200 or 204 does allow", async () => {
    for (const status of [200, 204]) {
      checker.respond = () => new Response(null, { status });
      expect((await say("hello")).status).toBe(201);
    }
  });
});

describe("repeats", () => {
  test("of what was committed get its ack, even if the endpoint would refuse or fail now", async () => {
    const clientId = crypto.randomUUID();
    checker.respond = () => change("gently");
    expect((await say("harshly", { clientId })).body).toMatchObject({ id: 1, content: "gently" });
    const again = { status: 200, body: { id: 1, version: 1, duplicate: true } };
    for (const respond of [allow, () => refuse("No."), () => new Response("", { status: 500 })]) {
      checker.respond = respond;
      expect(await say("harshly", { clientId })).toMatchObject(again);
    }
    const edit = { content: "better", clientId: crypto.randomUUID() };
    checker.respond = allow;
    await by(ada, `PATCH /rooms/${room}/messages/1/`, edit);
    checker.respond = () => refuse("No.");
    const repeated = await by(ada, `PATCH /rooms/${room}/messages/1/`, edit);
    expect(repeated).toMatchObject({ status: 200, body: { version: 2, duplicate: true } });
    expect(await texts()).toEqual(["better"]);
  });

  test("of what was refused are asked about again", async () => {
    const clientId = crypto.randomUUID();
    checker.respond = () => refuse("No.");
    expect((await say("hello", { clientId })).status).toBe("403 message_refused");
    checker.respond = allow;
    expect((await say("hello", { clientId })).status).toBe(201);
  });

  test("of what waits are answered with it, whatever they say", async () => {
    const clientId = crypto.randomUUID();
    const letGo = holding("hello");
    const socket = await connect(server, { token: ada.token });
    const send = (content: string, key = crypto.randomUUID()) =>
      socket.ask({ type: "send", room, clientId: key, content });
    const [first, second, third] = [
      send("hello", clientId),
      send("something else", clientId),
      send("behind"),
    ];
    await until(() => checker.said(room).includes("behind"));
    letGo();
    expect(await Promise.all([first, second, third])).toMatchObject([
      { type: "ok", id: 1 },
      { type: "ok", id: 1, duplicate: true },
      { type: "ok", id: 2 },
    ]);
    socket.close();
    expect(await texts()).toEqual(["hello", "behind"]);
    expect(checker.said(room)).toEqual(["hello", "behind"]);
  });
});

describe("order", () => {
  test("what one person sends to a room is committed in order, although it is asked about at once", async () => {
    await say("zero");
    const socket = await connect(server, { token: ada.token });
    await socket.ask({ type: "join", room });
    const letGo = holding("first");
    const send = (content: string) =>
      socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content });
    const [first, second] = [send("first"), send("second")];
    const reaction = { type: "react", room, clientId: crypto.randomUUID(), id: 1, emoji: "👍", on: true };
    const third = socket.ask(reaction);
    await until(() => checker.said(room).includes("second"));
    // Another room of the same person does not wait, nor does anything else on the socket.
    const aside = `x-${room}`;
    const elsewhere = { type: "send", room: aside, clientId: crypto.randomUUID(), content: "elsewhere" };
    expect(await socket.ask(elsewhere)).toMatchObject({ type: "ok", id: 1 });
    expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "ok" });
    expect(await texts()).toEqual(["zero"]);
    letGo();
    expect(await Promise.all([first, second, third])).toMatchObject([
      { id: 2, version: 2 },
      { id: 3, version: 3 },
      { id: 1, version: 4 },
    ]);
    socket.close();
  });

  test("a refused message does not hold up the next", async () => {
    checker.respond = ({ body }) => (body.data.content === "first" ? refuse("No.") : allow());
    const socket = await connect(server, { token: ada.token });
    const send = (content: string) =>
      socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content });
    expect(await Promise.all([send("first"), send("second")])).toMatchObject([
      { type: "error", code: "message_refused" },
      { type: "ok", id: 1 },
    ]);
    socket.close();
  });

  test("a message whose socket is closed meanwhile is committed all the same", async () => {
    const letGo = holding("parting");
    const socket = await connect(server, { token: ada.token });
    socket.send({ type: "send", ref: 1, room, clientId: crypto.randomUUID(), content: "parting" });
    await until(() => checker.said(room).length === 1);
    socket.close();
    await socket.closed;
    letGo();
    await until(async () => (await texts()).includes("parting"));
  });

  test("a removal that comes first keeps the message out", async () => {
    await say("first");
    await say("hello", {}, ben);
    const letGo = holding("last words");
    const last = say("last words", {}, ben);
    await until(() => checker.said(room).includes("last words"));
    expect(await statusOf(operator, `PUT /admin/rooms/${room}/bans/ben/`)).toBe(204);
    letGo();
    expect((await last).status).toBe("403 forbidden");
  });
});

test("one person's slow answers keep nobody else waiting", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  checker.respond = async ({ body }) => {
    if (body.data.username === "ada") await promise;
    return allow();
  };
  const flood = Array.from({ length: 60 }, (_, n) => say(`slow ${n}`));
  await until(() => checker.said(room).length === 8);
  expect((await say("quick", {}, ben)).status).toBe(201);
  expect(checker.said(room)).toHaveLength(9);
  resolve();
  expect((await Promise.all(flood)).map(({ status }) => status)).toEqual(Array(60).fill(201));
});

test("an endpoint that is down is not waited for, and used again when it is back", async () => {
  await say("first");
  await checker.die();
  for (const person of [ada, ben, ada, ben, ada])
    expect((await say("hello", {}, person)).status).toBe("503 message_unchecked");
  const skipped = await metric('parley_message_hook_total{outcome="skipped"}');
  for (let n = 0; n < 3; n++) expect((await say("hello")).status).toBe("503 message_unchecked");
  expect(await metric('parley_message_hook_total{outcome="skipped"}')).toBeGreaterThan(skipped);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  checker.revive();
  await until(async () => (await say("back")).status === 201, 20_000);
  const events = server.log
    .map(({ event }) => event)
    .filter((event) => `${event}`.startsWith("message_hook"));
  expect(events).toContain("message_hook_failing");
  expect(events.at(-1)).toBe("message_hook_back");
  expect(await metric("parley_message_hook_seconds_count")).toBeGreaterThan(0);
});

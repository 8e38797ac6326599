import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Answer, api } from "../support/api.ts";
import { connect, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { problem } from "./calls.ts";

// Mentions over HTTP and chat.v1, from the message to the inbox.

let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
  [ada, ben, cy] = (await Promise.all(
    (["ada", "ben", "cy"] as const).map((name) => register(server, name)),
  )) as [Person, Person, Person];
}, START_MS);
afterAll(() => server.stop());

const call = ({ token }: Person, target: string, body?: unknown) => api(server, target, { token, body });
const at = (room: string) => `/rooms/${encodeURIComponent(room)}`;
const post = (person: Person, room: string, body: object) =>
  call(person, `POST ${at(room)}/messages/`, { content: "hello", ...body });
const profile = async (person: Person) =>
  ((await call(person, "GET /account/me/")).body as { user: { id: string } }).user;
const inbox = async (person: Person, query = "") =>
  (await call(person, `GET /mentions/${query}`)).body as {
    room: string;
    unread: boolean;
    message: { id: number; content: string; mentions?: { username: string }[]; everyone?: true };
  }[];
const listed = async (person: Person, room: string) =>
  (await call(person, `GET ${at(room)}/`)).body as { mentions: number; unread: number };

async function create(people: readonly string[]): Promise<string> {
  const { body } = await call(ada, "POST /rooms/", { people: people.map((name) => `@${name}`) });
  return (body as { room: string }).room;
}
async function joined(person: Person, room: string): Promise<V1Client> {
  const socket = await connect(server, { token: person.token });
  expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
  await socket.next("synced");
  return socket;
}

test("a message names the people whom it mentions, by their present names, live and in history", async () => {
  const room = await create(["ben"]);
  const socket = await joined(ben, room);
  const { id } = await profile(ben);
  const clientId = crypto.randomUUID();
  const sent = await post(ada, room, { clientId, mentions: [id, "@cy", "u_nobody"] });
  expect(sent).toMatchObject({ status: 201, body: { id: 2, unreached: ["@cy", "u_nobody"] } });
  expect(await socket.next("message")).toMatchObject({
    id: 2,
    mentions: [{ id, username: "ben" }],
  });
  const again = await post(ada, room, { clientId, mentions: [id, "@cy", "u_nobody"] });
  expect(again).toMatchObject({ status: 200, body: { duplicate: true, unreached: ["@cy", "u_nobody"] } });
  const history = (await call(ben, `GET /history/${encodeURIComponent(room)}/`)).body;
  expect(history).toMatchObject([{ id: 2, mentions: [{ id, username: "ben" }] }]);

  const command = {
    type: "edit",
    clientId: crypto.randomUUID(),
    id: 2,
    content: "hello",
    mentions: ["@cy", "@ada"],
  };
  const own = await joined(ada, room);
  expect(await own.ask({ ...command, room })).toMatchObject({ type: "ok", version: 3, unreached: ["@cy"] });
  expect(await own.ask({ ...command, room })).toMatchObject({ duplicate: true, unreached: ["@cy"] });
  expect(await socket.next("message")).toMatchObject({ change: "updated", mentions: [{ username: "ada" }] });
  expect(
    await own.ask({ type: "send", room, clientId: crypto.randomUUID(), content: "x", mentions: ["@ben"] }),
  ).toEqual({
    type: "ok",
    ref: expect.any(Number),
    id: 4,
    version: 4,
    timestamp: expect.any(String),
  });
  expect(await call(ada, `DELETE ${at(room)}/messages/4/`)).toMatchObject({ status: 200 });
  expect(await socket.next("message")).toMatchObject({ change: "created", mentions: [{ username: "ben" }] });
  const gone = await socket.next("message");
  expect(gone).toMatchObject({ change: "deleted", id: 4 });
  expect(gone).not.toHaveProperty("mentions");
  for (const one of [socket, own]) one.close();
});

test("the inbox has what its reader may read, newest first, and its counts follow the read mark", async () => {
  const room = await create(["ben", "cy"]);
  await post(ada, room, { content: "one", mentions: ["@ben"] });
  await post(ada, room, { content: "two", everyone: true });
  const mine = async () => (await inbox(ben)).filter((entry) => entry.room === room);
  expect(await mine()).toMatchObject([
    { unread: true, message: { content: "two", everyone: true } },
    { unread: true, message: { content: "one", mentions: [{ username: "ben" }] } },
  ]);
  expect(await listed(ben, room)).toMatchObject({ mentions: 2, unread: 2 });
  expect(await listed(cy, room)).toMatchObject({ mentions: 1, unread: 2 });
  expect(await listed(ada, room)).toMatchObject({ mentions: 0, unread: 0 });

  const page = await call(ben, "GET /mentions/?limit=1");
  const [, next = ""] = /^<([^>]+)>; rel="next"$/.exec(page.headers.get("link") ?? "") ?? [];
  expect((await call(ben, `GET ${next}`)).body).toMatchObject([{ message: { content: "one" } }]);

  const socket = await joined(ben, room);
  expect(await socket.ask({ type: "read", room, id: 2 })).toMatchObject({ type: "ok" });
  expect(await mine()).toMatchObject([{ unread: true }, { unread: false }]);
  expect(await listed(ben, room)).toMatchObject({ mentions: 1 });
  socket.close();

  const person = (await profile(ben)).id;
  expect(await call(ada, `DELETE ${at(room)}/members/${person}/`)).toMatchObject({ status: 200 });
  expect(await mine()).toEqual([]);
});

test("a socket that watches learns of unread mentions with the activity of their room", async () => {
  const room = await create(["ben", "cy"]);
  const sockets = await Promise.all([ben, cy].map(({ token }) => connect(server, { token })));
  for (const socket of sockets)
    expect(await socket.ask({ type: "watch", on: true })).toMatchObject({ type: "ok" });
  await post(ada, room, { mentions: ["@ben"] });
  const [bens, cys] = await Promise.all(sockets.map((socket) => socket.next("activity")));
  expect(bens).toEqual({ type: "activity", room, id: 2, mentions: 1 });
  expect(cys).toEqual({ type: "activity", room, id: 2 });
  await post(ada, room, {});
  expect(await sockets[0]?.next("activity")).toEqual({ type: "activity", room, id: 3 });
  for (const socket of sockets) socket.close();
});

test("wrong mentions are refused with the field, and mentioning everyone in an open room with its own code", async () => {
  const invalid = (answer: Answer) =>
    expect(answer).toMatchObject({
      status: 400,
      body: { code: "invalid", errors: { mentions: [expect.any(String)] } },
    });
  invalid(await post(ada, "mention-bad", { mentions: "@ben" }));
  invalid(await post(ada, "mention-bad", { mentions: Array.from({ length: 51 }, (_, n) => `@p${n}`) }));
  invalid(await post(ada, "mention-bad", { mentions: ["\0"] }));
  expect(await post(ada, "mention-bad", { everyone: true })).toMatchObject(problem(403, "everyone_denied"));
  expect(await post(ada, "mention-bad", { mentions: [], everyone: false })).toMatchObject({ status: 201 });
  expect(await call(ada, "GET /mentions/?before=nowhere")).toMatchObject({
    status: 400,
    body: { errors: { before: ["must be a cursor of this list"] } },
  });
});

test("a backend mentions people in the name of the service, and everyone wherever it posts", async () => {
  const room = await create(["ben"]);
  const body = { content: "On its way", mentions: ["@ben", "@cy"], everyone: true };
  const answer = await api(server, `POST /admin${at(room)}/messages/`, { token: ADMIN_TOKEN, body });
  expect(answer).toMatchObject({ status: 201, body: { unreached: ["@cy"] } });
  expect((await inbox(ben))[0]).toMatchObject({ room, message: { content: "On its way", everyone: true } });
});

test("mentions have a budget of their own, which edits spend too", async () => {
  const limited = await startTestServer({ MESSAGE_RATE: "0", LOGIN_RATE: "0" });
  try {
    const eve = await register(limited, "eve");
    const names = Array.from({ length: 50 }, (_, n) => `@p${n}`);
    const said = (body: object) =>
      api(limited, "POST /rooms/pings/messages/", { token: eve.token, body: { content: "x", ...body } });
    for (let n = 0; n < 2; n++) expect(await said({ mentions: names })).toMatchObject({ status: 201 });
    const edited = (n: number) =>
      api(limited, "PATCH /rooms/pings/messages/1/", {
        token: eve.token,
        body: { content: `x${n}`, mentions: names },
      });
    // Twice fifty are the burst; what came back meanwhile is far less than another fifty.
    expect(await edited(1)).toMatchObject({ status: 429, body: { code: "rate_limited" } });
    // Anything else still works.
    expect(await said({})).toMatchObject({ status: 201 });
  } finally {
    await limited.stop();
  }
});

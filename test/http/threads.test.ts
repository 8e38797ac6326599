import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, type V1Client } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

// Threads over HTTP and on sockets, as clients use them.

let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;

beforeAll(async () => {
  ({ server, ada, ben, cy } = await house());
}, START_MS);

interface Shown {
  readonly id: number;
  readonly content: string;
  readonly thread?: number;
  readonly alsoRoom?: true;
  readonly replies?: { readonly count: number; readonly last: { readonly id: number } };
}
interface Thread {
  readonly root: Shown;
  readonly messages: readonly Shown[];
  readonly following: boolean;
  readonly lastRead: number;
}
type Listed = { room: string; root: Shown; unread: number; lastRead: number }[];

const call = (line: string, { token }: Person, body?: unknown) => api(server, line, { token, body });
async function post(room: string, who: Person, content: string, more: object = {}): Promise<number> {
  const { status, body } = await call(`POST /rooms/${encodeURIComponent(room)}/messages/`, who, {
    content,
    ...more,
  });
  expect({ status, body }).toMatchObject({ status: 201 });
  return (body as { id: number }).id;
}
const thread = async (room: string, root: number, who: Person, query = "") =>
  call(`GET /rooms/${encodeURIComponent(room)}/threads/${root}/${query}`, who);
const keep = (room: string, root: number, who: Person, body: object) =>
  call(`PUT /rooms/${encodeURIComponent(room)}/threads/${root}/me/`, who, body);
const unreadOf = async (who: Person, room: string) =>
  ((await call("GET /threads/", who)).body as Listed).filter((one) => one.room === room);
/** The next frame of a type that has these fields. */
async function nextWith(socket: V1Client, type: "message" | "thread", fields: object) {
  for (;;) {
    const frame = await socket.next(type);
    if (Bun.deepMatch(fields, frame)) return frame;
  }
}
const history = async (room: string, who: Person, query = "") =>
  (await call(`GET /history/${encodeURIComponent(room)}/${query}`, who)).body as Shown[];

test("a reply in a thread is an ordinary message of its room, and the first one shows a summary", async () => {
  const reader = await connect(server, { room: "threads", token: cy.token });
  await reader.next("synced");
  const root = await post("threads", ada, "Shall we?");
  const first = await post("threads", ben, "Yes", { thread: root });
  const second = await post("threads", ada, "Good", { thread: first, alsoRoom: true, replyTo: first });
  await nextWith(reader, "message", { id: root });
  expect(await nextWith(reader, "message", { id: first })).toMatchObject({ thread: root, prev: root });
  expect(await nextWith(reader, "message", { id: second })).toMatchObject({
    thread: root,
    alsoRoom: true,
    replyTo: first,
  });
  const all = await history("threads", cy);
  expect(all.map(({ id, thread }) => [id, thread])).toEqual([
    [root, undefined],
    [first, root],
    [second, root],
  ]);
  expect(all[0]?.replies).toMatchObject({
    count: 2,
    last: { id: second },
    people: [{ username: "ada" }, { username: "ben" }],
  });
  expect((await history("threads", cy, "?main")).map(({ id }) => id)).toEqual([root, second]);
  const { status, body } = await thread("threads", root, cy);
  expect(status).toBe(200);
  const { messages, following, lastRead, ...rest } = body as Thread;
  expect([messages.map(({ id }) => id), following, lastRead]).toEqual([[first, second], false, 0]);
  expect(rest.root).toMatchObject({ id: root, content: "Shall we?", replies: { count: 2 } });
  reader.close();
});

test("everyone in the room hears how many replies a thread has, also after one was deleted", async () => {
  const reader = await connect(server, { room: "summaries", token: cy.token });
  await reader.next("synced");
  const root = await post("summaries", ada, "root");
  const first = await post("summaries", ben, "one", { thread: root });
  const told = await nextWith(reader, "thread", { replies: { count: 1 } });
  expect(told).toMatchObject({
    room: "summaries",
    id: root,
    version: first,
    replies: { last: { id: first } },
  });
  expect((await call(`DELETE /rooms/summaries/messages/${first}/`, ben)).status).toBe(200);
  expect(await nextWith(reader, "thread", { replies: null })).toMatchObject({ id: root, version: first + 1 });
  reader.close();
});

test("a thread is paged like the history of its room, and an ETag says that it has not changed", async () => {
  const root = await post("thread-pages", ada, "root");
  const ids: number[] = [];
  for (let count = 0; count < 5; count++) {
    ids.push(await post("thread-pages", ben, `reply ${count}`, { thread: root }));
    await post("thread-pages", ben, "something else");
  }
  const newest = await thread("thread-pages", root, ada, "?limit=2");
  expect((newest.body as Thread).messages.map(({ id }) => id)).toEqual(ids.slice(3));
  expect(newest.headers.get("link")).toBe(
    `</rooms/thread-pages/threads/${root}/?before=${ids[3]}&limit=2>; rel="prev"`,
  );
  const around = await thread("thread-pages", root, ada, `?around=${ids[2]}&limit=2`);
  expect((around.body as Thread).messages.map(({ id }) => id)).toEqual(ids.slice(1, 3));
  const etag = newest.headers.get("etag") ?? "";
  const again = await api(server, `GET /rooms/thread-pages/threads/${root}/?limit=2`, {
    token: ada.token,
    headers: { "if-none-match": etag },
  });
  expect(again.status).toBe(304);
  expect(await thread("thread-pages", root, ada, "?before=1&after=1")).toMatchObject({ status: 400 });
});

test("a message that is a reply itself begins no thread, nor does one that is not there", async () => {
  const root = await post("roots", ada, "root");
  const reply = await post("roots", ben, "reply", { thread: root });
  expect(await thread("roots", reply, ada)).toMatchObject({ status: 404 });
  expect(await thread("roots", 99, ada)).toMatchObject({ status: 404 });
  expect(await keep("roots", reply, ada, { following: true })).toMatchObject({ status: 404 });
  const refused = await call("POST /rooms/roots/messages/", ada, { content: "x", thread: 99 });
  expect(refused).toMatchObject({
    status: 400,
    body: { code: "invalid", errors: { thread: ["must be the id of a message in this room"] } },
  });
  expect(await call("POST /rooms/roots/messages/", ada, { content: "x", alsoRoom: true })).toMatchObject({
    status: 400,
    body: { errors: { alsoRoom: ["needs a thread"] } },
  });
});

// Elsewhere, badges of threads stay on other devices until each has opened the thread, or for ever.
test("reading a thread clears its badge on every device, and the mark never moves back", async () => {
  const room = "badges";
  const [desk, phone] = [
    await connect(server, { token: ada.token }),
    await connect(server, { token: ada.token }),
  ];
  expect(await desk.ask({ type: "join", room })).toMatchObject({ type: "ok" });
  const root = await post(room, ada, "root");
  const first = await post(room, ben, "one", { thread: root });
  const second = await post(room, ben, "two", { thread: root });
  expect(await unreadOf(ada, room)).toMatchObject([{ root: { id: root }, unread: 2, lastRead: root }]);
  const before = await call(`GET /rooms/${room}/`, ada);
  expect(before.body).toMatchObject({ unread: 0, threads: 1 });
  expect(await desk.ask({ type: "follow", room, thread: root, id: second })).toMatchObject({
    type: "ok",
    following: true,
    lastRead: second,
  });
  // The phone has not joined the room.
  expect(await phone.next("thread")).toEqual({
    type: "thread",
    room,
    id: root,
    following: true,
    lastRead: second,
  });
  expect(await unreadOf(ada, room)).toEqual([]);
  expect((await call(`GET /rooms/${room}/`, ada)).body).toMatchObject({ threads: 0 });
  expect((await keep(room, root, ada, { lastRead: first })).body).toEqual({
    following: true,
    lastRead: second,
  });
  for (const socket of [desk, phone]) socket.close();
});

test("people follow what they began or replied in, and may follow and unfollow by choice", async () => {
  const room = "following";
  const socket = await connect(server, { room, token: cy.token });
  await socket.next("synced");
  const root = await post(room, ada, "root");
  await post(room, ben, "one", { thread: root });
  expect((await thread(room, root, ada)).body).toMatchObject({ following: true });
  expect((await thread(room, root, ben)).body).toMatchObject({ following: true });
  expect((await thread(room, root, cy)).body).toMatchObject({ following: false });
  expect(await socket.ask({ type: "follow", thread: root, on: true })).toMatchObject({ following: true });
  expect((await keep(room, root, ada, { following: false })).body).toMatchObject({ following: false });
  await post(room, ben, "two", { thread: root });
  expect(await unreadOf(ada, room)).toEqual([]);
  expect(await unreadOf(cy, room)).toMatchObject([{ unread: 1 }]);
  expect(await keep(room, root, cy, {})).toMatchObject({ status: 400 });
  socket.close();
});

test("someone who came later sees no thread that began before, and hears nothing of it", async () => {
  const made = await call("POST /rooms/", ada, { title: "Later", history: "joined", people: ["@ben"] });
  const { room } = made.body as { room: string };
  const root = await post(room, ada, "before cy came");
  await post(room, ben, "also before", { thread: root });
  expect(await call(`PUT /rooms/${encodeURIComponent(room)}/members/@cy/`, ada, {})).toMatchObject({
    status: 200,
  });
  const newcomer = await connect(server, { token: cy.token });
  const member = await connect(server, { token: ada.token });
  for (const socket of [newcomer, member]) {
    await socket.ask({ type: "join", room });
    await socket.next("synced");
  }
  const reply = await post(room, ben, "cy sees this in the room", { thread: root });
  expect(await nextWith(newcomer, "message", { id: reply })).toMatchObject({ thread: root });
  await nextWith(member, "thread", { replies: { count: 2 } });
  expect(await newcomer.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  expect(newcomer.frames.filter(({ type }) => type === "thread")).toEqual([]);
  expect(await thread(room, root, cy)).toMatchObject({ status: 404 });
  expect(await newcomer.ask({ type: "history", room, thread: root })).toMatchObject({ code: "not_found" });
  expect(await newcomer.ask({ type: "follow", room, thread: root, on: true })).toMatchObject({
    code: "not_found",
  });
  // Without the thread, the reply is part of the conversation that they see.
  expect((await history(room, cy, "?main")).map(({ id }) => id)).toEqual([reply]);
  expect((await history(room, ada, "?main")).map(({ id }) => id)).not.toContain(reply);
  const clientId = crypto.randomUUID();
  expect(await newcomer.ask({ type: "send", room, clientId, content: "x", thread: reply })).toMatchObject({
    type: "error",
    code: "invalid",
  });
  // Someone who is removed loses the list with the room.
  await post(room, ben, "three", { thread: root });
  expect(await unreadOf(ada, room)).toHaveLength(1);
  expect(
    await call(`PUT /rooms/${encodeURIComponent(room)}/members/@ben/`, ada, { role: "owner" }),
  ).toMatchObject({
    status: 200,
  });
  await call(`DELETE /rooms/${encodeURIComponent(room)}/members/me/`, ada);
  expect(await unreadOf(ada, room)).toEqual([]);
  expect(await thread(room, root, ada)).toMatchObject({ status: 403 });
  for (const socket of [newcomer, member]) socket.close();
});

test("the command history pages a thread and the main conversation", async () => {
  const room = "commands-threads";
  const socket = await connect(server, { room, token: ada.token });
  await socket.next("synced");
  const root = await post(room, ada, "root");
  const replies: number[] = [];
  for (let count = 0; count < 3; count++) replies.push(await post(room, ben, "reply", { thread: root }));
  const last = await post(room, ada, "last");
  const idsIn = (reply: Record<string, unknown>) => (reply.messages as Shown[]).map(({ id }) => id);
  const main = await socket.ask({ type: "history", main: true });
  expect([idsIn(main), main.more]).toEqual([[root, last], false]);
  const part = await socket.ask({ type: "history", main: true, limit: 1 });
  expect([idsIn(part), part.more, part.next]).toEqual([[last], true, last]);
  const page = await socket.ask({ type: "history", thread: root, limit: 2 });
  expect([idsIn(page), page.more]).toEqual([replies.slice(1), true]);
  socket.close();
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Answer, api } from "../support/api.ts";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { type Person, register } from "../support/people.ts";
import { handshake } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { ADMIN_TOKEN } from "./ways.ts";

// Private rooms and direct conversations, on real sockets: what people see, from when on and until when.

let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;
let eve: Person;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
  [ada, ben, cy, eve] = (await Promise.all(
    (["ada", "ben", "cy", "eve"] as const).map((name) => register(server, name)),
  )) as [Person, Person, Person, Person];
});
afterAll(() => server.stop());

const id = () => crypto.randomUUID();
const codeOf = ({ body }: Answer) => (body as { code?: string }).code;
const call = ({ token }: Person, target: string, body?: unknown) => api(server, target, { token, body });
const at = (room: string) => `/rooms/${encodeURIComponent(room)}`;
const admin = (target: string, body?: unknown) => api(server, target, { token: ADMIN_TOKEN, body });

/** Creates a private room of ada's, with these people. */
async function create(people: readonly string[] = [], more: object = {}): Promise<string> {
  const { status, body } = await call(ada, "POST /rooms/", {
    people: people.map((name) => `@${name}`),
    ...more,
  });
  expect(status).toBe(201);
  const { room } = body as { room: string };
  expect(room).toMatch(/^~[a-z2-7]{26}$/);
  return room;
}

async function joined(person: Person, room: string): Promise<V1Client> {
  const socket = await connect(server, { token: person.token });
  expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
  await socket.next("synced");
  return socket;
}

const post = async (person: Person, room: string, content: string, clientId = id()) =>
  (await call(person, `POST ${at(room)}/messages/`, { content, clientId })).body as {
    id: number;
    version: number;
    code?: string;
    duplicate?: true;
  };
const texts = (body: unknown) => (body as { content: string }[]).map(({ content }) => content);
const history = (person: Person, room: string, query = "") =>
  call(person, `GET /history/${encodeURIComponent(room)}/${query}`);

test("whoever is removed gets the notice and nothing after it, and a retry of what they sent before gets its ack", async () => {
  const room = await create(["ben", "cy"]);
  const [socket, own, plain, other] = await Promise.all([
    joined(ben, room),
    connect(server, { room, token: ben.token }),
    connectPlain(server, { room, token: ben.token }),
    joined(cy, room),
  ]);
  await own.next("synced");
  const clientId = id();
  expect(await post(ben, room, "before", clientId)).toMatchObject({ id: 2 });
  for (const each of [socket, own, other]) await each.next("message");
  expect((await plain.next("message")).message).toBe("before");

  const removed = await call(ada, `DELETE ${at(room)}/members/@ben/`);
  expect(removed.body).toMatchObject({ id: 3, version: 3 });
  await post(ada, room, "after");
  expect((await other.next("message")).content).toBe("after");
  expect(await other.next("notice")).toMatchObject({
    id: 3,
    prev: 2,
    by: { username: "ada" },
    notice: { type: "removed", users: [{ username: "ben" }] },
  });

  expect(await socket.next("notice")).toMatchObject({ id: 3, notice: { type: "removed" } });
  expect(await socket.next("left")).toEqual({ type: "left", room, code: 4503 });
  expect(await own.closed).toMatchObject({ code: 4503 });
  expect(await plain.closed).toMatchObject({ code: 4503 });
  expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  for (const each of [socket, own, plain]) expect(JSON.stringify(each.frames)).not.toContain("after");

  expect(await socket.ask({ type: "history", room })).toMatchObject({ code: "forbidden" });
  expect(await socket.ask({ type: "join", room })).toMatchObject({ code: "forbidden" });
  expect(codeOf(await history(ben, room))).toBe("forbidden");
  expect(await post(ben, room, "late")).toMatchObject({ code: "forbidden" });
  // Over both ways, with the same clientId.
  expect(await post(ben, room, "before", clientId)).toMatchObject({ id: 2, duplicate: true });
  expect(await socket.ask({ type: "send", room, clientId, content: "before" })).toMatchObject({
    type: "ok",
    id: 2,
    duplicate: true,
  });
  expect(texts((await history(ada, room)).body)).toEqual(["before", "after"]);
  for (const each of [socket, other]) each.close();
});

test("a newcomer to a room that keeps its past sees what comes from then on, and nothing of changes before", async () => {
  const room = await create([], { history: "joined" });
  const old = await post(ada, room, "old");
  const added = await call(ada, `PUT ${at(room)}/members/@ben/`, {});
  const from = (added.body as { id: number }).id;
  const socket = await connect(server, { token: ben.token });
  expect(await socket.ask({ type: "join", room, since: undefined })).toMatchObject({ type: "ok" });
  expect(await socket.next("joined")).toMatchObject({ kind: "private", role: "member", from, unread: 0 });
  await socket.next("synced");

  const [past, around, seen] = await Promise.all([
    history(ben, room),
    history(ben, room, `?around=${old.id}`),
    history(ben, room, "?notices"),
  ]);
  expect([past.body, around.body]).toEqual([[], []]);
  expect(seen.body).toMatchObject([{ id: from, notice: { type: "added", users: [{ username: "ben" }] } }]);

  const edited = await call(ada, `PATCH ${at(room)}/messages/${old.id}/`, { content: "changed" });
  const { version } = edited.body as { version: number };
  expect(await socket.next("synced")).toEqual({ type: "synced", room, version });
  await post(ada, room, "new");
  expect(await socket.next("message")).toMatchObject({ content: "new", prev: version });
  expect(
    await socket.ask({ type: "react", room, clientId: id(), id: old.id, emoji: "👍", on: true }),
  ).toMatchObject({
    code: "not_found",
  });
  // Nor can they answer to it: not alone, not among posts of someone who sees it, and not with a key of their own reply.
  const reply = { type: "send", room, content: "what?" };
  const [unseen, seenByAda] = await Promise.all([
    socket.ask({ ...reply, clientId: id(), replyTo: old.id }),
    call(ada, `POST ${at(room)}/messages/`, { content: "indeed", replyTo: old.id }),
  ]);
  expect(unseen).toMatchObject({ code: "invalid", message: expect.stringContaining("replyTo") });
  expect(seenByAda.status).toBe(201);
  const own = { ...reply, clientId: id() };
  const sent = await socket.ask({ ...own, replyTo: from + 2 });
  expect(sent).toMatchObject({ type: "ok" });
  expect(await socket.ask({ ...own, replyTo: old.id })).toMatchObject({ id: sent.id, duplicate: true });
  // A replay leaves it out too.
  const { epoch } = socket.frames.find(({ type }) => type === "joined") as { epoch: string };
  const resumed = await connect(server, { room, token: ben.token, since: `${epoch}.${from - 1}` });
  await resumed.next("synced");
  expect(resumed.frames.map(({ type }) => type)).toEqual([
    "welcome",
    "joined",
    "notice",
    ...["message", "message", "message"],
    "synced",
  ]);
  for (const each of [socket, resumed]) each.close();
});

test("the same people share one direct room, strangers learn nothing, and nobody leaves it", async () => {
  const open = (person: Person, ...people: string[]) => call(person, "PUT /direct/", { people });
  const [one, other] = [await open(ada, "@ben"), await open(ben, "@ada", "me")];
  expect([one.status, other.status]).toEqual([201, 200]);
  const { room } = one.body as { room: string };
  expect(other.body).toEqual({ room });
  const [mine, theirs] = [await joined(ada, room), await joined(ben, room)];
  const { id: said } = await post(ben, room, "are you there?");
  expect(await mine.ask({ type: "read", room, id: said })).toMatchObject({ type: "ok" });
  expect(await theirs.next("receipt")).toMatchObject({ room, id: said, username: "ada" });
  expect((await call(ben, `GET ${at(room)}/members/`)).body).toMatchObject([
    { username: "ada", lastRead: said },
    { username: "ben" },
  ]);
  for (const each of [mine, theirs]) each.close();
  await post(ada, room, "psst");
  const unknown = `~${"a".repeat(26)}`;
  for (const target of [
    "GET /history/%/",
    "GET /rooms/%/",
    "GET /rooms/%/members/",
    "DELETE /rooms/%/members/me/",
  ]) {
    const [secret, nothing] = await Promise.all(
      [room, unknown].map((name) => call(eve, target.replace("%", encodeURIComponent(name)))),
    );
    expect([secret?.status, secret?.body]).toEqual([404, nothing?.body]);
  }
  expect(await post(eve, room, "let me in")).toMatchObject({ code: "not_found" });
  expect(await post(eve, unknown, "let me in")).toMatchObject({ code: "not_found" });
  expect((await handshake(server, `/ws/chat/${room}/?token=${eve.token}`)).status).toBe(404);
  expect(codeOf(await call(ben, `DELETE ${at(room)}/members/me/`))).toBe("direct_room");
  expect(codeOf(await call(ada, `PUT ${at(room)}/members/@eve/`, {}))).toBe("direct_room");
  expect(codeOf(await open(ada))).toBe("invalid");
  expect(codeOf(await open(ada, "@nobody-here"))).toBe("invalid");
});

test("roles: the last owner needs an heir, moderators keep order, and mutes and archives stop posts", async () => {
  const room = await create(["ben", "cy"]);
  const put = (person: Person, who: string, body: object = {}) =>
    call(person, `PUT ${at(room)}/members/${who}/`, body);
  expect(codeOf(await call(ada, `DELETE ${at(room)}/members/me/`))).toBe("last_owner");
  expect(codeOf(await put(ben, "@eve"))).toBe("forbidden");
  expect(codeOf(await put(ben, "@ben", { role: "owner" }))).toBe("forbidden");
  const clientId = id();
  const promoted = await put(ada, "@ben", { role: "moderator", clientId });
  expect((await put(ada, "@ben", { role: "moderator", clientId })).body).toEqual({
    ...(promoted.body as object),
    duplicate: true,
  });
  expect(codeOf(await put(ada, "@cy", { role: "moderator", clientId }))).toBe("client_id_reused");

  // Rights that were given count at once, on sockets that were open before too.
  const moderator = await joined(ben, room);
  const socket = await joined(cy, room);
  const rude = await post(cy, room, "rude");
  expect(await moderator.ask({ type: "delete", room, clientId: id(), id: rude.id })).toMatchObject({
    type: "ok",
  });
  const until = new Date(Date.now() + 60_000).toISOString();
  const mute = { type: "member", room, clientId: id(), user: "@cy", set: "muted", until };
  expect(await moderator.ask(mute)).toMatchObject({ type: "ok" });
  expect(await socket.ask({ type: "send", room, clientId: id(), content: "mmm" })).toMatchObject({
    code: "muted",
    retryAfterMs: expect.any(Number),
  });
  await call(ben, `DELETE ${at(room)}/mutes/@cy/`);
  expect(await socket.ask({ type: "send", room, clientId: id(), content: "aah" })).toMatchObject({
    type: "ok",
  });

  expect(codeOf(await call(ben, `PATCH ${at(room)}/`, { archived: true }))).toBe("forbidden");
  expect(await moderator.ask({ type: "room", room, clientId: id(), title: "Old things" })).toMatchObject({
    type: "ok",
  });
  expect((await call(ada, `PATCH ${at(room)}/`, { archived: true })).status).toBe(200);
  expect(await socket.ask({ type: "send", room, clientId: id(), content: "?" })).toMatchObject({
    code: "archived",
  });
  expect((await history(cy, room)).status).toBe(200);
  expect((await call(ada, `DELETE ${at(room)}/members/me/?heir=@ben`)).status).toBe(204);
  expect(codeOf(await history(ada, room))).toBe("forbidden");
  expect((await call(ben, `GET ${at(room)}/members/`)).body).toMatchObject([
    { username: "ben", role: "owner" },
    { username: "cy", role: "member" },
  ]);
  expect((await call(cy, `GET ${at(room)}/`)).body).toMatchObject({ title: "Old things", archived: true });
  for (const each of [moderator, socket]) each.close();
});

test("the room's settings and one's own mute are told to those who join, and the settings with the room", async () => {
  const room = await create(["ben"], { history: "joined" });
  const told = async (): Promise<object> => {
    const socket = await connect(server, { token: ben.token });
    await socket.ask({ type: "join", room });
    const { history, membersAdd, receipts, mutedUntil } = await socket.next("joined");
    socket.close();
    return { history, membersAdd, receipts, mutedUntil };
  };
  const settings = async () => (await call(ben, `GET ${at(room)}/`)).body;
  expect(await settings()).toMatchObject({ history: "joined", membersAdd: false, receipts: false });
  expect(await told()).toEqual({ history: "joined" });
  const until = new Date(Date.now() + 3600_000).toISOString();
  await call(ada, `PUT ${at(room)}/mutes/@ben/`, { until });
  await call(ada, `PATCH ${at(room)}/`, { history: "all", membersAdd: true, receipts: true });
  expect(await settings()).toMatchObject({ history: "all", membersAdd: true, receipts: true });
  expect(await told()).toEqual({ membersAdd: true, receipts: true, mutedUntil: until });
  await call(ada, `PUT ${at(room)}/mutes/@ben/`);
  expect(await told()).toMatchObject({ mutedUntil: null });
  await call(ada, `DELETE ${at(room)}/mutes/@ben/`);
  expect(await told()).toEqual({ membersAdd: true, receipts: true });
});

test("wrong input is refused, each with its code", async () => {
  const room = await create(["ben"]);
  const clientId = id();
  const again = { title: "Same", clientId };
  const [first, second] = [await call(ada, "POST /rooms/", again), await call(ada, "POST /rooms/", again)];
  expect([first.status, second.status]).toEqual([201, 200]);
  expect(second.body).toEqual({ ...(first.body as object), duplicate: true });
  for (const [target, body, code] of [
    ["POST /rooms/", { title: "two\nlines" }, "invalid"],
    ["POST /rooms/", { title: "\u202eeman" }, "invalid"],
    ["POST /rooms/", { title: "x".repeat(101) }, "invalid"],
    ["POST /rooms/", { people: ["@nobody-here"] }, "invalid"],
    ["POST /rooms/", { kind: "open" }, "invalid"],
    [`PATCH ${at(room)}/`, {}, "invalid"],
    [`PATCH ${at(room)}/`, { kind: "open" }, "invalid"],
    [`PUT ${at(room)}/members/@nobody-here/`, {}, "not_found"],
    [`PUT ${at(room)}/members/@ben/`, { role: "king" }, "invalid"],
    [`PUT ${at(room)}/mutes/@ben/`, { until: "2001-01-01T00:00:00Z" }, "invalid"],
    [`DELETE ${at(room)}/members/me/?heir=@eve`, undefined, "not_found"],
  ] as const)
    expect([target, codeOf(await call(ada, target, body))]).toEqual([target, code]);
  const stale = await api(server, `DELETE ${at(room)}/members/@ben/`, {
    token: ada.token,
    headers: { "if-match": '"999"' },
  });
  expect([stale.status, codeOf(stale)]).toEqual([412, "outdated"]);
  // Added twice: nothing changes, and a late repeat of the first does not bring back anyone.
  const key = id();
  expect((await call(ada, `PUT ${at(room)}/members/@ben/`, { clientId: key })).body).toMatchObject({ id: 0 });
  await call(ada, `DELETE ${at(room)}/members/@ben/`);
  expect((await call(ada, `PUT ${at(room)}/members/@ben/`, { clientId: key })).body).toMatchObject({
    duplicate: true,
  });
  expect(codeOf(await history(ben, room))).toBe("forbidden");
});

test("a backend creates rooms, adds people in bulk and posts as the service; a ban is stronger than all of it", async () => {
  const made = await admin("POST /admin/rooms/", {
    room: "order-7",
    kind: "private",
    people: ["@ada"],
    title: "Order 7",
  });
  expect(made.status).toBe(201);
  expect(codeOf(await admin("POST /admin/rooms/", { room: "order-7", kind: "private" }))).toBe("room_exists");
  await post(ada, "hall", "hi");
  expect(codeOf(await admin("POST /admin/rooms/", { room: "hall", kind: "private" }))).toBe("room_exists");
  expect(codeOf(await history(ben, "order-7"))).toBe("forbidden");
  const bulk = { users: ["@ben", "mailto:cy@example.com", "@ben"], clientId: id() };
  const added = await admin("PUT /admin/rooms/order-7/members/", bulk);
  expect(added.body).toMatchObject({ id: 2 });
  expect((await admin("PUT /admin/rooms/order-7/members/", bulk)).body).toMatchObject({ duplicate: true });
  expect(
    codeOf(
      await admin("PUT /admin/rooms/order-7/members/", {
        users: Array.from({ length: 1_001 }, () => "@ben"),
      }),
    ),
  ).toBe("invalid");

  const socket = await joined(ben, "order-7");
  expect((await admin("POST /admin/rooms/order-7/messages/", { content: "Shipped." })).status).toBe(201);
  expect(await socket.next("message")).toMatchObject({ username: "parley", content: "Shipped." });
  expect((await admin("PUT /admin/rooms/order-7/bans/ben/")).status).toBe(204);
  expect(await socket.next("notice")).toMatchObject({
    by: { username: "parley" },
    notice: { type: "banned" },
  });
  expect(await socket.next("left")).toMatchObject({ code: 4503 });
  expect(codeOf(await admin("PUT /admin/rooms/order-7/members/@ben/"))).toBe("forbidden");
  expect((await admin("GET /admin/rooms/order-7/members/")).body).toMatchObject([
    { username: "ada" },
    { username: "cy" },
  ]);
  expect((await admin("DELETE /admin/rooms/order-7/")).status).toBe(200);
  expect((await history(ada, "order-7")).status).toBe(404);
  socket.close();
});

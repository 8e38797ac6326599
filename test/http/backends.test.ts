import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// What a backend does in rooms with a key: in the name of the server, or of a person.

let server: TestServer;
let ada: Person;
let ben: Person;
/** Reads, posts and acts as people in rooms that begin with `order-`. */
let key: string;

beforeAll(async () => {
  server = await startTestServer({ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
  [ada, ben] = [await register(server, "ada"), await register(server, "ben")];
  key = await keyWith("rooms:read:order-*", "rooms:post:order-*", "as");
}, START_MS);
afterAll(() => server.stop());

const call = (target: string, token: string, body?: object) =>
  api(server, target, { token, ...(body && { body }) });

let made = 0;
async function keyWith(...scopes: string[]): Promise<string> {
  const { body } = await call("POST /api-keys/", ADMIN_TOKEN, { name: `backend-${++made}`, scopes });
  return (body as { token: string }).token;
}

/** Creates a private room with its people. */
async function privateRoom(...people: string[]): Promise<string> {
  const room = `order-${++made}`;
  const wanted = { room, kind: "private", people, owners: people.slice(0, 1) };
  expect((await call("POST /admin/rooms/", ADMIN_TOKEN, wanted)).status).toBe(201);
  return room;
}

const lastOf = async (room: string, token = key) =>
  ((await call(`GET /history/${room}/?limit=1`, token)).body as unknown[])[0];
const post = (room: string, content: string, query = "", more: object = {}) =>
  call(`POST /rooms/${room}/messages/${query}`, key, { content, ...more });

describe("in the name of the server", () => {
  test("a key posts and reads in a private room that nobody added it to, once for a clientId", async () => {
    const room = await privateRoom("@ada", "@ben");
    const clientId = crypto.randomUUID();
    const news = { data: { status: "shipped" }, clientId };
    expect(await post(room, "On its way", "", news)).toMatchObject({
      status: 201,
      body: { id: 2, clientId },
    });
    expect(await post(room, "On its way", "", news)).toMatchObject({
      status: 200,
      body: { id: 2, duplicate: true },
    });
    const message = {
      id: 2,
      username: "parley",
      user: { id: "u_system" },
      content: "On its way",
      data: news.data,
    };
    expect(await lastOf(room)).toMatchObject(message);
    expect(await lastOf(room, ada.token)).toMatchObject(message);
    const { body } = await call(`GET /rooms/${room}/members/`, key);
    expect((body as { username: string }[]).map(({ username }) => username).sort()).toEqual(["ada", "ben"]);
  });

  test("a repeat gets its first answer, although the room was archived or deleted meanwhile", async () => {
    const room = await privateRoom("@ada");
    const more = { clientId: crypto.randomUUID() };
    await post(room, "Packed", "", more);
    for (const end of [
      () => call(`PATCH /admin/rooms/${room}/`, ADMIN_TOKEN, { archived: true }),
      () => call(`DELETE /admin/rooms/${room}/`, ADMIN_TOKEN),
    ]) {
      await end();
      expect(await post(room, "Packed", "", more)).toMatchObject({
        status: 200,
        body: { id: 2, duplicate: true },
      });
      expect((await post(room, "Packed")).status).toBeGreaterThan(400);
    }
  });

  test("it edits, reacts to and deletes messages of the server, and no others", async () => {
    const room = await privateRoom("@ada");
    await post(room, "Packd");
    await call(`POST /rooms/${room}/messages/`, ada.token, { content: "Thanks" });
    expect((await call(`PATCH /rooms/${room}/messages/2/`, key, { content: "Packed" })).status).toBe(200);
    expect(
      (await call(`PUT /rooms/${room}/messages/3/reactions/${encodeURIComponent("👍")}/`, key)).status,
    ).toBe(200);
    expect(await lastOf(room)).toMatchObject({ reactions: { "👍": { count: 1, users: ["parley"] } } });
    expect((await call(`PATCH /rooms/${room}/messages/3/`, key, { content: "x" })).body).toMatchObject({
      code: "forbidden",
    });
    expect((await call(`DELETE /rooms/${room}/messages/3/`, key)).body).toMatchObject({ code: "forbidden" });
    expect((await call(`DELETE /rooms/${room}/messages/2/`, key)).status).toBe(200);
    const moderator = await keyWith("rooms:post:order-*", "rooms:moderate:order-*");
    expect((await call(`DELETE /rooms/${room}/messages/3/`, moderator)).status).toBe(200);
    const { body } = await call("GET /admin/audit/?limit=1", ADMIN_TOKEN);
    expect(body).toMatchObject([{ action: "message.delete", actor: `backend-${made}`, room, messageId: 3 }]);
  });

  test("it manages rooms and their members, and the audit has its name", async () => {
    const manager = await keyWith("rooms:manage:order-*", "rooms:moderate:order-*");
    const name = `backend-${made}`;
    const room = await privateRoom("@ada");
    expect((await call(`PUT /rooms/${room}/members/@ben/`, manager, { role: "moderator" })).status).toBe(200);
    expect((await call(`PATCH /rooms/${room}/`, manager, { title: "Order", archived: true })).status).toBe(
      200,
    );
    expect((await call(`DELETE /rooms/${room}/members/@ben/`, manager)).status).toBe(200);
    expect((await call(`PUT /rooms/${room}/bans/@ben/`, manager)).status).toBe(200);
    const { body } = await call("GET /admin/audit/?limit=4", ADMIN_TOKEN);
    const deeds = (body as { action: string; actor: string }[]).map(({ action, actor }) => [actor, action]);
    expect(deeds).toEqual(
      ["user.ban", "member.remove", "room.change", "member.add"].map((action) => [name, action]),
    );
    // An archived room takes no messages, also from the server.
    expect((await post(room, "late")).body).toMatchObject({ code: "archived" });
  });

  test("nobody learns from a key that it is there", async () => {
    const socket = await connect(server, { token: ada.token });
    await socket.ask({ type: "join", room: "order-hall" });
    const { online } = await socket.next("joined");
    await call("GET /history/order-hall/", key);
    await post("order-hall", "hello");
    expect((await socket.next("message")).username).toBe("parley");
    const { body } = await call("GET /rooms/order-hall/", ada.token);
    expect([online, (body as { online: number }).online]).toEqual([1, 1]);
    const { body: members } = await call("GET /rooms/order-hall/members/", ada.token);
    expect((members as { username: string }[]).map(({ username }) => username)).toEqual(["ada"]);
    socket.close();
  });

  test("a room that was deleted, and one that the server would name, are not there", async () => {
    const all = await keyWith("rooms:read:*", "rooms:post:*");
    const none = `~${"a".repeat(26)}`;
    for (const target of [`GET /history/${none}/`, `GET /rooms/${none}/`])
      expect((await call(target, all)).body).toMatchObject({ code: "not_found" });
    expect((await call(`POST /rooms/${none}/messages/`, all, { content: "x" })).body).toMatchObject({
      code: "not_found",
    });
    const room = await privateRoom("@ada");
    await call(`DELETE /admin/rooms/${room}/`, ADMIN_TOKEN);
    expect((await call(`GET /history/${room}/`, key)).body).toMatchObject({ code: "not_found" });
  });
});

describe("in the name of a person", () => {
  test("the message has the person's name, and everything else is theirs", async () => {
    const room = await privateRoom("@ada", "@ben");
    const clientId = crypto.randomUUID();
    expect((await post(room, "From the app", "", { clientId, as: "@ada" })).status).toBe(201);
    expect(await lastOf(room, ben.token)).toMatchObject({
      username: "ada",
      content: "From the app",
      clientId,
    });
    // It is ada's, so she can repeat and edit it.
    const again = await call(`POST /rooms/${room}/messages/`, ada.token, {
      content: "From the app",
      clientId,
    });
    expect(again).toMatchObject({ status: 200, body: { duplicate: true } });
    expect((await call(`PATCH /rooms/${room}/messages/2/?as=@ada`, key, { content: "Edited" })).status).toBe(
      200,
    );
    expect(
      (await call(`PATCH /rooms/${room}/messages/2/?as=@ben`, key, { content: "No" })).body,
    ).toMatchObject({ code: "forbidden" });
    expect((await call(`DELETE /rooms/${room}/messages/2/?as=@ada`, key)).status).toBe(200);
  });

  test("the person's rights in the room apply", async () => {
    const room = await privateRoom("@ada");
    for (const [target, body] of [
      [`POST /rooms/${room}/messages/?as=@ben`, { content: "x" }],
      [`GET /history/${room}/?as=@ben`, undefined],
      [`GET /rooms/${room}/members/?as=@ben`, undefined],
    ] as const)
      expect((await call(target, key, body)).body).toMatchObject({ status: 403, code: "forbidden" });
    await call(`PUT /admin/rooms/${room}/members/@ben/`, ADMIN_TOKEN, {});
    await call(`PUT /admin/rooms/${room}/mutes/@ben/`, ADMIN_TOKEN, {});
    expect((await post(room, "x", "?as=@ben")).body).toMatchObject({ code: "muted" });
    expect((await call(`GET /history/${room}/?as=@ben`, key)).status).toBe(200);
  });

  test("a moderator's rights need the scope for them too, and the audit has both names", async () => {
    const room = await privateRoom("@ada", "@ben");
    await call(`POST /rooms/${room}/messages/`, ben.token, { content: "spam" });
    const deletion = `DELETE /rooms/${room}/messages/2/?as=@ada`;
    expect((await call(deletion, key)).body).toMatchObject({ code: "forbidden" });
    const moderator = await keyWith("rooms:post:order-*", "rooms:moderate:order-*", "as");
    const name = `backend-${made}`;
    expect((await call(deletion, moderator)).status).toBe(200);
    expect((await call(`PUT /rooms/${room}/mutes/@ben/?as=@ada`, moderator)).status).toBe(200);
    const { body } = await call("GET /admin/audit/?limit=2", ADMIN_TOKEN);
    expect(body).toMatchObject([
      { action: "user.mute", actor: `${name} as ada` },
      { action: "message.delete", actor: `${name} as ada` },
    ]);
  });

  test("it needs the scope, and a person who is there and enabled", async () => {
    const mute = await keyWith("rooms:read:order-*", "rooms:post:order-*");
    expect((await call("POST /rooms/order-x/messages/?as=@ada", mute, { content: "x" })).body).toMatchObject({
      ...{ status: 403, code: "scope_missing", scope: "as" },
    });
    for (const nobody of ["@nobody", "u_system", "me", "", "x".repeat(1000)])
      expect((await post("order-x", "x", `?as=${nobody}`)).body).toMatchObject({ code: "not_found" });
    expect((await post("order-x", "x", "?as=@ada&as=@ben")).body).toMatchObject({ code: "invalid" });
    for (const [query, as] of [
      ["?as=@ada", "@ben"],
      ["", 7],
      ["", null],
      ["", ["@ada"]],
    ] as const)
      expect((await post("order-x", "x", query, { as })).body).toMatchObject({
        code: "invalid",
        errors: { as: expect.any(Array) },
      });
    await register(server, "cleo");
    await call("POST /admin/users/@cleo/disable/", ADMIN_TOKEN);
    expect((await post("order-x", "x", "?as=@cleo")).body).toMatchObject({ code: "forbidden" });
  });

  test("nobody else can say that they are someone, and no route that does not know it ignores it", async () => {
    for (const [query, as] of [
      ["?as=@ben", {}],
      ["", { as: "@ben" }],
    ] as const) {
      const { body } = await call(`POST /rooms/order-x/messages/${query}`, ada.token, {
        content: "x",
        ...as,
      });
      expect(body).toMatchObject({ code: "invalid", errors: { as: expect.any(Array) } });
    }
    for (const target of ["POST /admin/rooms/order-x/messages/?as=@ada", "GET /admin/audit/?as=@ada"])
      expect(
        (await call(target, ADMIN_TOKEN, target.startsWith("POST") ? { content: "x" } : undefined)).body,
      ).toMatchObject({ code: "invalid" });
  });
});

test("a key uploads a file and sends it, as itself and as a person", async () => {
  const room = await privateRoom("@ada");
  for (const as of ["", "&as=@ada"]) {
    const upload = await api(
      server,
      `PUT /rooms/${room}/files/${crypto.randomUUID()}/?name=invoice.txt${as}`,
      {
        ...{ token: key, body: "Pay soon", headers: { "content-type": "text/plain" } },
      },
    );
    expect(upload.status).toBe(201);
    const { id } = upload.body as { id: string };
    expect((await post(room, "", as && `?${as.slice(1)}`, { files: [{ id }] })).status).toBe(201);
    expect(await lastOf(room, ada.token)).toMatchObject({ files: [{ id, name: "invoice.txt" }] });
    expect((await call(`GET /rooms/${room}/files/?ids=${id}`, key)).body).toMatchObject([{ id }]);
  }
});

test("which key made a change is kept with it, whoever's name it has", async () => {
  const room = await privateRoom("@ada");
  await post(room, "by a key", "?as=@ada");
  await call(`POST /rooms/${room}/messages/`, ada.token, { content: "by ada" });
  await call(`PATCH /rooms/${room}/messages/3/?as=@ada`, key, { content: "by ada?" });
  const origin = async (id: number) =>
    (await call(`GET /admin/rooms/${room}/messages/${id}/origin/`, ADMIN_TOKEN)).body;
  expect(await origin(2)).toEqual([{ change: "post", version: 2, at: expect.any(String), key: "backend-1" }]);
  expect(await origin(3)).toEqual([{ change: "edit", version: 4, at: expect.any(String), key: "backend-1" }]);
});

test("the key of the example in PRODUCT.md can do what that page does with it", async () => {
  const shop = await keyWith("admin:people", "rooms:manage:order-*", "rooms:post:order-*");
  const room = `order-${++made}`;
  const calls: [string, object?][] = [
    ["GET /admin/users/@ada/"],
    ["POST /admin/rooms/", { room, kind: "private", people: ["@ada"] }],
    [`PUT /admin/rooms/${room}/members/@ben/`, {}],
    [`DELETE /admin/rooms/${room}/members/@ben/`],
    [`POST /admin/rooms/${room}/messages/`, { content: "On its way", data: { order: room } }],
    [`PATCH /admin/rooms/${room}/`, { archived: true }],
  ];
  const refused = [];
  for (const [target, body] of calls) {
    const { status, text } = await call(target, shop, body);
    if (status >= 300) refused.push(`${target}: ${text}`);
  }
  expect(refused).toEqual([]);
  for (const target of [
    "POST /admin/users/@ada/purge/",
    "GET /admin/audit/",
    "POST /admin/rooms/other/messages/",
  ])
    expect(
      (await call(target, shop, target.endsWith("messages/") ? { content: "x" } : undefined)).body,
    ).toMatchObject({ code: "scope_missing" });
});

test("a key is for what takes one: it is nobody's account", async () => {
  for (const target of [
    "GET /account/me/",
    "GET /rooms/",
    "GET /mentions/",
    "GET /search/?q=x",
    "PUT /rooms/order-x/members/me/",
  ])
    expect((await call(target, key, target.startsWith("PUT") ? {} : undefined)).body).toMatchObject({
      status: 401,
      code: "token_invalid",
    });
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { register } from "../support/people.ts";
import { handshake } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { ADMIN_TOKEN } from "./ways.ts";

// Access to rooms: the token's `rooms` claim, and ROOM_ACCESS for tokens without one.

const ISSUER = "https://id.example.com";
const AUDIENCE = "chat";
const { privateKey, publicKey } = await generateKeyPair("ES256");
const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
const provider = Bun.serve({ port: 0, reusePort: false, fetch: () => Response.json({ keys: [jwk] }) });
const settings = {
  AUTH_JWKS_URL: provider.url.href,
  AUTH_ISSUER: ISSUER,
  AUTH_AUDIENCE: AUDIENCE,
};

let open: TestServer;
let closed: TestServer;
let added: TestServer;

beforeAll(async () => {
  [open, closed, added] = await Promise.all([
    startTestServer(settings),
    startTestServer({ ...settings, ROOM_ACCESS: "claims" }),
    startTestServer({ ...settings, ROOM_ACCESS: "members", ADMIN_TOKEN }),
  ]);
}, START_MS);
afterAll(async () => {
  await Promise.all([open.stop(), closed.stop(), added.stop()]);
  await provider.stop(true);
});

/** Returns a token of the provider, with this `rooms` claim if there is one. */
const tokenOf = (name: string, rooms?: unknown): Promise<string> =>
  new SignJWT({ preferred_username: name, ...(rooms !== undefined && { rooms }) })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(name)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(privateKey);

const SUPPORT = [
  { match: "support-*", allow: ["read", "post"] },
  { match: "news", allow: ["read"] },
  { match: "drop-box", allow: ["post"] },
];

/** Tries to read a room and to post to it in every way, and returns the outcomes. */
async function outcomes(
  server: TestServer,
  token: string,
  room: string,
): Promise<Record<"read" | "post", unknown>> {
  const history = await api(server, `GET /history/${room}/`, { token });
  const posted = await api(server, `POST /rooms/${room}/messages/`, { token, body: { content: "hello" } });
  const plain = await handshake(server, `/ws/chat/${room}/?token=${token}`);
  plain.connection.end();
  const v1 = await connect(server, { token });
  const joined = await v1.ask({ type: "join", room });
  const read = await v1.ask({ type: "history", room });
  const clientId = crypto.randomUUID();
  const sent = await v1.ask({ type: "send", room, clientId, content: "hello" });
  v1.close();
  for (const response of [history, posted, { status: plain.status, body: JSON.parse(plain.body || "null") }])
    if (response.status === 403) expect(response.body).toMatchObject({ code: "forbidden", retryable: false });
  for (const reply of [joined, read, sent])
    if (reply.type === "error") expect(reply).toMatchObject({ code: "forbidden", retryable: false });
  return {
    read: [history.status, plain.status, joined.type, read.type],
    post: [posted.status, sent.type],
  };
}

const MAY_READ = [200, 101, "ok", "ok"];
const MAY_NOT_READ = [403, 403, "error", "error"];
const MAY_POST = [201, "ok"];
const MAY_NOT_POST = [403, "error"];

test.each<[string, unknown[], unknown[]]>([
  ["support-1", MAY_READ, MAY_POST],
  ["news", MAY_READ, MAY_NOT_POST],
  ["drop-box", MAY_NOT_READ, MAY_POST],
  ["global", MAY_NOT_READ, MAY_NOT_POST],
  ["Support-1", MAY_NOT_READ, MAY_NOT_POST],
  ["newsroom", MAY_NOT_READ, MAY_NOT_POST],
])("HTTP and sockets apply the claim alike, whatever ROOM_ACCESS is: %s", async (room, read, post) => {
  const token = await tokenOf("ada", SUPPORT);
  for (const server of [open, closed]) expect(await outcomes(server, token, room)).toEqual({ read, post });
});

test("a token without the claim may enter any room if ROOM_ACCESS is open, and none if it is claims", async () => {
  const outside = await tokenOf("ben");
  expect(await outcomes(open, outside, "anywhere")).toEqual({ read: MAY_READ, post: MAY_POST });
  expect(await outcomes(closed, outside, "anywhere")).toEqual({ read: MAY_NOT_READ, post: MAY_NOT_POST });
  const [ours, ruled] = await Promise.all([register(open, "cy"), register(closed, "cy")]);
  expect(await outcomes(open, ours.token, "anywhere")).toEqual({ read: MAY_READ, post: MAY_POST });
  expect(await outcomes(closed, ruled.token, "anywhere")).toEqual({ read: MAY_NOT_READ, post: MAY_NOT_POST });
});

test("with ROOM_ACCESS=members, people enter the rooms that a backend has added them to, and learn of no others", async () => {
  const [token, other] = [await tokenOf("hal"), await tokenOf("ivy")];
  const none = { read: MAY_NOT_READ, post: MAY_NOT_POST };
  expect(await outcomes(added, token, "club")).toEqual(none);
  const backend = { token: ADMIN_TOKEN, body: {} };
  expect((await api(added, "PUT /admin/rooms/club/members/hal/", backend)).status).toBe(200);
  expect(await outcomes(added, token, "club")).toEqual({ read: MAY_READ, post: MAY_POST });
  expect(await outcomes(added, other, "club")).toEqual(none);
  const list = async (who: string) => (await api(added, "GET /rooms/?all", { token: who })).body;
  expect(await list(token)).toMatchObject([{ room: "club" }]);
  expect(await list(other)).toEqual([]);
  expect((await api(added, "DELETE /rooms/club/members/me/", { token })).status).toBe(204);
  expect(await outcomes(added, token, "club")).toEqual(none);
});

test("an empty claim allows no room, even if ROOM_ACCESS is open", async () => {
  const token = await tokenOf("dee", []);
  expect(await outcomes(open, token, "anywhere")).toEqual({ read: MAY_NOT_READ, post: MAY_NOT_POST });
});

test("a token ends memberships only in rooms that its claim names", async () => {
  const token = await tokenOf("gus", [{ match: "support-1", allow: ["read"] }]);
  const leave = async (room: string) =>
    (await api(open, `DELETE /rooms/${room}/members/me/`, { token })).status;
  expect([await leave("support-1"), await leave("private")]).toEqual([204, 403]);
});

test("a reader that may not post gets an error frame, and its socket keeps receiving messages", async () => {
  const reader = await connectPlain(open, { room: "news", token: await tokenOf("ada", SUPPORT) });
  reader.send({ message: "hello", clientId: "00000000-0000-4000-8000-00000000000a" });
  expect((await reader.next("error")).error).toMatchObject({
    code: "forbidden",
    clientId: "00000000-0000-4000-8000-00000000000a",
  });
  const token = await tokenOf("eve", [{ match: "*", allow: ["read", "post"] }]);
  expect((await api(open, "POST /rooms/news/messages/", { token, body: { content: "news" } })).status).toBe(
    201,
  );
  expect((await reader.next("message")).message).toBe("news");
  reader.close();
});

test("a chat.v1 socket on the URL of a room that it may not read gets an error frame and is closed with 4502", async () => {
  const socket = await connect(open, { room: "global", token: await tokenOf("ada", SUPPORT) });
  expect(await socket.next("error")).toMatchObject({ code: "forbidden" });
  expect(await socket.closed).toEqual({ code: 4502, reason: "forbidden" });
});

test.each<[string, unknown]>([
  ["a string", "global"],
  ["null", null],
  ["an unknown action", [{ match: "*", allow: ["read", "moderate"] }]],
  ["an unknown field", [{ match: "*", allow: ["read"], except: "secret" }]],
  ["no match", [{ allow: ["read"] }]],
])("a malformed claim (%s) lets nobody in", async (_, rooms) => {
  const token = await tokenOf("fay", rooms);
  expect((await api(open, "GET /history/global/", { token })).status).toBe(401);
});

import { beforeAll, expect, test } from "bun:test";
import { generateKeyPair } from "jose";
import { loadConfig } from "../../src/config/config.ts";
import { openDatabase } from "../../src/db/open.ts";
import { users } from "../../src/db/schema.ts";
import { api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { house, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { handshake, nextFrame, type RawAnswer } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { inSeconds, type Mint, unsigned } from "../support/tokens.ts";

// Which sockets the first version of this service accepted, and what this version does with the others.

let mint: Mint;
let server: TestServer;
let ada: Person;

beforeAll(async () => {
  ({ server, mint, ada } = await house());
}, START_MS);

async function refused(path: string): Promise<RawAnswer> {
  const { connection, ...answer } = await handshake(server, path);
  connection.end();
  return answer;
}

test("a room's socket opens with ?token=, without a greeting or a replay", async () => {
  const first = await connectPlain(server, { room: "music", token: ada.token });
  first.send({ message: "before" });
  expect((await first.next("message")).message).toBe("before");
  const second = await connectPlain(server, { room: "music", token: ada.token });
  second.send({ message: "after" });
  expect((await second.next("message")).message).toBe("after");
  expect(second.frames).toHaveLength(1);
  for (const socket of [first, second]) socket.close();
});

const { privateKey: anotherKey } = await generateKeyPair("Ed25519");
const { privateKey: otherAlgorithm } = await generateKeyPair("ES256");

test.each<[string, () => string | Promise<string>, string]>([
  ["no token", () => "", "token_missing"],
  ["an empty token", () => "?token=", "token_missing"],
  ["a garbage token", () => "?token=garbage", "token_invalid"],
  ["an expired token", () => mint.alter(ada.token, { exp: inSeconds(-60) }), "token_expired"],
  ["a token that is not valid yet", () => mint.alter(ada.token, { nbf: inSeconds(60) }), "token_invalid"],
  ["a token signed with another key", () => mint.forge(ada.token, anotherKey), "token_invalid"],
  ["a token with alg none", () => unsigned(ada.token), "token_invalid"],
  [
    "a token of another algorithm",
    () => mint.forge(ada.token, otherAlgorithm, { alg: "ES256" }),
    "token_invalid",
  ],
  [
    "a token signed with the public key as a secret",
    () => mint.forge(ada.token, Buffer.from(mint.publicKey), { alg: "HS256" }),
    "token_invalid",
  ],
  ["a token of an unknown user", () => mint.alter(ada.token, { sub: "999999" }), "account_disabled"],
  ["a refresh token", () => ada.refresh, "token_invalid"],
  ["a token of another type", () => mint.alter(ada.token, {}, { typ: "JWT" }), "token_invalid"],
  ["a token without exp", () => mint.alter(ada.token, { exp: undefined }), "token_invalid"],
  [
    "a token of another issuer",
    () => mint.alter(ada.token, { iss: "https://evil.example.com" }),
    "token_invalid",
  ],
  ["a token for another audience", () => mint.alter(ada.token, { aud: "another" }), "token_invalid"],
])("with %s the upgrade is rejected with 401", async (_, given, code) => {
  const token = await given();
  const query = token === "" || token.startsWith("?") ? token : `?token=${token}`;
  const { status, headers, body } = await refused(`/ws/chat/global/${query}`);
  expect(status).toBe(401);
  expect(headers.get("www-authenticate")).toStartWith("Bearer ");
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(JSON.parse(body)).toMatchObject({ code, status: 401 });
});

test.each<[string, () => string | Promise<string>, number, string]>([
  ["a garbage token", () => "garbage", 4500, "token_invalid"],
  ["an expired token", () => mint.alter(ada.token, { exp: inSeconds(-60) }), 4001, "token_expired"],
  ["a token of an unknown user", () => mint.alter(ada.token, { sub: "999999" }), 4502, "account_disabled"],
])("a chat.v1 socket with %s opens and is closed with a code", async (_, token, code, reason) => {
  const socket = await connect(server, { room: "global", token: await token() });
  expect(await socket.closed).toEqual({ code, reason });
  expect(socket.frames).toEqual([]);
});

test("a chat.v1 socket without a token opens and is closed with 4500", async () => {
  const { connection } = await handshake(server, "/ws/chat/global/", { "Sec-WebSocket-Protocol": "chat.v1" });
  expect(await nextFrame(connection)).toEqual({ close: 4500 });
  connection.end();
});

test(
  "a disabled user is rejected, even with a valid token",
  async () => {
    const folder = temporaryFolder();
    const settings = { DATA_DIR: folder.path };
    const before = await startTestServer(settings);
    const ben = await register(before, "ben");
    await before.stop();
    const database = await openDatabase(loadConfig(settings));
    await database.run((orm) => orm.update(users).set({ disabledAt: new Date() }));
    await database.close();

    const after = await startTestServer(settings);
    const { status, body, connection } = await handshake(after, `/ws/chat/global/?token=${ben.token}`);
    expect(status).toBe(401);
    expect(JSON.parse(body)).toMatchObject({ code: "account_disabled" });
    connection.end();
    const v1 = await connect(after, { token: ben.token });
    expect(await v1.closed).toEqual({ code: 4502, reason: "account_disabled" });
    const history = await api(after, "GET /history/global/", { token: ben.token });
    expect(history.status).toBe(401);
    await after.stop();
    folder.remove();
  },
  START_MS,
);

test.each(["with-hyphen", "with.dot", "été", "комната", "部屋", "कमरा"])(
  "%s is a valid room name",
  async (room) => {
    const socket = await connectPlain(server, { room, token: ada.token });
    socket.send({ message: "hello" });
    expect(await socket.next("message")).toMatchObject({ id: 1, room: room.normalize("NFC") });
    socket.close();
  },
);

test.each(["with%20space", "with%2Fslash", "a%00b", "a%0Ab", ".hidden", "a%25b", "%E2%82", ""])(
  "%s is rejected as a room name with 400",
  async (room) => {
    const { status, body } = await refused(`/ws/chat/${room}/?token=${ada.token}`);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ code: "bad_room" });
  },
);

test("a socket whose token expires is closed with 4001", async () => {
  const token = await mint.alter(ada.token, { exp: inSeconds(0.4) });
  const plain = await connectPlain(server, { room: "global", token });
  const v1 = await connect(server, { token });
  await v1.next("welcome");
  expect(await plain.closed).toEqual({ code: 4001, reason: "token_expired" });
  expect(await v1.closed).toEqual({ code: 4001, reason: "token_expired" });
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect, typesOf, type V1Client } from "../support/client.ts";
import { type House, house, START_MS } from "../support/house.ts";
import { PASSWORD, register } from "../support/people.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { inSeconds, unsigned } from "../support/tokens.ts";
import { until } from "../support/until.ts";
import { post } from "./commands.ts";

// The token of an open socket: its expiry, and its renewal on the socket.

let home: House;
let provider: Provider;
let outside: TestServer;

beforeAll(async () => {
  home = await house();
  provider = await startProvider();
  outside = await startTestServer({ ...provider.settings, MESSAGE_RATE: "0", BUDGETS: "0" });
}, START_MS);
afterAll(async () => {
  await outside.stop();
  await provider.stop();
});

/** Returns a token of Ada that expires in this many seconds. */
const tokenFor = (seconds: number) => home.mint.alter(home.ada.token, { exp: inSeconds(seconds) });
const auth = (socket: V1Client, token: unknown) => socket.ask({ type: "auth", token });
const past = (time: string) => until(() => Date.now() > Date.parse(time));

test("a client is warned when half of its token's time has passed, and again until there is a newer one", async () => {
  const socket = await connect(home.server, { token: await tokenFor(4) });
  const { expiresAt } = await socket.next("welcome");
  const expires = Date.parse(expiresAt);
  const begun = Date.now();
  const before: number[] = [];
  for (let round = 0; round < 2; round++) {
    expect(await socket.next("expiring")).toEqual({ type: "expiring", at: expiresAt });
    before.push(expires - Date.now());
  }
  // The checks are a second apart.
  const half = (expires - begun) / 2;
  expect(before[0]).toBeWithin(half - 1_000, half + 1_001);
  expect(before[1]).toBeWithin(1, half);
  socket.close();

  const short = await connect(home.server, { room: "expiring", token: await tokenFor(1) });
  expect(await short.closed).toEqual({ code: 4001, reason: "token_expired" });
  expect(typesOf(short)).toEqual(["welcome", "expiring", "joined", "synced"]);
});

test("a token of a minute or two gives its client as long as half of that", async () => {
  const socket = await connect(home.server, { token: await tokenFor(61) });
  const long = await connect(home.server, { token: await tokenFor(3600) });
  for (const each of [socket, long]) {
    expect(await each.ask({ type: "ping" })).toMatchObject({ type: "ok" });
    expect(typesOf(each)).toEqual(["welcome", "ok"]);
    each.close();
  }
});

test("a newer token replaces the old one without disturbing the room", async () => {
  const socket = await connect(home.server, { room: "renewed", token: await tokenFor(1) });
  const { expiresAt } = await socket.next("welcome");
  await post(socket, "before");
  const reply = await auth(socket, await tokenFor(3600));
  expect(reply).toEqual({ type: "ok", ref: reply.ref, expiresAt: expect.stringMatching(/Z$/) });
  expect(Date.parse(String(reply.expiresAt)) - Date.now()).toBeWithin(3_590_000, 3_600_001);
  await past(expiresAt);
  const other = await connect(home.server, { token: home.ben.token });
  await post(other, "after", "renewed");
  expect((await socket.take("message", 2)).map(({ prev, content }) => [prev, content])).toEqual([
    [0, "before"],
    [1, "after"],
  ]);
  expect(typesOf(socket).filter((type) => type === "joined" || type === "expiring")).toEqual([
    "expiring",
    "joined",
  ]);
  for (const each of [socket, other]) each.close();
});

test("a renewed token expires with a warning too", async () => {
  const socket = await connect(home.server, { token: await tokenFor(3600) });
  const { expiresAt } = await auth(socket, await tokenFor(1));
  expect(await socket.next("expiring")).toEqual({ type: "expiring", at: String(expiresAt) });
  expect(await socket.closed).toEqual({ code: 4001, reason: "token_expired" });
  expect(typesOf(socket).filter((type) => type === "expiring")).toHaveLength(1);
});

test("another person's token closes the socket with 4500, without a reply, and no later command runs", async () => {
  const socket = await connect(home.server, { room: "not-ben", token: home.ada.token });
  await socket.next("synced");
  // A new token takes a moment to verify. The next command waits for its turn meanwhile.
  const token = await home.mint.alter(home.ben.token, { exp: inSeconds(1800) });
  socket.send({ type: "auth", ref: 1, token });
  socket.send({ type: "send", ref: 2, clientId: crypto.randomUUID(), content: "as whom?" });
  expect(await socket.closed).toEqual({ code: 4500, reason: "token_invalid" });
  expect(typesOf(socket)).toEqual(["welcome", "joined", "synced"]);
  const other = await connect(home.server, { token: home.ben.token });
  expect(await post(other, "the first", "not-ben")).toBe(1);
  other.close();
});

test("an invalid token is refused, and the socket stays open until its own token expires", async () => {
  const { server, ada } = home;
  const login = await api(server, "POST /account/login/", { body: { email: ada.email, password: PASSWORD } });
  const { access: ended, refresh } = login.body as { access: string; refresh: string };
  expect((await api(server, "POST /account/logout/", { body: { refresh } })).status).toBe(204);
  const { privateKey } = (await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;

  const socket = await connect(server, { token: await tokenFor(2) });
  const { expiresAt } = await socket.next("welcome");
  for (const [token, code] of [
    [await tokenFor(-60), "token_expired"],
    [await tokenFor(-1), "token_expired"], // late by less than clocks may differ
    [ended, "session_ended"],
    ["garbage", "token_invalid"],
    [ada.refresh, "token_invalid"],
    [unsigned(ada.token), "token_invalid"],
    [await home.mint.forge(ada.token, privateKey), "token_invalid"],
    ["", "token_invalid"],
    [undefined, "invalid"],
    [null, "invalid"],
    ["x".repeat(16 * 1024 + 1), "invalid"],
  ])
    expect([code, await auth(socket, token)]).toMatchObject([
      code,
      { type: "error", code, retryable: false },
    ]);
  expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  expect(await socket.closed).toEqual({ code: 4001, reason: "token_expired" });
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
});

test("the socket belongs to the session of its newest token", async () => {
  const dee = await register(home.server, "dee-tokens");
  const body = { email: dee.email, password: PASSWORD };
  const login = await api(home.server, "POST /account/login/", { body });
  const second = login.body as { access: string; refresh: string };
  const socket = await connect(home.server, { token: dee.token });
  expect(await auth(socket, second.access)).toMatchObject({ type: "ok" });
  const logOut = (refresh: string) => api(home.server, "POST /account/logout/", { body: { refresh } });
  expect((await logOut(dee.refresh)).status).toBe(204);
  expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "ok" });
  expect((await logOut(second.refresh)).status).toBe(204);
  expect(await socket.closed).toEqual({ code: 4500, reason: "token_invalid" });
});

/** Returns a token that allows everything in these rooms. */
const allowed = (name: string, ...rooms: string[]) =>
  provider.tokenOf(name, { rooms: rooms.map((match) => ({ match, allow: ["read", "post"] })) });

test("the socket leaves rooms that a renewed token does not allow with 4502, and keeps the others", async () => {
  const socket = await connect(outside, { token: await allowed("ada", "hall", "attic") });
  for (const room of ["hall", "attic"])
    expect(await socket.ask({ type: "join", room })).toMatchObject({ type: "ok" });
  // A newer token may allow it, as the error says.
  expect(await socket.ask({ type: "join", room: "cellar" })).toMatchObject({
    code: "forbidden",
    claim: true,
  });

  expect(await auth(socket, await allowed("ada", "hall", "cellar"))).toMatchObject({ type: "ok" });
  expect(await socket.next("left")).toEqual({ type: "left", room: "attic", code: 4502 });
  expect(await socket.ask({ type: "join", room: "cellar" })).toMatchObject({ type: "ok" });
  const clientId = crypto.randomUUID();
  for (const command of [{ type: "join" }, { type: "history" }, { type: "send", clientId, content: "hello" }])
    expect(await socket.ask({ ...command, room: "attic" })).toMatchObject({ code: "forbidden", claim: true });

  const other = await connect(outside, { token: await provider.tokenOf("ben") });
  for (const room of ["attic", "hall", "cellar"]) await post(other, `in the ${room}`, room);
  expect((await socket.take("message", 2)).map(({ content }) => content)).toEqual([
    "in the hall",
    "in the cellar",
  ]);
  expect(JSON.stringify(socket.frames)).not.toContain("in the attic");
  expect(socket.frames.filter(({ type, room }) => type === "joined" && room === "hall")).toHaveLength(1);
  for (const each of [socket, other]) each.close();
});

test("commands after an auth are checked against the new token", async () => {
  const socket = await connect(outside, { token: await allowed("ada", "hall") });
  socket.send({ type: "join", ref: 1, room: "loft" });
  socket.send({ type: "auth", ref: 2, token: await allowed("ada", "loft") });
  socket.send({ type: "join", ref: 3, room: "loft" });
  socket.send({ type: "join", ref: 4, room: "hall" });
  const [renewed, joined] = await socket.take("ok", 2);
  expect([renewed?.ref, joined?.ref]).toEqual([2, 3]);
  expect((await socket.take("error", 2)).map(({ ref, code }) => [ref, code])).toEqual([
    [1, "forbidden"],
    [4, "forbidden"],
  ]);
  socket.close();
});

test("a renewed token that does not allow the room of the URL closes the socket with 4502", async () => {
  const socket = await connect(outside, { room: "porch", token: await allowed("ada", "porch", "hall") });
  expect(await socket.ask({ type: "join", room: "hall" })).toMatchObject({ type: "ok" });
  socket.send({ type: "auth", ref: 1, token: await allowed("ada", "hall") });
  expect(await socket.closed).toEqual({ code: 4502, reason: "forbidden" });
});

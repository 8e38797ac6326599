import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { BUS_VERSION } from "../../src/bus/frame.ts";
import { ADMIN_TOKEN, createVictim, WAYS } from "../chat/ways.ts";
import { findRedis, type Redis, startRedis } from "../faults/redis.ts";
import { api } from "../support/api.ts";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { soonerThan } from "../support/sooner-than.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const METRICS_TOKEN = "a-token-for-the-metrics";
const SETTINGS = { MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN, METRICS_TOKEN };

needs(
  "TEST_DATABASE_URL",
  "TEST_REDIS_URL",
  "redis-server",
)("two servers with a Redis between them", () => {
  let redis: Redis;
  let database: TestDatabase;
  let here: TestServer;
  let there: TestServer;
  let ada: Person;
  let ben: Person;

  beforeAll(async () => {
    [redis, database] = await Promise.all([startRedis({ program: findRedis() ?? "" }), postgresDatabase()]);
    const settings = { ...SETTINGS, ...database.env, REDIS_URL: redis.url };
    [here, there] = [await startTestServer(settings), await startTestServer(settings)];
    for (const server of [here, there])
      await until(async () => (await metric(server, "parley_bus_nodes")) === 1);
    ada = await register(here, "ada");
    ben = await register(there, "ben");
  }, 60_000);
  afterAll(async () => {
    await Promise.all([here?.stop(), there?.stop()]);
    await database?.close();
    await redis?.remove();
  });

  async function metric(server: TestServer, name: string): Promise<number> {
    const { text } = await api(server, "GET /metrics", { token: METRICS_TOKEN });
    return Number(new RegExp(`^${RegExp.escape(name)} (.*)$`, "m").exec(text)?.[1]);
  }

  const repairs = () => metric(there, "parley_timeline_repairs_total");
  const say = (socket: V1Client, content: string) =>
    socket.ask({ type: "send", clientId: crypto.randomUUID(), content });

  async function enter(server: TestServer, room: string, { token }: Person): Promise<V1Client> {
    const socket = await connect(server, { room, token });
    await socket.next("synced");
    return socket;
  }

  // A forged frame was shown as somebody's message, and with a high version it made all later messages undeliverable.
  test("anyone who can publish on Redis can neither show a message nor keep later ones away", async () => {
    const reader = await enter(there, "forged", ben);
    const writer = await enter(here, "forged", ada);
    const { epoch } = reader.frames.find(({ type }) => type === "joined") as { epoch: string };
    const [channel = ""] = (await redis.ask("PUBSUB", "CHANNELS", "*room:forged")) as string[];
    const far = Number.MAX_SAFE_INTEGER;
    const state = { id: 1, version: far, username: "ada", clientId: crypto.randomUUID(), content: "forged" };
    const times = { timestamp: new Date().toISOString(), editedAt: null, deletedAt: null };
    const states = [{ ...state, ...times, data: null, replyTo: null, reactions: [] }];
    const news = JSON.stringify([{ type: "changed", room: "forged", epoch, from: 1, to: far, states }]);
    const before = await metric(there, 'parley_bus_refused_total{reason="forged"}');
    await redis.ask(
      "PUBLISH",
      channel,
      `parley-bus/${BUS_VERSION} ${"A".repeat(22)} n ${Date.now()}000 ${news}`,
    );
    await redis.ask("PUBLISH", channel, `parley-bus/2 n ${news}`);
    await say(writer, "true");
    expect((await reader.next("message")).content).toBe("true");
    expect(await metric(there, 'parley_bus_refused_total{reason="forged"}')).toBe((before || 0) + 1);
    for (const socket of [reader, writer]) socket.close();
  });

  test("changes of every kind on one server reach the other without a repair from the database", async () => {
    const talking = await enter(here, "garden", ada);
    const listening = await enter(there, "garden", ben);
    const plain = await connectPlain(there, { room: "garden", token: ben.token });
    const before = await repairs();
    const { id } = await say(talking, "hello");
    // Before it is deleted: plain clients are not told of what is gone.
    expect(await plain.next("message")).toMatchObject({ id: 1, message: "hello" });
    const change = (command: object) => talking.ask({ clientId: crypto.randomUUID(), id, ...command });
    await change({ type: "edit", content: "hello, Ben" });
    await change({ type: "react", emoji: "👍", on: true });
    await change({ type: "delete" });
    const changes = await listening.take("message", 4);
    expect(changes.map((frame) => [frame.version, frame.prev, frame.change])).toEqual([
      [1, 0, "created"],
      [2, 1, "updated"],
      [3, 2, "updated"],
      [4, 3, "deleted"],
    ]);
    expect(await repairs()).toBe(before);
  });

  test("members on both servers see how far the others have read, and who blocks someone is not seen any more", async () => {
    const direct = await api(here, "PUT /direct/", { token: ada.token, body: { people: ["@ben"] } });
    const { room } = direct.body as { room: string };
    const [hers, his] = [await enter(here, room, ada), await enter(there, room, ben)];
    const [first, second, third] = [await say(hers, "one"), await say(hers, "two"), await say(hers, "three")];
    const read = (socket: V1Client, id: unknown) => socket.ask({ type: "read", room, id });
    expect(await read(his, first.id)).toMatchObject({ type: "ok" });
    const receipt = { room, id: first.id, username: "ben" };
    expect(await hers.next("receipt")).toMatchObject(receipt);
    expect(await his.next("receipt")).toMatchObject(receipt);
    // Someone who comes later asks for what was read before.
    const marks = async () => {
      const { body } = await api(here, `GET /rooms/${room}/members/`, { token: ada.token });
      return (body as { username: string; lastRead?: number }[]).find(({ username }) => username === "ben")
        ?.lastRead;
    };
    expect(await marks()).toBe(first.id as number);

    await api(there, "PUT /blocks/@ada/", { token: ben.token });
    expect(await marks()).toBeUndefined();
    const blocking = await enter(there, room, ben);
    expect(await read(blocking, second.id)).toMatchObject({ type: "ok" });
    await api(there, "DELETE /blocks/@ada/", { token: ben.token });
    expect(await marks()).toBe(second.id as number);
    const again = await enter(there, room, ben);
    expect(await read(again, third.id)).toMatchObject({ type: "ok" });
    expect(await hers.next("receipt")).toMatchObject({ id: third.id });
    for (const socket of [hers, his, blocking, again]) socket.close();
  });

  test("when both servers write to a room, both deliver everything in the same order", async () => {
    const [one, other] = [await enter(here, "duet", ada), await enter(there, "duet", ben)];
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => say(index % 2 === 0 ? one : other, `${index}`)),
    );
    const [messages, others] = [await one.take("message", 100), await other.take("message", 100)];
    expect(messages.map(({ version }) => version)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    expect(others.map(({ content }) => content)).toEqual(messages.map(({ content }) => content));
  });

  test.each(WAYS)("$name there closes sockets here with $code within a second", async (way) => {
    const room = `nodes-${way.name}`;
    const victim = await createVictim(there, room);
    const socket = await enter(here, room, victim);
    const plain = await connectPlain(here, { room, token: victim.token });
    await way.revoke(there, victim, room);
    const closed = Promise.all([socket.closed, plain.closed]);
    expect((await soonerThan(1_000, closed)).map(({ code }) => code)).toEqual([way.code, way.code]);
  });

  test("people of both servers are counted and named, a person on both once, and departures are notified", async () => {
    const adaHere = await enter(here, "hall", ada);
    expect(await adaHere.next("presence")).toMatchObject({ online: 1, joined: ["ada"] });
    const benThere = await enter(there, "hall", ben);
    expect(await adaHere.next("presence")).toMatchObject({ online: 2, joined: ["ben"] });
    await until(() => benThere.frames.some(({ type, online }) => type === "presence" && online === 2));
    const adaThere = await connect(there, { room: "hall", token: ada.token });
    const { online, people } = await adaThere.next("joined");
    expect([online, people?.toSorted()]).toEqual([2, ["ada", "ben"]]);
    benThere.close();
    await until(
      () => adaHere.frames.some(({ type, left }) => type === "presence" && String(left) === "ben"),
      8_000,
    );
    await until(() =>
      adaThere.frames.some(({ type, left }) => type === "presence" && String(left) === "ben"),
    );
    adaHere.close();
    adaThere.close();
  });

  test("typing there is notified here", async () => {
    const [one, other] = [await enter(here, "study", ada), await enter(there, "study", ben)];
    await until(() => one.frames.some(({ type, online }) => type === "presence" && online === 2));
    await until(() => other.frames.some(({ type, online }) => type === "presence" && online === 2));
    await other.ask({ type: "typing" });
    expect(await one.next("typing")).toMatchObject({ room: "study", username: "ben" });
  });

  test("a read mark is sent to its person's sockets on both", async () => {
    const [one, other] = [await enter(here, "books", ada), await enter(there, "books", ada)];
    const stranger = await enter(there, "books", ben);
    await say(one, "a page");
    await until(() => one.frames.some(({ type, online }) => type === "presence" && online === 2));
    expect(await one.ask({ type: "read", id: 1 })).toMatchObject({ type: "ok" });
    expect(await other.next("read")).toEqual({ type: "read", room: "books", id: 1 });
    for (const each of [one, stranger]) expect(each.frames.some(({ type }) => type === "read")).toBe(false);
  });

  test("lists of rooms count the people on both", async () => {
    const [one, other] = [await enter(here, "pier", ada), await enter(here, "dock", ada)];
    const another = await enter(there, "pier", ben);
    for (const socket of [one, other]) await say(socket, "hello");
    const counts = async (server: TestServer, person: Person) => {
      const { body } = await api(server, "GET /rooms/?all", { token: person.token });
      const rooms = body as { room: string; online: number }[];
      return ["dock", "pier"].map((name) => rooms.find(({ room }) => room === name)?.online);
    };
    await until(async () => Bun.deepEquals(await counts(here, ada), [1, 2]));
    await until(async () => Bun.deepEquals(await counts(there, ben), [1, 2]));
    const { body } = await api(there, "GET /rooms/dock/", { token: ben.token });
    expect(body).toMatchObject({ room: "dock", online: 1 });
    for (const each of [one, other, another]) each.close();
  });

  test("limits apply to both together: failed logins, and messages in the long run", async () => {
    const settings = {
      ...database.env,
      REDIS_URL: redis.url,
      LOGIN_RATE: "3",
      MESSAGE_RATE: "10",
      MESSAGE_BURST: "10",
      METRICS_TOKEN,
    };
    const [one, other] = [await startTestServer(settings), await startTestServer(settings)];
    for (const server of [one, other])
      await until(async () => (await metric(server, "parley_bus_connected")) === 1);
    const cy = await register(one, "cy");
    const guess = (server: TestServer) =>
      api(server, "POST /account/login/", { body: { email: cy.email, password: "wrong wrong" } });
    expect((await guess(one)).body).toMatchObject({ code: "invalid_credentials" });
    expect((await guess(other)).body).toMatchObject({ code: "invalid_credentials" });
    expect((await guess(one)).body).toMatchObject({ code: "invalid_credentials" });
    expect((await guess(other)).body).toMatchObject({ code: "rate_limited" });

    const sockets = [await enter(one, "flood", cy), await enter(other, "flood", cy)];
    let sent = 0;
    const begun = performance.now();
    while (performance.now() - begun < 3_000) {
      for (const socket of sockets) if ((await say(socket, "again")).type === "ok") sent++;
      await Bun.sleep(5);
    }
    // A burst on each, a little more in the first half second, and then 10 a second for both together, not 20.
    const seconds = (performance.now() - begun) / 1_000;
    expect(sent).toBeGreaterThanOrEqual(30);
    expect(sent).toBeLessThan(20 + 10 + seconds * 10 + 5);
    await Promise.all([one.stop(), other.stop()]);
  });

  test("without Redis both are ready and deliver within seconds; after it, at once again", async () => {
    const [one, other] = [await enter(here, "storm", ada), await enter(there, "storm", ben)];
    await redis.stop();
    for (const server of [here, there])
      await until(async () => (await metric(server, "parley_bus_connected")) === 0, 8_000);
    expect((await api(here, "GET /readyz")).status).toBe(200);
    await say(one, "Can you hear me?");
    expect(await soonerThan(3_000, other.next("message"))).toMatchObject({ content: "Can you hear me?" });
    const late = await enter(there, "storm", ada);
    const victim = await createVictim(there, "storm");
    const socket = await enter(here, "storm", victim);
    await WAYS[0]?.revoke(there, victim, "storm");
    expect((await soonerThan(10_000, socket.closed)).code).toBe(WAYS[0]?.code as number);
    await redis.start();
    for (const server of [here, there])
      await until(async () => (await metric(server, "parley_bus_connected")) === 1, 8_000);
    const before = await repairs();
    await say(one, "And now?");
    expect(await other.next("message")).toMatchObject({ content: "And now?" });
    expect(await late.take("message", 1)).toMatchObject([{ content: "And now?" }]);
    expect(await repairs()).toBe(before);
    const events = here.log
      .map(({ event }) => event)
      .filter((event) => /^bus_(up|away)$/.test(String(event)));
    expect(events).toEqual(["bus_up", "bus_away", "bus_up"]);
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { decodeJwt } from "jose";
import {
  type Chat,
  type ChatOptions,
  createChat,
  type Message,
  type Ports,
  type Room,
} from "../../src/client/index.ts";
import { api } from "../support/api.ts";
import { house, type House, START_MS } from "../support/house.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import { dataFolder, runParley } from "../support/process.ts";
import { once, type Proxy, startProxy } from "../support/proxy.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { createMint, inSeconds } from "../support/tokens.ts";
import { until } from "../support/until.ts";
import { memory } from "./rig.ts";

setDefaultTimeout(START_MS);

// A real server and real sockets. A proxy between them breaks connections at the moment that the test chooses.

let home: House;
let proxy: Proxy;
const chats: Chat[] = [];

beforeAll(async () => {
  home = await house();
});
afterEach(async () => {
  await Promise.all(chats.splice(0).map((chat) => chat.close()));
  proxy?.stop();
});

/** Keeps the backoff short. Other tests cover its length. */
const soon = { random: () => 0.02 };

function through({ port }: TestServer, options: Partial<ChatOptions> = {}): Chat {
  proxy = startProxy(port);
  return straight(proxy, options);
}

function straight({ url }: { url: string }, options: Partial<ChatOptions> = {}): Chat {
  const chat = createChat({ url, ports: soon, ...options });
  chats.push(chat);
  return chat;
}

const asAda = () => ({ tokens: () => home.ada.token });

let rooms = 0;
const newRoom = () => `cut-${++rooms}`;

const live = (room: Room) => until(() => room.snapshot().state === "live");

/** Reads the room from the database. */
async function history(server: { url: string }, room: string, { token }: Person): Promise<Message[]> {
  const { body } = await api(server, `GET /history/${room}/?limit=1000`, { token });
  return (body as (Message & { room: string })[]).map(({ room: _, ...message }) => message);
}

const post = (room: string, content: string, { token } = home.ben) =>
  api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content } });

/** Checks that the list equals the room in the database. */
async function same(room: Room, server: { url: string } = home.server, person = home.ada) {
  const there = await history(server, room.name, person);
  await until(
    () => room.snapshot().messages.at(-1)?.id === there.at(-1)?.id && room.snapshot().state === "live",
  );
  expect(JSON.parse(JSON.stringify(room.snapshot().messages))).toEqual(there);
  expect(room.snapshot().waiting).toEqual([]);
}

describe("a send", () => {
  test("that is cut before the server has it is sent again, and committed once", async () => {
    const chat = through(home.server, asAda());
    const room = chat.room(newRoom()).join();
    await live(room);
    let cuts = 0;
    proxy.up = () => (++cuts <= 2 ? "cut" : "pass");
    expect(await room.send("Hello")).toMatchObject({ id: 1, duplicate: undefined });
    expect(cuts).toBeGreaterThan(2);
    await same(room);
  });

  test("that is cut between commit and ack is committed once, and acked as a duplicate", async () => {
    const chat = through(home.server, asAda());
    const room = chat.room(newRoom()).join();
    await live(room);
    const rule = once('"timestamp"', "cut");
    proxy.down = rule;
    expect(await room.send("Hello")).toMatchObject({ id: 1, version: 1, duplicate: true });
    expect(rule.met()).toBe(true);
    expect(room.snapshot().messages).toHaveLength(1);
    await same(room);
  });

  test("that is cut in the middle of its ack is committed once", async () => {
    const chat = through(home.server, asAda());
    const room = chat.room(newRoom()).join();
    await live(room);
    const rule = once('"timestamp"', (text) => ({ cutAfter: text.indexOf('"timestamp"') }));
    proxy.down = rule;
    expect(await room.send("Hello")).toMatchObject({ id: 1, duplicate: true });
    await same(room);
  });

  test("can also be an edit, a deletion or a reaction", async () => {
    const chat = through(home.server, asAda());
    const room = chat.room(newRoom()).join();
    for (const text of ["one", "two", "three"]) await room.send(text);
    const cut = () => (proxy.down = once('"version":', "cut"));
    cut();
    expect(await room.edit(1, "One")).toMatchObject({ id: 1, version: 4, duplicate: true });
    cut();
    expect(await room.react(2, "👍")).toMatchObject({ id: 2, version: 5, duplicate: true });
    cut();
    expect(await room.delete(3)).toMatchObject({ id: 3, version: 6, duplicate: true });
    await same(room);
    expect(room.snapshot().messages).toMatchObject([
      { content: "One" },
      { reactions: { "👍": { count: 1 } } },
      { content: "", deletedAt: expect.any(String) },
    ]);
  });
});

describe("a replay", () => {
  test("that is cut in the middle of a frame several times continues each time", async () => {
    const chat = through(home.server, asAda());
    const room = chat.room(newRoom()).join();
    await room.send("before");
    proxy.refuse = true;
    proxy.cut();
    await until(() => room.snapshot().state === "offline");
    for (let n = 1; n <= 20; n++) await post(room.name, `missed ${n} ${"x".repeat(3_000)}`);
    const seen: number[] = [];
    room.on("message", ({ id }) => void seen.push(id));
    let cuts = 0;
    proxy.down = (text) => {
      const at = text.indexOf('"replay":true', 20_000);
      if (at === -1 || ++cuts > 3) return "pass";
      return { cutAfter: at };
    };
    proxy.refuse = false;
    await same(room);
    expect(cuts).toBeGreaterThan(0);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n + 2)); // each once, in order
  });

  test("of edits and deletions ends in the exact room", async () => {
    const chat = through(home.server, asAda());
    const room = chat.room(newRoom()).join();
    for (let n = 1; n <= 5; n++) await room.send(`${n}`);
    proxy.refuse = true;
    proxy.cut();
    await until(() => room.snapshot().state === "offline");
    const { token } = home.ada;
    const at = (id: number) => `/rooms/${room.name}/messages/${id}/`;
    await api(home.server, `PATCH ${at(2)}`, { token, body: { content: "two" } });
    await api(home.server, `DELETE ${at(4)}`, { token });
    await post(room.name, "six");
    proxy.refuse = false;
    await same(room);
  });
});

describe("the list", () => {
  test("equals the room although connections break at random and others post and edit", async () => {
    const chat = through(home.server, asAda());
    const other = straight(home.server, { tokens: () => home.ben.token });
    const name = newRoom();
    const room = chat.room(name, { history: 5 }).join();
    const bens = other.room(name).join();
    // Cuts every 23rd chunk in either direction, wherever that falls.
    let chunks = 0;
    proxy.up = proxy.down = () => (++chunks % 23 === 0 ? "cut" : "pass");
    const acks: number[] = [];
    const ada = (async () => {
      for (let n = 0; n < 30; n++) acks.push((await room.send(`ada ${n}`)).id);
    })();
    const ben = (async () => {
      for (let n = 0; n < 30; n++) {
        const { id } = await bens.send(`ben ${n}`);
        if (n % 3 === 0) await bens.edit(id, `ben ${n}, again`);
        if (n % 5 === 0) await bens.react(id, "👍");
        if (n % 7 === 0) await bens.delete(id);
      }
    })();
    await Promise.all([ada, ben]);
    proxy.up = proxy.down = () => "pass";
    expect(proxy.total).toBeGreaterThan(3);
    expect(new Set(acks).size).toBe(30);
    expect(acks).toEqual(acks.toSorted((a, b) => a - b));
    while (room.snapshot().more) await room.older({ limit: 7 });
    await same(room);
    await same(bens);
    expect(room.snapshot().messages).toHaveLength(60);
    expect(
      room
        .snapshot()
        .messages.filter(({ username }) => username === "ada")
        .map(({ content }) => content),
    ).toEqual(Array.from({ length: 30 }, (_, n) => `ada ${n}`));
  });

  test("loads earlier pages, and a page around a message, over a slow connection", async () => {
    const chat = through(home.server, asAda());
    const name = newRoom();
    for (let n = 1; n <= 30; n++) await post(name, `${n}`);
    proxy.delayMs = 5;
    const room = chat.room(name, { history: 10 }).join();
    await until(() => room.snapshot().messages.length === 10);
    await room.older({ limit: 15 });
    expect(room.snapshot().messages.map(({ id }) => id)).toEqual(Array.from({ length: 25 }, (_, n) => n + 6));
    const around = await room.history({ around: 3, limit: 6 });
    expect(around.messages.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
    expect(around).toMatchObject({ older: false, newer: true });
    await room.older();
    await same(room);
    expect(room.snapshot().more).toBe(false);
  });
});

test("a room with an invalid name is out, and a message to it fails", async () => {
  const chat = through(home.server, asAda());
  const room = chat.room("no spaces").join();
  expect(await room.send("Hello").catch((error) => error.code)).toBe("invalid");
  await until(() => room.snapshot().state === "out");
  expect(room.snapshot().error).toMatchObject({ code: "invalid", retryable: false });
});

describe("a line that goes silent", () => {
  test("is given up after the heartbeat, and unacknowledged messages go over the next one", async () => {
    // Runs 100 times as fast as real time until the line is given up. A busy machine may need longer for the next one.
    let speed = 100;
    let before = 0;
    let since = performance.now();
    const monotonic = () => before + (performance.now() - since) * speed;
    const clock: Ports["clock"] = {
      now: () => Date.now(),
      monotonic,
      after(ms, task) {
        const timer = setTimeout(task, ms / speed);
        return () => clearTimeout(timer);
      },
    };
    const chat = through(home.server, { ...asAda(), ports: { ...soon, clock } });
    chat.on("connection", ({ state }) => {
      if (state !== "waiting") return;
      [before, since, speed] = [monotonic(), performance.now(), 1];
    });
    const room = chat.room(newRoom()).join();
    await live(room);
    proxy.stall();
    const ack = await room.send("Is anybody there?");
    expect(ack).toMatchObject({ id: 1, duplicate: true });
    expect(proxy.total).toBe(2);
    await same(room);
  });
});

describe("a token", () => {
  test("that has expired is renewed before the next attempt", async () => {
    const expired = await home.mint.alter(home.ada.token, { exp: inSeconds(-100) });
    const asked: boolean[] = [];
    const chat = through(home.server, {
      tokens: ({ refused }) => (asked.push(refused), refused ? home.ada.token : expired),
    });
    const room = chat.room(newRoom()).join();
    expect(await room.send("Hello")).toMatchObject({ id: 1 });
    expect(asked).toEqual([false, true]);
    expect(proxy.total).toBe(2);
  });

  test("that is about to expire is renewed on the open socket", async () => {
    const short = await home.mint.alter(home.ada.token, { exp: inSeconds(3) });
    const tokens = [short, home.ada.token];
    const chat = through(home.server, { tokens: () => tokens.shift() ?? "" });
    const states: string[] = [];
    chat.on("connection", ({ state }) => void states.push(state));
    const room = chat.room(newRoom()).join();
    await live(room);
    await until(() => tokens.length === 0);
    await until(() => Date.now() > 1_000 * (decodeJwt(short).exp ?? 0));
    expect(await room.send("Still here")).toMatchObject({ id: 1 });
    expect(states).toEqual(["connecting", "open"]);
    expect(proxy.total).toBe(1);
  });

  test("whose refresh is cut after the server performed it is refreshed again with the same refresh token", async () => {
    const storage = memory();
    const chat = through(home.server, { storage });
    await chat.login({ email: home.cy.email, password: PASSWORD });
    const key = [...storage.items.keys()].find((name) => name.endsWith("session")) ?? "";
    const before = JSON.parse(storage.items.get(key) ?? "");
    // Replace its access token by an expired one.
    const expired = await home.mint.alter(before.access, { exp: inSeconds(-100) });
    storage.setItem(key, JSON.stringify({ ...before, access: expired }));
    await chat.close();

    const again = straight(proxy, { storage });
    const rule = once('"refresh":', "cut");
    proxy.down = rule;
    const room = again.room(newRoom()).join();
    expect(await room.send("Hello")).toMatchObject({ id: 1 });
    expect(rule.met()).toBe(true);
    const after = JSON.parse(storage.items.get(key) ?? "");
    expect(after.refresh).not.toBe(before.refresh);
    expect(again.snapshot().account).toMatchObject({ username: "cy" });
  });

  test("of a session that was ended on another device signs out for good", async () => {
    const { email } = await register(home.server, "roamer");
    const chat = through(home.server);
    await chat.login({ email, password: PASSWORD });
    const room = chat.room(newRoom()).join();
    await live(room);
    const elsewhere = straight(home.server);
    await elsewhere.login({ email, password: PASSWORD });
    const { items: list } = await elsewhere.sessions.read();
    expect(list.filter(({ current }) => current)).toHaveLength(1);
    await elsewhere.sessions.endOthers();
    await until(() => chat.snapshot().connection.state === "closed");
    expect(chat.snapshot()).toMatchObject({
      account: undefined,
      connection: { error: { code: "session_ended" } },
    });
  });

  test("works with a clock that is a day ahead or behind", async () => {
    for (const ahead of [86_400_000, -86_400_000]) {
      const clock: Ports["clock"] = {
        now: () => Date.now() + ahead,
        monotonic: () => performance.now(),
        after(ms, task) {
          const timer = setTimeout(task, ms);
          return () => clearTimeout(timer);
        },
      };
      const chat = through(home.server, { ports: { ...soon, clock } });
      await chat.login({ email: home.cy.email, password: PASSWORD });
      const room = chat.room(newRoom()).join();
      await live(room);
      for (let round = 0; round < 3; round++) {
        proxy.cut();
        await until(() => room.snapshot().state !== "live");
        await live(room);
      }
      expect(await room.send("Hello")).toMatchObject({ id: 1 });
      await chat.close();
    }
  });
});

describe("a server", () => {
  test("that restarts is reconnected to, and one with a new epoch is read anew", async () => {
    const folder = await dataFolder();
    const mint = await createMint();
    const settings = {
      DATA_DIR: folder.path,
      ...mint.settings,
      LOGIN_RATE: "0",
      MESSAGE_RATE: "0",
      BUDGETS: "0",
    };
    let server = await startTestServer(settings);
    const ada = await register(server, "ada");
    const chat = through(server, { tokens: () => ada.token });
    const room = chat.room("hall").join();
    await room.send("one");
    await room.send("two");

    const during = room.send("while it is away");
    await server.stop();
    proxy.refuse = true;
    const waiting = room.send("three");
    server = await startTestServer(settings);
    proxy.target = server.port;
    proxy.refuse = false;
    await Promise.all([during, waiting]);
    await same(room, server, ada);
    expect(room.snapshot().messages.map(({ content }) => content)).toEqual([
      "one",
      "two",
      "while it is away",
      "three",
    ]);

    proxy.refuse = true;
    await server.stop();
    await until(() => room.snapshot().state === "offline");
    const stale = [room.edit(1, "ONE"), room.react(2, "👍")].map((change) =>
      change.catch((error) => error.code),
    );
    const reply = room.send("four", { replyTo: 3 });
    expect(await runParley(["new-epoch"], { DATA_DIR: folder.path })).toMatchObject({ code: 0 });
    server = await startTestServer(settings);
    proxy.target = server.port;
    proxy.refuse = false;
    expect(await Promise.all(stale)).toEqual(["stale_epoch", "stale_epoch"]);
    expect(await reply).toMatchObject({ id: 5 });
    await same(room, server, ada);
    expect(room.snapshot().messages.at(-1)).not.toHaveProperty("replyTo");
    await chat.close();
    await server.stop();
    folder.remove();
  });
});

afterAll(() => proxy?.stop());

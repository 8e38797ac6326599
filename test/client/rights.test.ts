import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Chat, createChat } from "../../src/client/index.ts";
import { api } from "../support/api.ts";
import { START_MS } from "../support/house.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { inSeconds } from "../support/tokens.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(START_MS);

// A product whose tokens say which rooms a person may enter, a real server, and the client between them.

let provider: Provider;
let server: TestServer;
const chats: Chat[] = [];

beforeAll(async () => {
  provider = await startProvider();
  server = await startTestServer({ ...provider.settings, ROOM_ACCESS: "claims", BUDGETS: "0" });
});
afterEach(async () => {
  await Promise.all(chats.splice(0).map((chat) => chat.close()));
});
afterAll(async () => {
  await server.stop();
  await provider.stop();
});

let people = 0;

/** The product's backend, for one person. Rights change when `allow` does. */
function createProduct() {
  const name = `person-${++people}`;
  let stamp = 0;
  const product = {
    asked: 0,
    allow: {} as Record<string, readonly ("read" | "post")[]>,
    lifeSeconds: 3_600,
    /** What it answers instead of tokens. */
    failures: [] as (() => string | Promise<string>)[],
    async token() {
      product.asked++;
      const failure = product.failures.shift();
      if (failure) return failure();
      const rooms = Object.entries(product.allow).map(([match, allow]) => ({ match, allow }));
      return provider.tokenOf(name, { exp: inSeconds(product.lifeSeconds), rooms, stamp: ++stamp });
    },
  };
  const states: string[] = [];
  const chat = createChat({ url: server.url, tokens: product.token, ports: { random: () => 0.02 } });
  chats.push(chat);
  chat.on("connection", ({ state }) => void states.push(state));
  return { product, chat, states };
}

const both = ["read", "post"] as const;

describe("someone whose product lets them into another room", () => {
  test("enters it with the open socket, by opening it", async () => {
    const { product, chat, states } = createProduct();
    product.allow = { hall: both };
    const hall = chat.room("hall").join();
    await until(() => hall.snapshot().state === "live");
    product.allow = { hall: both, "order-7": both };
    const order = chat.room("order-7").join();
    expect(await order.send("About order 7")).toMatchObject({ id: 1 });
    await until(() => order.snapshot().state === "live");
    expect(hall.snapshot().state).toBe("live");
    expect(product.asked).toBe(2);
    expect(states).toEqual(["connecting", "open"]);
  });

  test("enters a room that refused them before with renew(), or by opening it again", async () => {
    const { product, chat, states } = createProduct();
    product.allow = { hall: both };
    const orders = ["order-8", "order-9"].map((name) => chat.room(name).join());
    const [first, second] = orders as [(typeof orders)[0], (typeof orders)[0]];
    await until(() => orders.every((room) => room.snapshot().state === "out"));
    expect(first.snapshot().error).toMatchObject({ code: "forbidden", claim: true });
    expect(product.asked).toBe(2);

    product.allow = { hall: both, "order-8": both };
    await chat.renew();
    await until(() => first.snapshot().state === "live");
    await until(() => second.snapshot().state === "out");
    expect(product.asked).toBe(3);

    product.allow = { "order-*": both };
    second.join();
    await until(() => second.snapshot().state === "live");
    expect(first.snapshot().state).toBe("live");
    expect(product.asked).toBe(4);
    expect(states).toEqual(["connecting", "open"]);
  });

  test("may change what they wrote in a room that refused them before", async () => {
    // The change was refused without asking, because the room's last refusal still stood.
    const { product, chat } = createProduct();
    product.allow = { hall: both, "order-1": both };
    const order = chat.room("order-1").join();
    const { id } = await order.send("About order 1");
    product.allow = { hall: both };
    await chat.renew();
    await until(() => order.snapshot().state === "out");
    product.allow = { hall: both, "order-1": both };
    expect(await order.edit(id, "About the first order")).toMatchObject({ version: 2 });
    await until(() => order.snapshot().state === "live");
    product.allow = { hall: both };
    await chat.renew();
    expect(await order.react(id, "👍").catch(({ code }) => code)).toBe("forbidden");
  });

  test("asks once for 40 rooms, and not again if that does not help", async () => {
    const { product, chat } = createProduct();
    product.allow = { hall: both };
    const hall = chat.room("hall").join();
    await until(() => hall.snapshot().state === "live");
    product.allow = { hall: both, "new-*": both };
    const rooms = Array.from({ length: 40 }, (_, at) =>
      chat.room(at % 2 ? `new-${at}` : `closed-${at}`).join(),
    );
    await until(() => rooms.every(({ snapshot }, at) => snapshot().state === (at % 2 ? "live" : "out")));
    await hall.send("Still here");
    expect(product.asked).toBe(2);
  });

  test("may write once that is allowed, without losing or reordering a message", async () => {
    const { product, chat } = createProduct();
    product.allow = { desk: ["read"] };
    const desk = chat.room("desk").join();
    await until(() => desk.snapshot().state === "live");
    product.allow = { desk: both };
    const acks = await Promise.all(["one", "two", "three"].map((text) => desk.send(text)));
    expect(acks.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(product.asked).toBe(2);
    product.allow = { desk: ["read"] };
    await chat.renew();
    expect(await desk.send("four").catch(({ code }) => code)).toBe("forbidden");
  });

  test("is out of a room that a newer token takes away, and back with the next one", async () => {
    const { product, chat } = createProduct();
    product.allow = { hall: both, attic: both };
    const attic = chat.room("attic").join();
    await until(() => attic.snapshot().state === "live");
    product.allow = { hall: both };
    await chat.renew();
    await until(() => attic.snapshot().state === "out");
    product.allow = { attic: both };
    await chat.renew();
    await until(() => attic.snapshot().state === "live");
  });
});

test("a refusal over HTTP says whether a newer token may help, too", async () => {
  const { product, chat } = createProduct();
  product.allow = { hall: both };
  const token = await chat.token();
  const page = (room: string) => api(server, `GET /history/${room}/`, { token });
  expect(await page("attic")).toMatchObject({ status: 403, body: { code: "forbidden", claim: true } });
  expect((await page("~abcdefghijklmnopqrstuvwxyz")).body).toMatchObject({ code: "forbidden", claim: true });
  product.allow = { "~*": both };
  const covered = await api(server, "GET /history/~abcdefghijklmnopqrstuvwxyz/", {
    token: await product.token(),
  });
  expect(covered.body).toMatchObject({ status: 404 });
  expect(covered.body).not.toHaveProperty("claim");
});

describe("a product that fails to give tokens", () => {
  const page = "<html><h1>502 Bad Gateway</h1></html>";

  test("delays the first connection, but what is sent meanwhile arrives", async () => {
    const { product, chat, states } = createProduct();
    product.allow = { hall: both };
    product.failures = [
      () => page,
      () => "",
      () => Promise.reject(new TypeError("fetch failed")),
      () => new Response(page, { status: 502 }) as never,
    ];
    const room = chat.room("hall");
    expect(await room.send("Hello")).toMatchObject({ id: expect.any(Number) });
    expect(product.asked).toBe(5);
    expect(states).not.toContain("closed");
  });

  test("or gives one that has expired is asked again", async () => {
    const { product, chat, states } = createProduct();
    product.allow = { hall: both };
    const expired = () => provider.tokenOf("late", { exp: inSeconds(-100) });
    product.failures = [expired, expired, expired];
    const room = chat.room("hall");
    expect(await room.send("Hello")).toMatchObject({ id: expect.any(Number) });
    expect(states).not.toContain("closed");
  });

  test("does not end the connection, however short its tokens live", async () => {
    const { product, chat, states } = createProduct();
    product.allow = { hall: both };
    product.lifeSeconds = 5;
    const room = chat.room("hall").join();
    await until(() => room.snapshot().state === "live");
    const begun = Date.now();
    product.failures = [() => page, () => Promise.reject(new Error("away")), () => page];
    for (const passed of [3_000, 6_500]) await until(() => Date.now() - begun > passed);
    expect(await room.send("Still here")).toMatchObject({ id: expect.any(Number) });
    expect(states).toEqual(["connecting", "open"]);
    expect(product.asked).toBeWithin(5, 10);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newToken } from "../../src/auth/apikeys.ts";
import { createChat } from "../../src/client/index.ts";
import { BUDGETS, type BudgetName } from "../../src/protocol/budgets.ts";
import { api } from "../support/api.ts";
import { connect, connectPlain, typesOf, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { frameOf, handshake } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { until } from "../support/until.ts";

const METRICS_TOKEN = crypto.randomUUID();
const ADMIN_TOKEN = newToken();
/** A tenth of the budgets, so that tests spend them with few requests. */
const SCALE = 0.1;
const MESSAGES = 5;
const burstOf = (name: BudgetName) => (name === "messages" ? MESSAGES : BUDGETS[name].burst * SCALE);

let server: TestServer;
let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
  server = await startTestServer({
    ...provider.settings,
    BUDGETS: String(SCALE),
    MESSAGE_RATE: "1",
    MESSAGE_BURST: String(MESSAGES),
    LOGIN_RATE: "0",
    TRUST_PROXY: "1",
    METRICS_TOKEN,
    ADMIN_TOKEN,
  });
  bystander = await newPerson();
  other = await connect(server, { token: bystander.token });
}, START_MS);
afterAll(async () => {
  await server.stop();
  await provider.stop();
});

let bystander: Person;
/** The bystander's socket. */
let other: V1Client;
let visitors = 0;
/** Each person comes from an address of their own. */
const newPerson = (): Promise<Person> => {
  const address = `192.0.2.${++visitors}`;
  return register(server, `visitor${visitors}`, { "x-forwarded-for": address });
};

/** People who spend budgets. Everyone spends each budget once, because registering takes longer than the tests. */
const spenders: { readonly person: Promise<Person>; readonly spent: Set<BudgetName> }[] = [];
const spenderOf = (budget: BudgetName): Promise<Person> => {
  let spender = spenders.find(({ spent }) => !spent.has(budget));
  if (!spender) spenders.push((spender = { person: newPerson(), spent: new Set() }));
  spender.spent.add(budget);
  return spender.person;
};

const refused = async (name: BudgetName): Promise<number> => {
  const { text } = await api(server, "GET /metrics", { token: METRICS_TOKEN });
  return Number(new RegExp(`parley_over_budget_total\\{budget="${name}"\\} (\\d+)`).exec(text)?.[1]);
};

describe("commands over their budget are refused with the time to wait; everyone else goes on", () => {
  const uuid = () => crypto.randomUUID();
  const commands: readonly [BudgetName, () => Record<string, unknown>][] = [
    ["messages", () => ({ type: "send", room: "costs", clientId: uuid(), content: "x" })],
    ["messages", () => ({ type: "react", room: "costs", clientId: uuid(), id: 1, emoji: "👍", on: true })],
    ["messages", () => ({ type: "edit", room: "costs", clientId: uuid(), id: 1, content: "x" })],
    ["messages", () => ({ type: "delete", room: "costs", clientId: uuid(), id: 1 })],
    ["joins", () => ({ type: "join", room: "costs" })],
    ["history", () => ({ type: "history", room: "costs" })],
    ["history", () => ({ type: "history", room: "costs", limit: 1000 })],
    ["marks", () => ({ type: "read", room: "costs", id: 1 })],
    ["typing", () => ({ type: "typing", room: "costs" })],
    ["tokens", () => ({ type: "auth", token: "wrong" })],
  ];
  test.each(commands)("%s", async (budget, command) => {
    const { token } = await spenderOf(budget);
    const socket = await connect(server, { token });
    const admitted = command().limit === 1000 ? burstOf(budget) / 10 : burstOf(budget);
    const replies = await Promise.all(Array.from({ length: admitted + 10 }, () => socket.ask(command())));
    const over = replies.filter(({ code }) => code === "rate_limited");
    expect(replies.slice(0, admitted).map(({ code }) => code)).not.toContain("rate_limited");
    expect(over.length).toBeWithin(1, 11);
    for (const reply of over)
      expect(reply).toMatchObject({ type: "error", retryable: true, retryAfterMs: expect.any(Number) });
    expect((await other.ask(command())).code).not.toBe("rate_limited");
    socket.close();
  });

  test("messages of the plain protocol", async () => {
    const { token } = await spenderOf("messages");
    const socket = await connectPlain(server, { room: "plain-costs", token });
    for (let message = 0; message < MESSAGES + 3; message++) socket.send({ message: "x" });
    await socket.take("message", MESSAGES);
    expect((await socket.next("error")).error).toMatchObject({ code: "rate_limited" });
    socket.close();
  });

  test("a command without a ref is dropped without notice", async () => {
    const { token } = await spenderOf("typing");
    const socket = await connect(server, { token });
    for (let key = 0; key < 20; key++) socket.send({ type: "typing", room: "costs" });
    expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "ok" });
    expect(typesOf(socket)).toEqual(["welcome", "ok"]);
    socket.close();
  });
});

describe("requests over their budget get 429 with Retry-After", () => {
  const requests: readonly [BudgetName, string][] = [
    ["messages", "POST /rooms/costs/messages/"],
    ["messages", "DELETE /rooms/costs/messages/1"],
    ["history", "GET /history/costs/"],
    ["lists", "GET /rooms/"],
    ["lists", "GET /rooms/costs/"],
    ["joins", "DELETE /rooms/costs/members/me/"],
    ["requests", "GET /account/me/"],
    ["requests", "GET /history/costs/?limit=0"],
  ];
  test.each(requests)("%s: %s", async (budget, target) => {
    const { token } = await spenderOf(budget);
    const body = target.startsWith("POST") ? { content: "x" } : undefined;
    const answers = await Promise.all(
      Array.from({ length: burstOf(budget) + 10 }, () => api(server, target, { token, body })),
    );
    const over = answers.filter(({ status }) => status === 429);
    expect(over.length).toBeWithin(1, 11);
    for (const { headers, body: problem } of over) {
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      expect(problem).toMatchObject({ code: "rate_limited", retryAfterMs: expect.any(Number) });
    }
  });
});

test("a product's backend has as many times the budgets as its token says, over HTTP and sockets", async () => {
  const backend = await provider.tokenOf("the-backend", { budget: 10 });
  const usual = await provider.tokenOf("the-backend");
  const socket = await connect(server, { token: backend });
  const { limits } = await socket.next("welcome");
  expect((limits as { budgets: unknown }).budgets).toMatchObject({
    messages: { rate: 10, burst: 10 * MESSAGES },
    lists: { rate: 10 * SCALE * BUDGETS.lists.rate, burst: 10 * burstOf("lists") },
    visits: { rate: SCALE * BUDGETS.visits.rate, burst: burstOf("visits") },
  });
  const post = () => socket.ask({ type: "send", room: "costs", clientId: crypto.randomUUID(), content: "x" });
  const sent = await Promise.all(Array.from({ length: 10 * MESSAGES }, post));
  expect(new Set(sent.map(({ type }) => type))).toEqual(new Set(["ok"]));
  const lists = (token: string | undefined, count: number) =>
    Promise.all(Array.from({ length: count }, () => api(server, "GET /rooms/", { token })));
  expect((await lists(backend, 5 * burstOf("lists"))).map(({ status }) => status)).not.toContain(429);
  // Both tokens are of one person, who has spent half of the budget.
  expect((await lists(usual, burstOf("lists"))).map(({ status }) => status)).toContain(429);
  socket.close();
});

describe("strangers pay by network", () => {
  const from = (address: string) => ({ "x-forwarded-for": address });

  const ask = async (target: string, address: string, token?: string) =>
    (await api(server, target, { token, headers: from(address) })).status;
  /** Asks as often as the budget allows, and a little more. */
  const spend = (target: string, address: string, token?: string) =>
    Promise.all(Array.from({ length: burstOf("visits") + 10 }, () => ask(target, address, token)));

  test("requests without a token are limited; probes never are", async () => {
    expect(await spend("GET /no/such/place", "198.51.100.1")).toContain(429);
    expect(await spend("GET /healthz", "198.51.100.1")).not.toContain(429);
    expect(await spend("GET /account/me/", "198.51.100.2")).toContain(429);
  });

  test("a network in debt waits, others do not; all of one /64 is one network", async () => {
    for (const address of ["198.51.100.3", "2001:db8::1"]) await spend("GET /account/me/", address, "wrong");
    expect(await ask("GET /docs", "198.51.100.3")).toBe(429);
    expect(await ask("GET /docs", "198.51.100.4")).toBe(200);
    expect(await ask("GET /docs", "2001:db8::ffff")).toBe(429);
    expect(await ask("GET /docs", "2001:db8:0:1::1")).toBe(200);
  });

  test("wrong tokens are limited, over HTTP and sockets; tokens that are known to be good still work", async () => {
    const { token } = bystander;
    const headers = from("198.51.100.5");
    const me = (bearer: string) => api(server, "GET /account/me/", { token: bearer, headers });
    expect((await me(token)).status).toBe(200);
    const wrong = await Promise.all(Array.from({ length: burstOf("visits") }, () => me("wrong")));
    expect(new Set(wrong.map(({ status }) => status))).toEqual(new Set([401, 429]));
    const path = (bearer: string) => `/ws/chat/costs/?token=${bearer}`;
    const attempt = async (bearer: string) => (await handshake(server, path(bearer), headers)).status;
    expect(await attempt("wrong")).toBe(429);
    expect(await attempt(token)).toBe(101);
    expect((await me(token)).status).toBe(200);
  });

  // Each is looked up in the database.
  test("operators' keys that nobody made are limited; one that is good still works", async () => {
    const audit = (token: string) => ask("GET /admin/audit/", "198.51.100.6", token);
    const guess = () => Promise.all(Array.from({ length: burstOf("visits") }, () => audit(newToken())));
    expect(await guess()).toContain(401);
    expect(await guess()).not.toContain(401);
    expect(await audit(ADMIN_TOKEN)).toBe(200);
  });
});

test("a key that floods a room in somebody's name spends its own budget, and leaves theirs alone", async () => {
  const { token, username } = await spenderOf("messages");
  const wanted = { name: "flood", scopes: ["rooms:post:costs", "as"], budget: 2 };
  const { body } = await api(server, "POST /api-keys/", { token: ADMIN_TOKEN, body: wanted });
  const post = async (by: string, more: object = {}) =>
    (await api(server, "POST /rooms/costs/messages/", { token: by, body: { content: "x", ...more } })).status;
  const { token: key } = body as { token: string };
  const flood = await Promise.all(Array.from({ length: 40 }, () => post(key, { as: `@${username}` })));
  const counted = (status: number) => flood.filter((one) => one === status).length;
  expect(counted(201)).toBeGreaterThanOrEqual(2 * MESSAGES);
  expect(counted(429)).toBeGreaterThan(0);
  expect(counted(201) + counted(429)).toBe(40);
  expect(await post(token)).toBe(201);
});

describe("rooms", () => {
  test("a person can create only so many, by joining or posting; rooms that exist stay open to them", async () => {
    const { token } = await newPerson();
    const socket = await connect(server, { token });
    const join = (room: string, by: V1Client = socket) => by.ask({ type: "join", room });
    const post = (room: string) =>
      socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content: "x" });
    await join("their-room", other);
    await other.ask({ type: "send", room: "talk", clientId: crypto.randomUUID(), content: "x" });
    // One of them by a post, and joins of existing rooms in between, which cost nothing.
    expect(await post("new-0")).toMatchObject({ type: "ok" });
    for (let room = 1; room < burstOf("rooms"); room++) {
      expect(await join(`new-${room}`)).toMatchObject({ type: "ok" });
      await join("their-room");
    }
    for (const reply of [await join("one-more"), await post("one-more")])
      expect(reply).toMatchObject({ code: "rate_limited", retryAfterMs: expect.any(Number) });
    expect(await join("their-room")).toMatchObject({ type: "ok" });
    expect(await post("talk")).toMatchObject({ type: "ok" });
    expect(await join("one-more", other)).toMatchObject({ type: "ok" });
    expect(await join("one-more")).toMatchObject({ type: "ok" });
    socket.close();
  });
});

describe("floods", () => {
  const floods: readonly [string, Buffer][] = [
    ["pings", frameOf('{"type":"ping","ref":1}')],
    ["commands that do not exist", frameOf('{"type":"dance","ref":1}')],
    ["broken JSON", frameOf('{"type"')],
    ["pings of WebSocket", frameOf("", 9)],
    ["messages over the rate", frameOf(JSON.stringify({ type: "send", room: "costs", ref: 1 }))],
  ];
  test.each(floods)("of %s end with 4004, and the person cannot come back at once", async (_, frame) => {
    const { token } = await newPerson();
    const { connection } = await handshake(server, "/ws/", {
      authorization: `Bearer ${token}`,
      "sec-websocket-protocol": "chat.v1",
    });
    connection.socket.write(Buffer.concat(Array(20_000).fill(frame)));
    const closing = await connection.read((bytes) => {
      const at = bytes.indexOf('{"type":"closing"');
      const end = bytes.indexOf("}", at);
      return at === -1 || end === -1
        ? undefined
        : { value: JSON.parse(bytes.toString("utf8", at, end + 1)), length: end + 1 };
    });
    expect(closing).toEqual({ type: "closing", reason: "flooding", retryAfterMs: 30_000 });
    connection.end();
    expect(await other.ask({ type: "ping" })).toMatchObject({ type: "ok" });
    const again = await handshake(server, `/ws/?token=${token}`, { "sec-websocket-protocol": "chat.v1" });
    expect([again.status, Number(again.headers.get("retry-after")) > 0]).toEqual([429, true]);
  });

  test("a socket that sends somewhat too fast is read later: every command gets its reply", async () => {
    const { token } = await newPerson();
    const socket = await connect(server, { token });
    const before = await refused("frames");
    const pings = Array.from({ length: burstOf("frames") + 10 }, () => socket.ask({ type: "ping" }));
    expect((await Promise.all(pings)).every(({ type }) => type === "ok")).toBe(true);
    expect(await refused("frames")).toBeGreaterThan(before);
    socket.close();
  });
});

test(
  "a client that joins 200 rooms and reads the history of each spends no budget",
  async () => {
    const usual = await startTestServer({ METRICS_TOKEN });
    try {
      const { token } = await register(usual, "regular");
      const chat = createChat({ url: usual.url, tokens: () => token });
      const rooms = Array.from({ length: 200 }, (_, index) => chat.room(`room-${index}`).join());
      await until(() => rooms.every((room) => room.snapshot().state === "live"), START_MS);
      await Promise.all(rooms.map((room) => room.history({ limit: 100 })));
      for (const room of rooms.slice(0, 50)) room.typing();
      expect((await chat.listRooms({ limit: 200 })).items).toHaveLength(200);
      await chat.close();
      const { text } = await api(usual, "GET /metrics", { token: METRICS_TOKEN });
      const spent = [...text.matchAll(/^parley_over_budget_total\{budget="(\w+)"\} [1-9]/gm)];
      expect(spent.map(([, name]) => name)).toEqual([]);
    } finally {
      await usual.stop();
    }
  },
  2 * START_MS,
);

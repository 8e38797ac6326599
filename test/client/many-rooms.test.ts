import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Chat, createChat, type Room } from "../../src/client/index.ts";
import { api } from "../support/api.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// With the usual budgets, but for messages: a person with 250 rooms. A socket can be in 200.

setDefaultTimeout(6 * START_MS);

const ADMIN = "the-token-of-the-operator";
const PLACES = 200;
const names = Array.from({ length: 250 }, (_, n) => `order-${n}`);

let server: TestServer;
let proxy: Proxy;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  server = await startTestServer({ ADMIN_TOKEN: ADMIN, MESSAGE_RATE: "0" });
  proxy = startProxy(server.port);
  [ada, ben] = await Promise.all([register(server, "ada"), register(server, "ben")]);
  for (const room of names) {
    const body = { room, kind: "private", people: ["@ada", "@ben"], clientId: crypto.randomUUID() };
    const { status, text } = await api(server, "POST /admin/rooms/", { token: ADMIN, body });
    if (status !== 201) throw new Error(text);
  }
});
afterAll(async () => {
  proxy?.stop();
  await server?.stop();
});

/** A client of ada, and the most rooms that any of its sockets was in at once. */
function client() {
  let most = 0;
  const problems: string[] = [];
  class Counted extends WebSocket {
    readonly rooms = new Set<string>();
    override send(data: string) {
      const { type, room } = JSON.parse(data) as { type: string; room?: string };
      if (type === "join") this.rooms.add(room ?? "");
      if (type === "leave") this.rooms.delete(room ?? "");
      most = Math.max(most, this.rooms.size);
      super.send(data);
    }
  }
  const chat = createChat({
    url: proxy.url,
    tokens: () => ada.token,
    webSocket: Counted,
    outbox: 1_000,
    // Keep the backoff short.
    ports: { random: () => 0.02 },
  });
  chat.on("problem", ({ message }) => void problems.push(message));
  return { chat, problems, most: () => most };
}

const roomsOf = (chat: Chat) => names.map((name) => chat.room(name, { history: 0 }));
const inState = (rooms: readonly Room[], state: string) =>
  rooms.filter((room) => room.snapshot().state === state).map(({ name }) => name);
const post = (room: string, content: string) =>
  api(server, `POST /rooms/${room}/messages/`, { token: ben.token, body: { content } });
const patience = 60_000;

test("the list follows all of them, and joins none", async () => {
  const { chat, problems, most } = client();
  const list = chat.rooms();
  list.subscribe(() => {});
  await until(() => list.snapshot().state === "live", patience);
  while (list.snapshot().more) await list.load();
  expect(
    list
      .snapshot()
      .items.map(({ room }) => room)
      .sort(),
  ).toEqual([...names].sort());
  await post("order-3", "Is it on its way?");
  await until(() => list.snapshot().items[0]?.last?.content === "Is it on its way?", patience);
  expect([list.snapshot().items[0]?.room, most(), problems]).toEqual(["order-3", 0, []]);
  await chat.close();
});

test("the 200 that were opened last are joined, also after a cut, and the others when there is a place", async () => {
  const { chat, problems, most } = client();
  const rooms = roomsOf(chat);
  const offs = rooms.map((room) => room.subscribe(() => {}));
  const last = names.slice(-PLACES);
  await until(() => inState(rooms, "live").length === PLACES, patience);
  expect(inState(rooms, "live")).toEqual(last);
  expect(inState(rooms, "joining")).toEqual(names.slice(0, -PLACES));

  proxy.cut();
  await until(() => inState(rooms, "offline").length === names.length, patience);
  await post("order-249", "While you were away");
  await until(() => inState(rooms, "live").length === PLACES, patience);
  expect(inState(rooms, "live")).toEqual(last);
  const [newest] = rooms.slice(-1);
  await until(() => newest?.snapshot().messages.at(-1)?.content === "While you were away", patience);

  // Nobody shows the newest any more, which are left after 10 seconds.
  for (const off of offs.slice(PLACES)) off();
  await until(() => inState(rooms, "idle").length === names.length - PLACES, patience);
  await until(() => inState(rooms, "live").length === PLACES, patience);
  expect(inState(rooms, "live")).toEqual(names.slice(0, PLACES));
  expect([most(), problems]).toEqual([PLACES, []]);
  await chat.close();
});

test("changes that wait in all of them are sent, although only three rooms are shown", async () => {
  const { chat, problems, most } = client();
  const rooms = roomsOf(chat);
  const shown = rooms.slice(0, 3);
  for (const room of shown) room.subscribe(() => {});
  await until(() => inState(rooms, "live").length === shown.length, patience);
  // Ids belong to an epoch, so a reply needs its room joined.
  const { id } = await shown[0]!.send("First");
  proxy.refuse = true;
  proxy.cut();
  await until(() => inState(shown, "offline").length === shown.length, patience);
  const sent = rooms.map((room) => room.send(`From ${room.name}`));
  const reply = shown[0]!.send("Again", { replyTo: id });
  proxy.refuse = false;
  const acks = await Promise.all([...sent, reply]);
  expect(acks).toHaveLength(names.length + 1);
  await until(() => inState(rooms, "idle").length === names.length - shown.length, patience);
  await until(() => inState(shown, "live").length === shown.length, patience);
  const contents = () => shown[0]?.snapshot().messages.map(({ content }) => content);
  await until(() => Bun.deepEquals(contents(), ["First", "From order-0", "Again"]), patience);
  expect(problems).toEqual([]);
  expect(most()).toBeLessThanOrEqual(PLACES);
  await chat.close();
});

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { api } from "../support/api.ts";
import { streamEvents } from "../support/events.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { START_MS } from "../support/house.ts";
import { until } from "../support/until.ts";
import { operator, roomCalls, startRooms } from "./roomcalls.ts";

setDefaultTimeout(60_000);

// The log of all events over HTTP: pages, lines, long polls and streams, and who may read what.

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  ({
    server,
    people: [ada, ben],
  } = await startRooms());
}, START_MS);
afterAll(() => server.stop());

interface Event {
  readonly type: "message" | "notice";
  readonly room: string;
  readonly id: number;
  readonly version: number;
  readonly change?: string;
  readonly content?: string;
  readonly cursor: string;
}
interface Page {
  readonly events: readonly Event[];
  readonly cursor: string;
  readonly more: boolean;
}

const { by } = roomCalls(() => server);
const say = async (person: Person, room: string, content: string) =>
  Number((await by(person, `POST /rooms/${room}/messages/`, { content })).body.id);
const ask = (
  query: Readonly<Record<string, string>>,
  { token } = operator as { token: string },
  accept = "",
) =>
  api(server, `GET /events/?${new URLSearchParams(query)}`, {
    token,
    ...(accept && { headers: { accept } }),
  });
const pageOf = async (...of: Parameters<typeof ask>): Promise<Page> => {
  const { status, body } = await ask(...of);
  expect(status).toBe(200);
  return body as Page;
};
const messagesOf = ({ events }: Page) => events.filter(({ type }) => type === "message");
/** Reads page by page until so many events have come. */
async function collect(
  { only, ...query }: Readonly<Record<string, string>>,
  count: number,
  reader?: { token: string },
) {
  const events: Event[] = [];
  let { after = "now" } = query;
  await until(async () => {
    const page = await pageOf({ ...query, after }, reader);
    events.push(...(only ? messagesOf(page) : page.events));
    after = page.cursor;
    return events.length >= count;
  });
  return { events, cursor: after };
}
const refused = async (query: Readonly<Record<string, string>>, reader?: { token: string }) => {
  const { status, body } = await ask(query, reader);
  return `${status} ${(body as { code: string }).code}`;
};
const privateRoom = async (owner: Person, settings: object = {}) =>
  String((await by(owner, "POST /rooms/", { title: "A room", ...settings })).body.room);
let keys = 0;
async function keyWith(...scopes: readonly string[]) {
  const name = `events-${++keys}`;
  const { body } = await by(operator, "POST /api-keys/", { name, scopes });
  return { name, token: String(body.token) };
}
const room = () => `events-${crypto.randomUUID()}`;
const now = async () => (await pageOf({})).cursor;

test("a message that is posted, edited, deleted or reacted to is told each time, in its latest state", async () => {
  const den = room();
  const from = await now();
  const id = await say(ada, den, "helo");
  const first = await collect({ after: from, room: den }, 1);
  expect(first.events).toMatchObject([
    { type: "message", change: "created", room: den, id, version: 1, content: "helo" },
  ]);
  await by(ada, `PATCH /rooms/${den}/messages/${id}/`, { content: "hello" });
  const second = await collect({ after: first.cursor, room: den }, 1);
  expect(second.events).toMatchObject([{ change: "updated", id, version: 2, content: "hello" }]);
  await by(ada, `DELETE /rooms/${den}/messages/${id}/`);
  const third = await collect({ after: second.cursor, room: den }, 1);
  expect(third.events).toMatchObject([{ change: "deleted", id, version: 3, content: "" }]);
  // From the beginning on there is only what it is now.
  const { events } = await collect({ after: from, room: den }, 1);
  expect(events).toMatchObject([{ change: "deleted", version: 3 }]);
});

test("each event has the cursor to continue after it, which gives the same bytes whenever it is used", async () => {
  const den = room();
  const from = await now();
  for (const content of ["1", "2", "3"]) await say(ada, den, content);
  const { events } = await collect({ after: from, room: den }, 3);
  const rest = async () => (await ask({ after: events[0]?.cursor ?? "", room: den })).text;
  const [one, other] = await Promise.all([rest(), rest()]);
  expect(one).toBe(other);
  expect((JSON.parse(one) as Page).events.map(({ content }) => content)).toEqual(["2", "3"]);
});

test("lines of JSON end with the cursor", async () => {
  const den = room();
  const from = await now();
  await say(ada, den, "a line");
  await collect({ after: from, room: den }, 1);
  const { text, headers } = await ask({ after: from, room: den }, undefined, "application/x-ndjson");
  expect(headers.get("content-type")).toBe("application/x-ndjson");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toMatchObject([{ content: "a line" }, { type: "cursor", more: false }]);
  const { events } = await pageOf({ after: String(lines[1]?.cursor), room: den });
  expect(events).toEqual([]);
});

test("rooms are chosen by name or by pattern, and one cursor serves every choice", async () => {
  const [one, other] = [room(), `other-${crypto.randomUUID()}`];
  const from = await now();
  await say(ada, one, "one");
  await say(ada, other, "other");
  const rooms = `${one.slice(0, 20)}*`;
  const { events } = await collect({ after: from, rooms }, 1);
  expect(events.map(({ room }) => room)).toEqual([one]);
  const all = await collect({ after: from }, 2);
  expect(all.events.filter(({ room }) => room === one || room === other)).toHaveLength(2);
  const { events: later } = await pageOf({ after: events[0]?.cursor ?? "", room: other });
  expect(later.map(({ content }) => content)).toEqual(["other"]);
});

test("a request waits for the first event, and no longer than it says", async () => {
  const den = room();
  const from = await now();
  expect(await pageOf({ after: from, room: den, wait: "1" })).toMatchObject({ events: [] });
  const waiting = pageOf({ after: from, room: den, wait: "50" });
  await say(ada, den, "at last");
  expect((await waiting).events.map(({ content }) => content)).toEqual(["at last"]);
});

test("a stream brings what happens, and goes on where it was cut", async () => {
  const den = room();
  const query = { room: den, after: "now" };
  const first = await streamEvents(server, { ...operator, query });
  await until(() => first.cursor !== "");
  await say(ada, den, "1");
  await until(() => first.events.length === 1);
  first.close();
  await first.ended;
  await say(ada, den, "2");
  await say(ada, den, "3");
  const second = await streamEvents(server, { ...operator, query, cursor: first.cursor });
  await until(() => second.events.length === 2);
  expect([...first.events, ...second.events].map(({ content }) => content)).toEqual(["1", "2", "3"]);
  second.close();
});

test("whoever wants nothing that exists is told so", async () => {
  expect(await refused({ after: "yesterday" })).toBe("400 invalid");
  expect(await refused({ after: "A".repeat(22) })).toBe("400 invalid");
  expect(await refused({ wait: "51" })).toBe("400 invalid");
  expect(await refused({ room: "no room" })).toBe("400 invalid");
  expect(await refused({}, { token: "wrong" })).toBe("401 token_invalid");
});

test("a person reads the rooms that they are a member of, and one that they may read", async () => {
  const [own, others, open] = [await privateRoom(ada), await privateRoom(ben), room()];
  const from = await now();
  await say(ada, own, "mine");
  await say(ben, others, "theirs");
  await say(ben, open, "anyone's");
  for (const room of [own, others, open]) await collect({ after: from, room, only: "messages" }, 1);
  const contents = async (person: Person, query: Readonly<Record<string, string>> = {}) =>
    messagesOf(await pageOf({ after: from, ...query }, person)).map(({ content }) => content);
  expect(await contents(ada)).toEqual(["mine"]);
  expect(await contents(ada, { room: open })).toEqual(["anyone's"]);
  expect(await contents(ben)).toEqual(["theirs", "anyone's"]);
  expect(await contents(ben, { rooms: "events-*" })).toEqual(["anyone's"]);
  expect(await refused({ room: others }, ada)).toBe("404 not_found");
});

test("a person sees nothing from before they joined, where newcomers do not, and nothing after they are gone", async () => {
  const den = await privateRoom(ada, { history: "joined" });
  // The notice of its creation comes before this.
  const { cursor: from } = await collect({ after: "start", room: den }, 1);
  const early = await say(ada, den, "early");
  await by(ada, `PUT /rooms/${den}/members/@ben/`, {});
  await say(ada, den, "for ben");
  await by(ada, `PATCH /rooms/${den}/messages/${early}/`, { content: "still early" });
  await collect({ after: from, room: den }, 3);
  const seen = async () =>
    (await pageOf({ after: from }, ben)).events.map(({ type, content }) => content ?? type);
  expect(await seen()).toEqual(["notice", "for ben"]);
  const stream = await streamEvents(server, { token: ben.token, query: { room: den, after: "now" } });
  await until(() => stream.cursor !== "");
  await by(ada, `DELETE /rooms/${den}/members/@ben/`);
  await say(ada, den, "not for ben");
  await collect({ after: from, room: den }, 5);
  expect(await seen()).toEqual([]);
  await stream.ended;
  expect(stream.events).toEqual([]);
  expect(stream.all.at(-1)).toMatchObject({ event: "end", data: { code: "forbidden" } });
});

test("a key reads the rooms that it is allowed to, and nothing without the scope", async () => {
  const [yes, no] = [`orders-${crypto.randomUUID()}`, room()];
  const key = await keyWith("events", "rooms:read:orders-*");
  const from = await now();
  await say(ada, no, "no");
  await say(ada, yes, "yes");
  await collect({ after: from }, 2);
  const { events } = await pageOf({ after: from }, key);
  expect(events.map(({ content }) => content)).toEqual(["yes"]);
  expect(await refused({ room: no }, key)).toBe("403 scope_missing");
  expect(await refused({}, await keyWith("events"))).toBe("403 scope_missing");
  expect(await refused({}, await keyWith("rooms:read:*"))).toBe("403 scope_missing");
});

test("a stream ends with the key that it was opened with", async () => {
  const key = await keyWith("events", "rooms:read:*");
  const stream = await streamEvents(server, { ...key, query: { after: "now" } });
  await until(() => stream.cursor !== "");
  await by(operator, `DELETE /api-keys/${key.name}/`);
  await stream.ended;
  expect(stream.all.at(-1)).toMatchObject({ event: "end", data: { code: "token_invalid" } });
});

test("a request that waits gets nothing any more once its key is revoked", async () => {
  const key = await keyWith("events", "rooms:read:*");
  const after = await now();
  const waiting = Array.from({ length: 50 }, () => ask({ after, wait: "50" }, key));
  // As many as may be open, so all of them have shown the key.
  await until(async () => (await refused({}, key)) === "429 too_many_streams");
  await by(operator, `DELETE /api-keys/${key.name}/`);
  await say(ada, room(), "not for this key");
  const answers = await Promise.all(waiting);
  expect([...new Set(answers.map(({ status }) => status))]).toEqual([401]);
});

test("a person has five requests open at most, and each that ends makes way", async () => {
  const open = () => streamEvents(server, { token: ben.token, query: { after: "now" } });
  const streams = await Promise.all(Array.from({ length: 5 }, open));
  await until(() => streams.every(({ cursor }) => cursor !== ""));
  expect(await refused({}, ben)).toBe("429 too_many_streams");
  for (const stream of streams) stream.close();
  await until(async () => (await ask({}, ben)).status === 200);
  const gone = new AbortController();
  const waiting = Array.from({ length: 5 }, () =>
    fetch(`${server.url}/events/?wait=50`, {
      signal: gone.signal,
      headers: { authorization: `Bearer ${ben.token}` },
    }).catch(() => {}),
  );
  await until(async () => (await ask({}, ben)).status === 429);
  gone.abort();
  await Promise.all(waiting);
  await until(async () => (await ask({}, ben)).status === 200);
});

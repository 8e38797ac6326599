import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { api } from "../support/api.ts";
import { memoryFolder } from "../support/folder.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { roomCalls } from "./roomcalls.ts";

setDefaultTimeout(60_000);

// The search over HTTP, with the index as it is written beside the commits. What it finds, and for whom, test/store compares
// with a plain scan.

let at: House;
beforeAll(async () => {
  at = await ownHouse();
}, START_MS);
afterAll(() => at.server.stop());

interface FoundMessage {
  readonly room: string;
  readonly id: number;
  readonly content: string;
  readonly highlights: readonly (readonly [number, number])[];
}
interface Page {
  readonly messages: readonly FoundMessage[];
  readonly partial: boolean;
  readonly next: string | undefined;
}

const { by } = roomCalls(() => at.server);
const say = async (person: Person, room: string, content: string) =>
  Number((await by(person, `POST /rooms/${room}/messages/`, { content })).body.id);
const follow = async (person: Person, target: string): Promise<Page> => {
  const { status, body, headers } = await api(at.server, `GET ${target}`, { token: person.token });
  expect(status).toBe(200);
  const next = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  return { ...(body as unknown as Omit<Page, "next">), next };
};
const search = (person: Person, query: Readonly<Record<string, string>>) =>
  follow(person, `/search/?${new URLSearchParams(query)}`);
/** Waits until a search finds so many messages, because the index is about a second behind. */
const found = async (person: Person, query: Readonly<Record<string, string>>, count: number) => {
  let page = await search(person, query);
  await until(async () => (page = await search(person, query)).messages.length === count);
  return page;
};
const refusal = async (query: Readonly<Record<string, string>>) => {
  const { status, body } = await api(at.server, `GET /search/?${new URLSearchParams(query)}`, {
    token: at.ada.token,
  });
  const { code, errors } = body as { code: string; errors?: Record<string, string[]> };
  return [status, code, ...Object.values(errors ?? {}).flat()];
};

test("a message is found a moment after it was posted, newest first, with its highlights, page by page", async () => {
  const room = "http-search";
  const ids: number[] = [];
  for (let n = 0; n < 5; n++) ids.push(await say(at.ada, room, `A lamp 👍 number ${n}`));
  await found(at.ada, { q: "lamp number" }, 5);
  const first = await search(at.ada, { q: "LÂMP number", limit: "2" });
  expect(first).toMatchObject({
    partial: false,
    messages: [
      { room, id: ids[4] },
      { room, id: ids[3] },
    ],
  });
  expect(first.messages[0]?.highlights).toEqual([
    [2, 6],
    [9, 15],
  ]);
  const second = await follow(at.ada, first.next ?? "");
  const third = await follow(at.ada, second.next ?? "");
  expect([...second.messages, ...third.messages].map(({ id }) => id)).toEqual(ids.slice(0, 3).toReversed());
  expect(third.next).toBeUndefined();
});

test("people search their own rooms; an open room that they are not in, only by its name", async () => {
  const room = "http-search-open";
  await say(at.ada, room, "walrus");
  await found(at.ada, { q: "walrus" }, 1);
  expect((await search(at.ben, { q: "walrus" })).messages).toEqual([]);
  expect((await search(at.ben, { q: "walrus", room })).messages).toHaveLength(1);
  expect((await search(at.ben, { q: `walrus in:${room} from:ada` })).messages).toHaveLength(1);
  expect((await search(at.ben, { q: `walrus in:${room} from:me` })).messages).toEqual([]);
});

test("what someone can no longer read, they can no longer find", async () => {
  const created = await by(at.ada, "POST /rooms/", {
    title: "Secret",
    people: [`@${at.ben.username}`],
    clientId: crypto.randomUUID(),
  });
  const room = String(created.body.room);
  await say(at.ada, room, "narwhal");
  await found(at.ben, { q: "narwhal" }, 1);
  expect((await search(at.cy, { q: "narwhal" })).messages).toEqual([]);
  await by(at.ben, `DELETE /rooms/${encodeURIComponent(room)}/members/me/`);
  expect((await search(at.ben, { q: "narwhal" })).messages).toEqual([]);
  const { status } = await api(at.server, `GET /search/?q=narwhal&room=${encodeURIComponent(room)}`, {
    token: at.ben.token,
  });
  expect(status).toBe(403);
  expect((await search(at.ada, { q: "narwhal" })).messages).toHaveLength(1);
});

test("a deleted message is not found from that moment on", async () => {
  const room = "http-search-deleted";
  const id = await say(at.ada, room, "ocelot");
  await found(at.ada, { q: "ocelot" }, 1);
  await by(at.ada, `DELETE /rooms/${room}/messages/${id}/`);
  expect((await search(at.ada, { q: "ocelot" })).messages).toEqual([]);
});

test("a query that cannot be understood is explained", async () => {
  expect(await refusal({ q: '"open' })).toEqual([
    400,
    "invalid",
    "has a quotation mark that is not closed: close it, or remove it",
  ]);
  expect(await refusal({ q: "from:nobody-at-all" })).toEqual([
    400,
    "invalid",
    "has from: with somebody who is not known here",
  ]);
  expect(await refusal({ q: "x", before: "nonsense" })).toEqual([
    400,
    "invalid",
    "must be a cursor of this search",
  ]);
  expect(await refusal({ q: "x in:one", room: "other" })).toEqual([
    400,
    "invalid",
    "has in: although a room was given: remove one of them",
  ]);
  expect((await refusal({ q: "x".repeat(257) })).slice(0, 2)).toEqual([400, "invalid"]);
  expect((await refusal({ q: "x in:~nothing" })).slice(0, 2)).toEqual([404, "not_found"]);
});

test("with SEARCH=off nobody can search, and nothing is written; once it is on, what was posted before is found", async () => {
  const ADMIN_TOKEN = "the-token-of-an-operator";
  const folder = memoryFolder();
  const settings = { DATA_DIR: folder.path, ADMIN_TOKEN };
  const off = await startTestServer({ ...settings, SEARCH: "off" });
  const { token } = await register(off, "dee");
  const { status, body } = await api(off, "GET /search/?q=hello", { token });
  expect([status, (body as { code: string }).code]).toEqual([404, "search_off"]);
  await api(off, "POST /rooms/before/messages/", { token, body: { content: "hello" } });
  expect((await api(off, "POST /admin/search/reindex/", { token: ADMIN_TOKEN })).status).toBe(204);
  await off.stop();

  const on = await startTestServer(settings);
  const count = async () => {
    const answer = await api(on, "GET /search/?q=hello", { token });
    return (answer.body as { messages: unknown[] }).messages.length;
  };
  await until(async () => {
    await Bun.sleep(50); // searches have a budget
    return (await count()) === 1;
  });
  expect((await api(on, "POST /admin/search/reindex/", { token: ADMIN_TOKEN })).status).toBe(204);
  expect(await count()).toBe(1);
  await on.stop();
  folder.remove();
});

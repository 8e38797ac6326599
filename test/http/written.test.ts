import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { roomCalls, type Row, startRooms } from "./roomcalls.ts";

// What someone wrote, to take along. Each test has its own rooms and its own person.

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  ({
    server,
    people: [ada],
  } = await startRooms());
}, START_MS);
afterAll(() => server.stop());

const { by } = roomCalls(() => server);
const say = async (person: Person, room: string, body: object) =>
  Number((await by(person, `POST /rooms/${room}/messages/`, body)).body.id);

/** Follows the pages to the end. */
async function written({ token }: { token: string }, limit: number) {
  const pages: Row[][] = [];
  let target: string | undefined = `/account/me/messages/?limit=${limit}`;
  while (target) {
    const { status, body, headers } = await api(server, `GET ${target}`, { token });
    expect(status).toBe(200);
    pages.push(body as Row[]);
    target = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  }
  return pages;
}

test("someone gets what they wrote in every room, page by page, each message once and in its last state", async () => {
  const dee = await register(server, "dee");
  const ids = await Promise.all(
    Array.from({ length: 7 }, (_, index) =>
      say(dee, index % 2 ? "written-a" : "written-b", { content: `text ${index}` }),
    ),
  );
  await say(ada, "written-a", { content: "not dee's" });
  await by(dee, `PATCH /rooms/written-b/messages/${ids[0]}/`, { content: "edited" });
  await by(dee, `DELETE /rooms/written-a/messages/${ids[1]}/`);
  await say(dee, "written-b", { content: "with data", data: { order: 7 }, replyTo: ids[0] });
  // The rooms that someone left are theirs too.
  await by(dee, "DELETE /rooms/written-a/members/me/");

  const pages = await written(dee, 3);
  expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
  const all = pages.flat();
  expect(all.map(({ content }) => content).sort()).toEqual([
    "edited",
    "text 2",
    "text 3",
    "text 4",
    "text 5",
    "text 6",
    "with data",
  ]);
  // Room by room.
  expect(all.filter(({ room }, at) => room !== all[at - 1]?.room)).toHaveLength(2);
  expect(all.find(({ content }) => content === "with data")).toMatchObject({
    room: "written-b",
    data: { order: 7 },
    replyTo: ids[0],
  });
  expect(all.find(({ content }) => content === "edited")).toMatchObject({ editedAt: expect.any(String) });
});

test("a page ends before it grows too large, but never empty while more follows", async () => {
  const eli = await register(server, "eli");
  for (let index = 0; index < 40; index++)
    await say(eli, "written-long", { content: "🦀".repeat(4_000), data: { text: "x".repeat(3_000) } });
  const pages = await written(eli, 200);
  expect(pages.flat()).toHaveLength(40);
  for (const page of pages) {
    expect(page.length).toBeGreaterThan(0);
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(600 * 1024);
  }
});

test("a token for few rooms gets only what was written there", async () => {
  const few = await startTestServer({ ROOM_ACCESS: "claims" });
  try {
    const { token } = await register(few, "fay");
    const { status, body } = await api(few, "GET /account/me/messages/", { token });
    expect([status, body]).toEqual([200, []]);
  } finally {
    await few.stop();
  }
});

test("cursors that are none are refused, and so is anyone without a token", async () => {
  const { token } = ada;
  const cursor = (text: string) => Buffer.from(text).toString("base64url");
  for (const after of ["x", cursor("no-uuid room"), cursor(`${crypto.randomUUID()} a\0b`), "a".repeat(600)])
    expect((await api(server, `GET /account/me/messages/?after=${after}`, { token })).status).toBe(400);
  expect((await api(server, "GET /account/me/messages/?limit=201", { token })).status).toBe(400);
  expect((await api(server, "GET /account/me/messages/")).status).toBe(401);
});

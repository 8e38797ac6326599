import { afterAll, beforeAll, expect, test } from "bun:test";
import { START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { roomCalls, startRooms } from "./roomcalls.ts";

// Messages that people save for themselves. Each test has its own rooms.

let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;
let eve: Person;

beforeAll(async () => {
  ({
    server,
    people: [ada, ben, cy, eve],
  } = await startRooms());
}, START_MS);
afterAll(() => server.stop());

const { by, statusOf, rowsOf } = roomCalls(() => server);
const say = async (person: Person, room: string, content: string) =>
  Number((await by(person, `POST /rooms/${encodeURIComponent(room)}/messages/`, { content })).body.id);
const path = (room: string, id: number) => `/rooms/${encodeURIComponent(room)}/messages/${id}/saved/`;
const saved = async (person: Person) =>
  (await rowsOf(person, "GET /saved/")).map(({ room, content }) => `${String(room)}: ${String(content)}`);

test("someone saves messages of several rooms, and lists them in pages, the latest saved first", async () => {
  for (const room of ["saved-a", "saved-b"]) for (const text of ["one", "two"]) await say(ada, room, text);
  for (const [room, id] of [
    ["saved-a", 2],
    ["saved-b", 1],
    ["saved-a", 1],
  ] as const)
    expect(await statusOf(ben, `PUT ${path(room, id)}`)).toBe(204);
  expect(await saved(ben)).toEqual(["saved-a: one", "saved-b: one", "saved-a: two"]);
  expect(await saved(ada)).toEqual([]);
  expect(await rowsOf(ben, "GET /rooms/saved-a/saved/")).toEqual([1, 2] as never);
  const first = await by(ben, "GET /saved/?limit=2");
  expect(first.body).toHaveLength(2);
  const next = /^<(.+)>; rel="next"$/.exec(first.headers.get("link") ?? "")?.[1];
  const second = await by(ben, `GET ${next}`);
  expect(second.body).toMatchObject([{ room: "saved-a", id: 2 }]);
  expect(second.headers.get("link")).toBeNull();
  expect(await statusOf(ben, `DELETE ${path("saved-b", 1)}`)).toBe(204);
  await by(ada, "PATCH /rooms/saved-a/messages/1/", { content: "one, but better" });
  await by(ada, "DELETE /rooms/saved-a/messages/2/");
  expect(await saved(ben)).toEqual(["saved-a: one, but better"]);
  expect(await statusOf(ben, `PUT ${path("saved-a", 2)}`)).toBe("404 not_found");
  expect(await statusOf(ben, `PUT ${path("saved-a", 0)}`)).toBe("400 invalid");
});

test("what someone saved in a room that they lost is hidden until they are back, and they can still remove it", async () => {
  const { body } = await by(ada, "POST /rooms/", { title: "Tea", people: ["@cy"] });
  const room = String(body.room);
  const members = `/rooms/${encodeURIComponent(room)}/members/@cy/`;
  const [first, second] = [await say(ada, room, "first"), await say(ada, room, "second")];
  for (const id of [first, second]) await by(cy, `PUT ${path(room, id)}`);
  expect(await saved(cy)).toEqual([`${room}: second`, `${room}: first`]);
  await by(ada, `DELETE ${members}`);
  expect(await saved(cy)).toEqual([]);
  expect(await statusOf(cy, `PUT ${path(room, first)}`)).toBe("403 forbidden");
  expect(await statusOf(cy, `GET /rooms/${encodeURIComponent(room)}/saved/`)).toBe("403 forbidden");
  expect(await statusOf(eve, `PUT ${path(room, first)}`)).toBe("404 not_found");
  expect(await statusOf(cy, `DELETE ${path(room, first)}`)).toBe(204);
  await by(ada, `PUT ${members}`, {});
  expect(await saved(cy)).toEqual([`${room}: second`]);
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { operator, roomCalls, startRooms } from "./roomcalls.ts";

// Pinned messages, over HTTP and chat.v1. Each test has its own rooms.

let server: TestServer;
let ada: Person;
let ben: Person;
let cy: Person;

beforeAll(async () => {
  ({
    server,
    people: [ada, ben, cy],
  } = await startRooms());
}, START_MS);
afterAll(() => server.stop());

const { by, statusOf, rowsOf } = roomCalls(() => server);

/** Creates a private room of Ada, with Ben in it. Returns its name and path. */
async function create(history = "all") {
  const { body } = await by(ada, "POST /rooms/", { title: "Tea", history, people: ["@ben"] });
  const room = String(body.room);
  return { room, path: `/rooms/${encodeURIComponent(room)}` };
}
const say = async (person: Person, path: string, content: string) =>
  Number((await by(person, `POST ${path}/messages/`, { content })).body.id);
const pinned = async (person: Person, path: string) =>
  (await rowsOf(person, `GET ${path}/pins/`)).map(({ content, pinned }) => [
    content,
    (pinned as { by: { username: string } }).by.username,
  ]);

test("a moderator pins a message: everyone gets the notice, and the list shows it until it is deleted", async () => {
  const { room, path } = await create();
  const [first, second] = [await say(ben, path, "first"), await say(ada, path, "second")];
  const socket = await connect(server, { token: ben.token });
  await socket.ask({ type: "join", room });
  expect(await statusOf(ben, `PUT ${path}/pins/${first}/`)).toBe("403 forbidden");
  expect((await by(ada, `PUT ${path}/pins/${first}/`)).body).toMatchObject({ id: 4, version: 4, room });
  expect(await socket.next("notice")).toMatchObject({
    by: { username: "ada" },
    notice: { type: "pinned", users: [], message: first },
  });
  // Once more changes nothing, and neither does unpinning what is not pinned.
  expect((await by(ada, `PUT ${path}/pins/${first}/`)).body).toMatchObject({ id: 0, version: 4 });
  expect((await by(ada, `DELETE ${path}/pins/${second}/`)).body).toMatchObject({ id: 0, version: 4 });
  await by(operator, `PUT /admin${path}/pins/${second}/`);
  expect(await pinned(ben, path)).toEqual([
    ["second", "parley"],
    ["first", "ada"],
  ]);
  expect(await statusOf(cy, `GET ${path}/pins/`)).toBe("404 not_found");
  await by(ben, `DELETE ${path}/messages/${first}/`);
  await by(operator, `DELETE /admin${path}/pins/${second}/`);
  expect(await pinned(ben, path)).toEqual([]);
  // What someone was told stays true: a late repeat does not pin again.
  socket.close();
});

test("pins over chat.v1 are idempotent by their client id, and refused with a code if they cannot be", async () => {
  const { room, path } = await create();
  const id = await say(ada, path, "hello");
  const socket = await connect(server, { token: ada.token });
  const clientId = crypto.randomUUID();
  const pin = { type: "pin", room, clientId, id, on: true };
  expect(await socket.ask(pin)).toMatchObject({ type: "ok", id: 3, version: 3 });
  await by(ada, `DELETE ${path}/pins/${id}/`);
  expect(await socket.ask(pin)).toMatchObject({ type: "ok", id: 3, version: 3, duplicate: true });
  expect(await pinned(ada, path)).toEqual([]);
  expect(await socket.ask({ ...pin, on: false })).toMatchObject({ type: "error", code: "client_id_reused" });
  const fresh = (more: object) => socket.ask({ ...pin, clientId: crypto.randomUUID(), ...more });
  expect(await fresh({ id: 99 })).toMatchObject({ code: "not_found" });
  expect(await fresh({ id: 1 })).toMatchObject({ code: "notice_fixed" });
  await by(ada, `DELETE ${path}/messages/${id}/`);
  expect(await fresh({})).toMatchObject({ code: "not_found" });
  await by(ada, `PATCH ${path}/`, { archived: true });
  expect(await fresh({})).toMatchObject({ code: "archived" });
  socket.close();
});

test("someone who sees only what follows their arrival sees no earlier pin, and someone who was removed sees none", async () => {
  const { path } = await create("joined");
  const id = await say(ada, path, "before");
  await by(ada, `PUT ${path}/pins/${id}/`);
  await by(ada, `PUT ${path}/members/@cy/`, { role: "moderator" });
  expect(await pinned(cy, path)).toEqual([]);
  expect(await statusOf(cy, `DELETE ${path}/pins/${id}/`)).toBe("404 not_found");
  expect(await pinned(ben, path)).toEqual([["before", "ada"]]);
  await by(ada, `DELETE ${path}/members/@ben/`);
  expect(await statusOf(ben, `GET ${path}/pins/`)).toBe("403 forbidden");
});

test("the people of a direct room pin its messages; in open rooms only operators do", async () => {
  const { body } = await by(ada, "PUT /direct/", { people: ["@cy"] });
  const direct = `/rooms/${encodeURIComponent(String(body.room))}`;
  const id = await say(ada, direct, "our secret");
  expect(await statusOf(cy, `PUT ${direct}/pins/${id}/`)).toBe(200);
  await by(ada, "PUT /blocks/@cy/");
  for (const one of [ada, cy])
    expect(await statusOf(one, `DELETE ${direct}/pins/${id}/`)).toBe("403 forbidden");
  await by(ada, "DELETE /blocks/@cy/");
  const open = "/rooms/pins-open";
  await say(ada, open, "for all");
  expect(await statusOf(ada, `PUT ${open}/pins/1/`)).toBe("403 forbidden");
  expect(await statusOf(operator, `PUT /admin${open}/pins/1/`)).toBe(200);
  expect(await pinned(cy, open)).toEqual([["for all", "parley"]]);
});

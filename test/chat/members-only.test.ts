import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Answer, api } from "../support/api.ts";
import { connect, connectPlain } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { handshake } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { ADMIN_TOKEN } from "./ways.ts";

// ROOM_ACCESS=members: open rooms, too, are for those whom a backend makes members.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  server = await startTestServer({ ROOM_ACCESS: "members", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN });
  [ada, ben] = (await Promise.all(["ada", "ben"].map((name) => register(server, name)))) as [Person, Person];
}, START_MS);
afterAll(() => server.stop());

const codeOf = ({ body }: Answer) => (body as { code?: string }).code;
const call = ({ token }: Person, target: string, body?: unknown) => api(server, target, { token, body });
const admin = (target: string, body?: unknown) => api(server, target, { token: ADMIN_TOKEN, body });
const namesOf = ({ body }: Answer) => (body as { room: string }[]).map(({ room }) => room);

/** Tries everything that a person can do in a room that they are not in, and returns the refusals. */
async function refusals(person: Person, room: string) {
  const { token } = person;
  const answers = [
    await call(person, `GET /history/${room}/`),
    await call(person, `GET /rooms/${room}/`),
    await call(person, `GET /rooms/${room}/members/`),
    await call(person, `POST /rooms/${room}/messages/`, { content: "let me in" }),
    await call(person, `PUT /rooms/${room}/members/me/`, { pinned: true }),
    await call(person, `PUT /rooms/${room}/members/@${person.username}/`, {}),
  ];
  const plain = await handshake(server, `/ws/chat/${room}/?token=${token}`);
  plain.connection.end();
  const socket = await connect(server, { token });
  const clientId = crypto.randomUUID();
  const replies = [
    await socket.ask({ type: "join", room }),
    await socket.ask({ type: "history", room }),
    await socket.ask({ type: "send", room, clientId, content: "let me in" }),
    await socket.ask({ type: "read", room, id: 1 }),
    await socket.ask({ type: "typing", room }),
  ];
  socket.close();
  const own = await connect(server, { token, room });
  return [
    ...answers.map(codeOf),
    plain.status,
    ...replies.map(({ code }) => code),
    (await own.next("error")).code,
  ];
}

const CLOSED = [
  ...Array.from({ length: 6 }, () => "forbidden"),
  403,
  ...Array.from({ length: 6 }, () => "forbidden"),
];

test("nobody enters, finds or creates a room unless a backend made them a member, and then they can do everything", async () => {
  expect(await refusals(ada, "Dock")).toEqual(CLOSED);
  // A room that others are in looks the same as one that does not exist.
  expect((await admin("PUT /admin/rooms/Dock/members/", { users: ["@ben"] })).status).toBe(200);
  expect((await call(ben, "POST /rooms/Dock/messages/", { content: "hello" })).status).toBe(201);
  expect(await refusals(ada, "Dock")).toEqual(CLOSED);
  for (const query of ["", "?all", "?like=dock", "?order=activity"])
    expect([query, namesOf(await call(ada, `GET /rooms/${query}`))]).toEqual([query, []]);
  expect(namesOf(await call(ben, "GET /rooms/?all"))).toEqual(["Dock"]);
  expect(namesOf(await call(ben, "GET /rooms/?like=D0CK"))).toEqual(["Dock"]);

  const watching = await connect(server, { token: ada.token });
  expect(await watching.ask({ type: "watch", on: true })).toMatchObject({ type: "ok" });
  expect((await admin("PUT /admin/rooms/Dock/members/@ada/", {})).status).toBe(200);
  expect(await watching.next("rooms")).toMatchObject({ room: "Dock", change: "added" });
  const [socket, plain] = [
    await connect(server, { token: ada.token, room: "Dock" }),
    await connectPlain(server, { token: ada.token, room: "Dock" }),
  ];
  expect(await socket.next("joined")).toMatchObject({ kind: "open", role: "member" });
  plain.send({ message: "in" });
  expect(await socket.next("message")).toMatchObject({ content: "in" });
  expect((await call(ada, "POST /rooms/Dock/messages/", { content: "and over HTTP" })).status).toBe(201);
  expect(await socket.next("message")).toMatchObject({ content: "and over HTTP" });
  expect((await call(ada, "GET /history/Dock/")).body).toHaveLength(3);
  expect(namesOf(await call(ada, "GET /rooms/?all"))).toEqual(["Dock"]);
  for (const each of [watching, socket, plain]) each.close();
});

test("someone who is removed, or leaves, does not come back by entering again", async () => {
  const users = ["@ada", "@ben"];
  const end: Record<string, () => Promise<Answer>> = {
    removed: () => admin("DELETE /admin/rooms/removed/members/@ada/"),
    left: () => call(ada, "DELETE /rooms/left/members/me/"),
  };
  for (const [room, leave] of Object.entries(end)) {
    await admin(`PUT /admin/rooms/${room}/members/`, { users });
    const socket = await connect(server, { token: ada.token, room });
    await socket.next("synced");
    // What the server knows of her by now is in its memory.
    expect((await call(ada, `GET /history/${room}/`)).status).toBe(200);
    expect((await leave()).status).toBeLessThan(300);
    const again = await connect(server, { token: ada.token, room });
    expect([room, (await socket.closed).code]).toEqual([room, room === "left" ? 4505 : 4503]);
    expect([room, (await again.closed).code]).toEqual([room, room === "left" ? 4505 : 4503]);
    expect([room, await refusals(ada, room)]).toEqual([room, CLOSED]);
    expect(namesOf(await call(ada, "GET /rooms/"))).not.toContain(room);
    const { body } = await admin(`GET /admin/rooms/${room}/members/`);
    expect(body).toMatchObject([{ username: "ben" }]);
  }
});

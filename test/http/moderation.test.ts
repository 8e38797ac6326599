import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { operator, roomCalls, type Row, startRooms } from "./roomcalls.ts";

// Blocks, reports, links to rooms, and what operators remove. Each test has its own rooms.

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

const say = async (person: Person, path: string, content: string) => {
  const { status, body } = await by(person, `POST ${path}/messages/`, { content });
  return typeof status === "number" && status < 300 ? Number(body.id) : status;
};
const textsOf = async (person: Person, path: string) =>
  (await rowsOf(person, `GET ${path.replace("/rooms/", "/history/")}/`)).map(({ content }) => content);

test("people list whom they block", async () => {
  for (const _ of ["once", "again"]) expect(await statusOf(ben, "PUT /blocks/@ada/")).toBe(204);
  expect(await statusOf(ben, "PUT /blocks/@cy/")).toBe(204);
  const { headers, body } = await by(ben, "GET /blocks/?limit=1");
  const next = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  const listed = [...(body as unknown as Row[]), ...(await rowsOf(ben, `GET ${next}`))];
  expect(listed.map(({ user }) => (user as Row).username).sort()).toEqual(["ada", "cy"]);
  expect(await rowsOf(ada, "GET /blocks/")).toEqual([]);
  for (const name of ["ada", "cy"]) expect(await statusOf(ben, `DELETE /blocks/@${name}/`)).toBe(204);
  expect(await rowsOf(ben, "GET /blocks/")).toEqual([]);
  expect(await statusOf(ben, "PUT /blocks/@nobody/")).toBe("404 not_found");
  // Nobody finds out who has an address.
  expect(await statusOf(ben, "PUT /blocks/mailto:ada@example.com/")).toBe("404 not_found");
  expect(await statusOf(ben, "PUT /blocks/me/")).toBe("400 invalid");
});

test("operators see what was reported as it was then, and resolve it", async () => {
  const path = "/rooms/reported";
  const id = (await say(ben, path, "an insult")) as number;
  const report = (person: Person, message: number, reason: unknown = "rude") =>
    statusOf(person, `POST ${path}/messages/${message}/report/`, { reason });
  for (const _ of ["once", "again"]) expect(await report(eve, id)).toBe(204);
  expect(await statusOf(ben, `PATCH ${path}/messages/${id}/`, { content: "nothing to see" })).toBe(200);
  expect(await statusOf(ben, `DELETE ${path}/messages/${id}/`)).toBe(200);
  for (const message of [id, 99]) expect(await report(ada, message)).toBe("404 not_found");
  expect(await statusOf(ada, "POST /rooms/nowhere/messages/1/report/", { reason: "x" })).toBe(
    "404 not_found",
  );
  for (const reason of [null, "", " ", "x".repeat(501), 7])
    expect(await report(eve, id, reason)).toBe("400 invalid");
  expect(await statusOf(ben, `GET ${path}/reports/`)).toBe("403 forbidden");

  const [entry] = await rowsOf(operator, "GET /admin/reports/");
  expect(entry).toMatchObject({
    room: "reported",
    reason: "rude",
    by: { username: "eve" },
    message: { id, version: id, content: "an insult", sender: { username: "ben" } },
    resolved: null,
  });
  const resolve = (target: string) => statusOf(operator, target, { resolution: "warned" });
  expect(await resolve(`PATCH /admin/reports/${entry?.id}/?reason=rules`)).toBe(204);
  expect(await resolve("PATCH /admin/reports/x/")).toBe("404 not_found");
  expect(await resolve(`PATCH /admin/reports/${crypto.randomUUID()}/`)).toBe("404 not_found");
  expect(await rowsOf(operator, "GET /admin/reports/")).toEqual([]);
  expect(await rowsOf(operator, "GET /admin/reports/?all")).toMatchObject([
    { resolved: { by: { username: "parley" }, resolution: "warned" } },
  ]);
  expect(await rowsOf(operator, "GET /admin/audit/?limit=1")).toMatchObject([
    { action: "report.resolve", actor: "ADMIN_TOKEN", address: "127.0.0.1", via: "http", messageId: id },
  ]);

  for (const content of ["one", "two", "three"]) await report(eve, (await say(ben, path, content)) as number);
  const { headers, body } = await by(operator, "GET /admin/reports/?limit=2");
  const textsIn = (reports: Row[]) => reports.map(({ message }) => (message as Row).content);
  expect(textsIn(body as unknown as Row[])).toEqual(["three", "two"]);
  const next = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  expect(textsIn(await rowsOf(operator, `GET ${next}`))).toEqual(["one"]);
});

test("tokens that nobody made lead nowhere, and wrong requests for links are refused", async () => {
  for (const token of ["x", "x".repeat(32), "x".repeat(128)])
    expect(await statusOf(eve, "POST /invitations/", { token })).toBe("404 not_found");
  expect(await statusOf(eve, "POST /invitations/", { token: "x".repeat(129) })).toBe("400 invalid");
  expect(await statusOf(eve, "GET /invitations/")).toBe("405 method_not_allowed");
  expect(await statusOf(ada, "POST /rooms/reported/invitations/", { expiresIn: 60 })).toBe("403 forbidden");
  for (const wrong of [{ expiresIn: 59 }, { expiresIn: 2_592_001 }, { expiresIn: 60, maxUses: 0 }, {}])
    expect(await statusOf(ada, "POST /rooms/reported/invitations/", wrong)).toBe("400 invalid");
});

test("an operator purges a person in all rooms, as often as they like", async () => {
  const mallory = await register(server, "mallory");
  const path = "/rooms/also-spammed";
  for (const room of [path, "/rooms/spammed"])
    for (const text of ["spam", "more"]) await say(mallory, room, text);
  const id = await say(ada, "/rooms/spammed", "kept");
  await by(mallory, `PUT /rooms/spammed/messages/${id}/reactions/${encodeURIComponent("👍")}/`);
  await statusOf(mallory, `DELETE ${path}/members/me/`);
  const purge = async () =>
    (await by(operator, "POST /admin/users/@mallory/purge/?reason=spam")).body as object;
  expect(await purge()).toEqual({ messages: 4, reactions: 1, more: false });
  expect(await purge()).toEqual({ messages: 0, reactions: 0, more: false });
  expect(await textsOf(ada, path)).toEqual(["", ""]);
  expect(await rowsOf(ada, "GET /history/spammed/")).toMatchObject([
    { content: "" },
    { content: "" },
    { content: "kept" },
  ]);
  expect(JSON.stringify(await rowsOf(ada, "GET /history/spammed/"))).not.toContain("👍");
  expect(await statusOf(operator, "POST /admin/users/@nobody/purge/")).toBe("404 not_found");
});

test("an operator deletes a room, and a new life of it shows nothing of the one before", async () => {
  const [path, room] = ["/rooms/doomed", "doomed"];
  const key = crypto.randomUUID();
  await by(ada, `POST ${path}/messages/`, { content: "secret", clientId: key });
  await say(ben, path, "too");
  const socket = await connect(server, { token: ben.token });
  await socket.ask({ type: "join", room });
  const joined = await socket.next("joined");
  await socket.next("synced");
  expect(await statusOf(operator, `DELETE /admin${path}/?reason=law`)).toBe(200);
  const left = await socket.next("left");
  expect(left).toMatchObject({ room, code: 4506 });
  expect((await rowsOf(ada, "GET /rooms/?all&limit=200")).map((listed) => listed.room)).not.toContain(room);
  expect((await rowsOf(ben, "GET /rooms/?limit=200")).map((listed) => listed.room)).not.toContain(room);
  expect(await rowsOf(operator, "GET /admin/audit/?limit=1")).toMatchObject([
    { action: "room.delete", room, reason: "law" },
  ]);

  expect(await rowsOf(ada, "GET /history/doomed/")).toEqual([]);
  // A late retry is still the message that it was, and a new one begins the new life.
  expect(await by(ada, `POST ${path}/messages/`, { content: "secret", clientId: key })).toMatchObject({
    body: { duplicate: true, id: 1 },
  });
  const id = Number(await say(ada, path, "a new life"));
  expect(id).toBeGreaterThan(3);
  const since = `${joined.epoch}.${joined.version}`;
  await socket.ask({ type: "join", room, since });
  expect(await socket.next("joined")).toMatchObject({ resumed: false });
  for (const person of [ada, cy]) expect(await textsOf(person, path)).toEqual(["a new life"]);
  expect(await statusOf(ada, `POST ${path}/messages/1/report/`, { reason: "old" })).toBe("404 not_found");
  socket.close();
});

test("a report keeps what was known of the files, also after the message is deleted", async () => {
  const path = "/rooms/reported-files";
  await say(ben, path, "hello");
  const response = await fetch(`${server.url}${path}/files/${crypto.randomUUID()}/?name=insult.txt`, {
    method: "PUT",
    headers: { authorization: `Bearer ${ben.token}` },
    body: "an insult",
  });
  const file = (await response.json()) as { id: string };
  const body = { content: "", files: [{ id: file.id, alt: "Rude" }] };
  const sent = await api(server, `POST ${path}/messages/`, { token: ben.token, body });
  const { id } = sent.body as { id: number };
  expect(await statusOf(eve, `POST ${path}/messages/${id}/report/`, { reason: "rude" })).toBe(204);
  await statusOf(ben, `DELETE ${path}/messages/${id}/`);
  const entry = (await rowsOf(operator, "GET /admin/reports/")).find(({ room }) => room === "reported-files");
  expect(entry).toMatchObject({ message: { content: "", files: [{ ...file, alt: "Rude" }] } });
  const resolution = { resolution: "warned" };
  expect(await statusOf(operator, `PATCH /admin/reports/${entry?.id}/`, resolution)).toBe(204);
});

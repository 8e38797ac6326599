import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { operator, roomCalls, type Row, startRooms } from "./roomcalls.ts";

// Blocks, reports and links in private and direct rooms. Each test has its own rooms.

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

/** Creates a private room. Returns its path. */
async function create(owner: Person, ...others: Person[]): Promise<string> {
  const { status, body } = await by(owner, "POST /rooms/", {
    title: "Tea",
    people: others.map(({ username }) => `@${username}`),
    clientId: crypto.randomUUID(),
  });
  expect(status).toBe(201);
  return `/rooms/${encodeURIComponent(String(body.room))}`;
}
const say = async (person: Person, path: string, content: string) => {
  const { status, body } = await by(person, `POST ${path}/messages/`, { content });
  return typeof status === "number" && status < 300 ? Number(body.id) : status;
};
const textsOf = async (person: Person, path: string) =>
  (await rowsOf(person, `GET ${path.replace("/rooms/", "/history/")}/`)).map(({ content }) => content);

test("two people who block each other cannot post to each other, but both still read", async () => {
  const { body } = await by(ada, "PUT /direct/", { people: ["@ben"] });
  const path = `/rooms/${encodeURIComponent(String(body.room))}`;
  const three = await create(ada, ben, cy);
  const socket = await connect(server, { token: ben.token });
  expect(await socket.ask({ type: "join", room: decodeURIComponent(path.slice(7)) })).toMatchObject({
    type: "ok",
  });
  expect(await say(ada, path, "hello")).toBeNumber();

  for (const _ of ["once", "again"]) expect(await statusOf(ben, "PUT /blocks/@ada/")).toBe(204);
  for (const person of [ada, ben]) expect(await say(person, path, "blocked")).toBe("403 forbidden");
  const room = decodeURIComponent(path.slice(7));
  expect(
    await socket.ask({ type: "send", room, clientId: crypto.randomUUID(), content: "blocked" }),
  ).toMatchObject({ type: "error", code: "forbidden" });
  for (const person of [ada, ben]) expect(await textsOf(person, path)).toEqual(["hello"]);
  expect(await rowsOf(ben, "GET /blocks/")).toEqual([
    { user: { id: expect.any(String), username: "ada" }, since: expect.any(String) } as never,
  ]);
  expect(await rowsOf(ada, "GET /blocks/")).toEqual([]);

  // No other room of theirs changes, but nobody who is blocked brings the two together again.
  expect(await say(ada, three, "all three")).toBeNumber();
  expect(await statusOf(ada, "PUT /direct/", { people: ["@ben", "@eve"] })).toBe("403 forbidden");
  expect(await statusOf(eve, "PUT /direct/", { people: ["@ada", "@ben"] })).toBe("403 forbidden");
  const own = await create(ada);
  expect(await statusOf(ada, `PUT ${own}/members/@ben/`, {})).toBe("403 forbidden");
  expect(await statusOf(ada, `PUT ${own}/members/@cy/`, {})).not.toBe("403 forbidden");

  expect(await statusOf(ben, "DELETE /blocks/@ada/")).toBe(204);
  expect(await say(ada, path, "again")).toBeNumber();
  expect(await statusOf(ben, "PUT /blocks/@nobody/")).toBe("404 not_found");
  expect(await statusOf(ben, "PUT /blocks/mailto:ada@example.com/")).toBe("404 not_found");
  expect(await statusOf(ben, "PUT /blocks/me/")).toBe("400 invalid");
  socket.close();
});

test("someone who is blocked adds the one who blocks them to nothing; rooms of three that others make stay open", async () => {
  expect(await statusOf(ben, "PUT /blocks/@eve/")).toBe(204);
  const path = await create(eve, cy);
  const ways: readonly (readonly [string, object])[] = [
    ["POST /rooms/", { people: ["@ben"] }],
    ["POST /rooms/", { people: ["@cy", "@ben"] }],
    [`PUT ${path}/members/@ben/`, {}],
    ["PUT /direct/", { people: ["@ben"] }],
    ["PUT /direct/", { people: ["@ben", "@cy"] }],
  ];
  const roomsOf = async () => (await rowsOf(ben, "GET /rooms/")).map(({ room: name }) => name);
  const before = await roomsOf();
  for (const [target, body] of ways) expect(await statusOf(eve, target, body)).toBe("403 forbidden");
  // Not even as an owner who appoints them, nor over a socket.
  expect(await statusOf(eve, `PUT ${path}/members/@ben/`, { role: "owner" })).toBe("403 forbidden");
  const socket = await connect(server, { token: eve.token });
  const room = decodeURIComponent(path.slice(7));
  const added = { type: "member", room, clientId: crypto.randomUUID(), user: "@ben", set: "in" };
  expect(await socket.ask(added)).toMatchObject({ code: "forbidden" });
  socket.close();
  expect(await roomsOf()).toEqual(before);

  // What the documents admit: someone else may add both, and whoever blocks may come by themselves.
  expect(await statusOf(eve, `PUT ${path}/members/@cy/`, { role: "moderator" })).toBe(200);
  expect(await statusOf(cy, `PUT ${path}/members/@ben/`, {})).toBe(200);
  expect(await say(eve, path, "hello, Ben")).toBeNumber();
  expect(await textsOf(ben, path)).toContain("hello, Ben");
  const other = await create(eve);
  const link = (await by(eve, `POST ${other}/invitations/`, { expiresIn: 3600 })).body as unknown as {
    token: string;
  };
  expect(await statusOf(ben, "POST /invitations/", { token: link.token })).toBe(200);
  expect(await statusOf(ben, "DELETE /blocks/@eve/")).toBe(204);
});

test("moderators see what was reported as it was then, and resolve it", async () => {
  const path = await create(ada, ben, eve);
  const id = (await say(ben, path, "an insult")) as number;
  const report = (person: Person, message: number, reason: unknown = "rude") =>
    statusOf(person, `POST ${path}/messages/${message}/report/`, { reason } as object);
  for (const _ of ["once", "again"]) expect(await report(eve, id)).toBe(204);
  expect(await by(ben, `PATCH ${path}/messages/${id}/`, { content: "nothing to see" })).toMatchObject({
    status: 200,
  });
  expect(await statusOf(ben, `DELETE ${path}/messages/${id}/`)).toBe(200);
  expect(await report(ada, id)).toBe("404 not_found");
  expect(await report(ada, 1)).toBe("404 not_found"); // a notice
  expect(await report(ada, 99)).toBe("404 not_found");
  for (const reason of [null, "", " ", "x".repeat(501), 7])
    expect(await report(eve, id, reason)).toBe("400 invalid");
  expect(await report(cy, id)).toBe("404 not_found"); // a stranger

  expect(await statusOf(ben, `GET ${path}/reports/`)).toBe("403 forbidden");
  expect(await statusOf(cy, `GET ${path}/reports/`)).toBe("404 not_found");
  const [entry, ...others] = await rowsOf(ada, `GET ${path}/reports/`);
  expect(others).toEqual([]);
  expect(entry).toMatchObject({
    reason: "rude",
    by: { username: "eve" },
    message: { id, version: id, content: "an insult", sender: { username: "ben" } },
    resolved: null,
  });
  expect(await rowsOf(operator, "GET /admin/reports/")).toContainEqual(entry as Row);
  const resolve = (person: { token: string }, target: string) =>
    statusOf(person, target, { resolution: "warned" });
  expect(await resolve(ben, `PATCH ${path}/reports/${entry?.id}/`)).toBe("403 forbidden");
  expect(await resolve(ada, `PATCH ${path}/reports/x/`)).toBe("404 not_found");
  expect(await resolve(ada, `PATCH ${path}/reports/${entry?.id}/`)).toBe(204);
  expect(await rowsOf(ada, `GET ${path}/reports/`)).toEqual([]);
  expect(await rowsOf(ada, `GET ${path}/reports/?all`)).toMatchObject([
    { resolved: { by: { username: "ada" }, resolution: "warned" } },
  ]);
  expect(await rowsOf(operator, "GET /admin/audit/?limit=1")).toMatchObject([
    { action: "report.resolve", actor: "ada", address: "127.0.0.1", via: "http", username: "ben" },
  ]);

  for (const content of ["one", "two", "three"]) await report(eve, (await say(ben, path, content)) as number);
  const { headers, body } = await by(ada, `GET ${path}/reports/?limit=2`);
  expect((body as unknown as Row[]).map(({ message }) => (message as Row).content)).toEqual(["three", "two"]);
  const next = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  expect((await rowsOf(ada, `GET ${next}`)).map(({ message }) => (message as Row).content)).toEqual(["one"]);
});

test("a moderator deletes a member's message, and the audit has who did it and from where", async () => {
  const path = await create(ada, ben, eve);
  expect(await statusOf(ada, `PUT ${path}/members/@eve/`, { role: "moderator" })).toBe(200);
  const [theirs, owners] = [await say(ben, path, "spam"), await say(ada, path, "by the owner")];
  expect(await statusOf(ben, `DELETE ${path}/messages/${owners}/`)).toBe("403 forbidden");
  expect(await statusOf(eve, `DELETE ${path}/messages/${owners}/`)).toBe("403 forbidden");
  for (const _ of ["once", "again"])
    expect(await statusOf(eve, `DELETE ${path}/messages/${theirs}/`)).toBe(200);
  expect(await textsOf(ben, path)).toEqual(["", "by the owner"]);
  const second = await say(ben, path, "more spam");
  const socket = await connect(server, { token: eve.token });
  const room = decodeURIComponent(path.slice(7));
  const reply = await socket.ask({ type: "delete", room, clientId: crypto.randomUUID(), id: second });
  expect(reply).toMatchObject({ type: "ok" });
  socket.close();
  expect(await rowsOf(operator, "GET /admin/audit/?limit=2")).toMatchObject([
    { action: "message.delete", via: "socket", actor: "eve", address: "127.0.0.1", messageId: second, room },
    {
      action: "message.delete",
      via: "http",
      actor: "eve",
      address: "127.0.0.1",
      messageId: theirs,
      username: "ben",
    },
  ]);
});

test("what a moderator changes over a socket is in the audit as it is over HTTP, with the address", async () => {
  const socket = await connect(server, { token: ada.token });
  /** What the audit says after each change was made in a room of its own. */
  const recorded = async (change: (path: string, made: (typeof CHANGES)[number]) => Promise<void>) => {
    const path = await create(ada, ben);
    for (const made of CHANGES) await change(path, made);
    const entries = await rowsOf(operator, `GET /admin/audit/?limit=${CHANGES.length}`);
    return entries.map(({ action, actor, address, username, target, via }) => ({
      what: { action, actor, address, username, target },
      via,
    }));
  };
  const bySocket = await recorded(async (path, [frame]) => {
    const room = decodeURIComponent(path.slice(7));
    const about = { room, clientId: crypto.randomUUID(), ...("set" in frame && { user: "@ben" }) };
    expect(await socket.ask({ ...about, ...frame })).toMatchObject({ type: "ok" });
  });
  const byHttp = await recorded(async (path, [, target, body]) => {
    expect(await statusOf(ada, target.replace("/", `${path}/`), body ?? {})).toBe(200);
  });
  socket.close();
  expect(bySocket.map(({ what }) => what)).toEqual(byHttp.map(({ what }) => what));
  expect(bySocket.map(({ what }) => what.action)).toEqual([
    "room.change",
    "user.unban",
    "user.ban",
    "member.role",
    "user.unmute",
    "user.mute",
  ]);
  for (const { what, via } of bySocket)
    expect([what.actor, what.address, via]).toEqual(["ada", "127.0.0.1", "socket"]);
});

/** Changes that moderators make, over a socket and over HTTP. */
const CHANGES: readonly (readonly [frame: object, target: string, body?: object])[] = [
  [{ type: "member", set: "muted" }, "PUT /mutes/@ben/"],
  [{ type: "member", set: "unmuted" }, "DELETE /mutes/@ben/"],
  [{ type: "member", set: "role", role: "moderator" }, "PUT /members/@ben/", { role: "moderator" }],
  [{ type: "member", set: "banned" }, "PUT /bans/@ben/"],
  [{ type: "member", set: "unbanned" }, "DELETE /bans/@ben/"],
  [{ type: "room", archived: true }, "PATCH /", { archived: true }],
];

test("those who may ban people list the bans of a room, with who banned whom and when", async () => {
  const path = await create(ada, ben, cy, eve);
  const list = `GET ${path}/bans/`;
  expect(await rowsOf(ada, list)).toEqual([]);
  expect(await statusOf(ben, list)).toBe("403 forbidden");
  expect(await statusOf(ada, `PUT ${path}/members/@ben/`, { role: "moderator" })).toBe(200);
  expect(await statusOf(ben, `PUT ${path}/bans/@cy/`)).toBe(200);
  expect(await statusOf(operator, `PUT /admin${path}/bans/eve/`)).toBe(204);
  expect(await statusOf(cy, list)).toBe("403 forbidden");
  const bans = [
    { user: { username: "cy" }, by: { username: "ben" }, since: expect.any(String) },
    { user: { username: "eve" }, by: { username: "parley" }, since: expect.any(String) },
  ];
  expect(await rowsOf(ben, list)).toMatchObject(bans);
  expect(await rowsOf(operator, `GET /admin${path}/bans/`)).toEqual(await rowsOf(ben, list));

  const { headers, body } = await by(ada, `${list}?limit=1`);
  expect(body).toMatchObject(bans.slice(0, 1));
  const next = /^<(.+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
  expect(await rowsOf(ada, `GET ${next}`)).toMatchObject(bans.slice(1));
  expect((await by(ada, `${list}?limit=2`)).headers.get("link")).toBeNull();

  expect(await statusOf(ben, `DELETE ${path}/bans/@cy/`)).toBe(200);
  expect(await statusOf(ben, `PUT ${path}/bans/@cy/`)).toBe(200);
  expect(await statusOf(ada, `DELETE ${path}/bans/@eve/`)).toBe(200);
  expect(await rowsOf(ada, list)).toMatchObject([{ user: { username: "cy" }, by: { username: "ben" } }]);
  // Rights that were taken end the list, too.
  expect(await statusOf(ada, `PUT ${path}/members/@ben/`, { role: "member" })).toBe(200);
  expect(await statusOf(ben, list)).toBe("403 forbidden");
  const direct = (await by(ada, "PUT /direct/", { people: ["@ben"] })).body as unknown as { room: string };
  expect(await statusOf(ada, `GET /rooms/${direct.room}/bans/`)).toBe("409 direct_room");
  expect(await statusOf(ada, "GET /rooms/never-heard-of/bans/")).toBe("403 forbidden");
});

test("a link lets people in until it ends, and every token that does not work looks the same", async () => {
  const path = await create(ada, cy);
  const invite = async (more: object = {}, person = ada) => {
    const { status, body } = await by(person, `POST ${path}/invitations/`, { expiresIn: 3600, ...more });
    expect(status).toBe(201);
    return body as Row & { token: string };
  };
  const redeem = (person: Person, token: string) => by(person, "POST /invitations/", { token });
  const link = await invite({ maxUses: 1 });
  expect(link.token).toMatch(/^[\w-]{32}$/);
  expect(link).toMatchObject({ uses: 0, maxUses: 1, by: { username: "ada" } });
  const listed = await by(ada, `GET ${path}/invitations/`);
  expect(listed.body).toMatchObject([{ id: link.id }]);
  expect(JSON.stringify(listed.body)).not.toContain(link.token);

  const dead = async (person: Person, token: string) => {
    const { status, body, headers } = await redeem(person, token);
    return JSON.stringify([status, body, [...headers].filter(([name]) => name !== "date")]);
  };
  const nothing = await dead(ben, "x".repeat(32));
  expect(nothing).toStartWith('["404 not_found"');
  const joined = await redeem(ben, link.token);
  expect(joined).toMatchObject({ status: 200, body: { room: decodeURIComponent(path.slice(7)) } });
  // A member loses nothing by using it again, not even if it is used up.
  expect(await redeem(ben, link.token)).toMatchObject({ status: 200, body: { id: 0 } });
  expect(await dead(eve, link.token)).toBe(nothing); // used up

  const open = await invite();
  expect(await statusOf(ben, `GET ${path}/invitations/`)).toBe("403 forbidden");
  expect(await statusOf(ben, `POST ${path}/invitations/`, { expiresIn: 3600 })).toBe("403 forbidden");
  expect(await statusOf(eve, `POST ${path}/invitations/`, { expiresIn: 3600 })).toBe("404 not_found");
  expect(await statusOf(eve, `GET /invitations/`)).toBe("405 method_not_allowed");
  // Someone who was removed needs a newer link. A ban overrides every link.
  expect(await statusOf(ada, `DELETE ${path}/members/@ben/`)).toBe(200);
  expect(await dead(ben, open.token)).toBe(nothing);
  expect(await redeem(ben, (await invite()).token)).toMatchObject({ status: 200 });
  expect(await statusOf(ada, `PUT ${path}/bans/@eve/`)).toBe(200);
  expect(await redeem(eve, open.token)).toMatchObject({ status: "403 forbidden" });
  expect(await statusOf(ada, `DELETE ${path}/bans/@eve/`)).toBe(200);

  expect(await statusOf(ada, `DELETE ${path}/invitations/${open.id}/`)).toBe(204);
  expect(await statusOf(ada, `DELETE ${path}/invitations/${open.id}/`)).toBe("404 not_found");
  expect(await dead(eve, open.token)).toBe(nothing); // revoked

  // Members may create links if the room says so. Their links end with their membership, if someone ends it.
  expect(await statusOf(ada, `PATCH ${path}/`, { membersAdd: true })).toBe(200);
  const theirs = await invite({}, cy);
  const others = await invite();
  expect((await rowsOf(cy, `GET ${path}/invitations/`)).map(({ id }) => id)).toEqual([theirs.id]);
  expect(await statusOf(cy, `DELETE ${path}/invitations/${others.id}/`)).toBe("404 not_found");
  expect(await statusOf(ada, `DELETE ${path}/members/@cy/`)).toBe(200);
  expect(await dead(eve, theirs.token)).toBe(nothing);

  // A repeat is one link, with a new token.
  const clientId = crypto.randomUUID();
  const [first, second] = [await invite({ clientId }), await invite({ clientId })];
  expect(second.id).toBe(first.id);
  expect(await dead(eve, first.token)).toBe(nothing);
  for (const wrong of [{ expiresIn: 59 }, { expiresIn: 2_592_001 }, { maxUses: 0 }, {}])
    expect(
      await statusOf(ada, `POST ${path}/invitations/`, {
        ...(!("expiresIn" in wrong) && "maxUses" in wrong && { expiresIn: 60 }),
        ...wrong,
      }),
    ).toBe("400 invalid");
  expect(await redeem(eve, second.token)).toMatchObject({ status: 200 });
});

test("a private room that an operator deletes is gone for everyone", async () => {
  const path = await create(ada, ben);
  const room = decodeURIComponent(path.slice(7));
  await say(ben, path, "secret");
  const socket = await connect(server, { token: ben.token });
  await socket.ask({ type: "join", room });
  await socket.next("synced");
  expect(await statusOf(operator, `DELETE /admin${path}/?reason=law`)).toBe(200);
  expect(await socket.next("left")).toMatchObject({ room, code: 4506 });
  expect((await rowsOf(ben, "GET /rooms/?limit=200")).map((listed) => listed.room)).not.toContain(room);
  for (const person of [ada, ben, cy]) expect(await statusOf(person, `GET ${path}/`)).toBe("404 not_found");
  expect(await say(ada, path, "hello?")).toBe("404 not_found");
  socket.close();
});

test("the rooms of someone who deletes their account pass on to a moderator", async () => {
  const dora = await register(server, "dora");
  const path = await create(dora, ben, eve);
  expect(await statusOf(dora, `PUT ${path}/members/@eve/`, { role: "moderator" })).toBe(200);
  expect(await statusOf(dora, "DELETE /account/me/", { password: "correct horse battery" })).toBe(204);
  const roleOf = async () =>
    (await rowsOf(ben, `GET ${path}/members/`)).find(({ username }) => username === "eve")?.role;
  while ((await roleOf()) !== "owner") await Bun.sleep(100);
  expect(await rowsOf(ben, `GET ${path.replace("/rooms/", "/history/")}/?notices`)).toContainEqual(
    expect.objectContaining({
      by: expect.objectContaining({ id: "u_system" }),
      notice: expect.objectContaining({ type: "role", role: "owner" }),
    }) as never,
  );
}, 30_000);

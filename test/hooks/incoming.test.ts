import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { operator, roomCalls, startRooms } from "../http/roomcalls.ts";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

setDefaultTimeout(60_000);

// Secret URLs with which programs post in a room. Each test has its own room.

let server: TestServer;
let ada: Person;
let room: string;

beforeAll(async () => {
  ({
    server,
    people: [ada],
  } = await startRooms({ LOG_LEVEL: "trace", METRICS_TOKEN: "m".repeat(32) }));
}, START_MS);
afterAll(() => server.stop());
beforeEach(async () => {
  room = `r${crypto.randomUUID().slice(0, 8)}`;
  await by(ada, `POST /rooms/${room}/messages/`, { content: "first" });
});

const { by, statusOf, rowsOf } = roomCalls(() => server);
interface Created {
  readonly id: string;
  readonly path: string;
  readonly username: string;
}
const create = async (name = "CI", where = room) => {
  const { status, body } = await by(operator, "POST /incoming-hooks/", { room: where, name });
  expect(status).toBe(201);
  return body as unknown as Created;
};
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  api(server, `POST ${path}`, { body, headers });
/** Sends what Slack's own tools send, which the document describes only as JSON. */
const form = async (payload: string) => {
  const response = await fetch(server.url + path, { method: "POST", body: new URLSearchParams({ payload }) });
  return { status: response.status, body: await response.json() };
};
const codeOf = ({ status, body }: { status: number; body: unknown }) =>
  `${status} ${(body as { code?: string } | undefined)?.code ?? "ok"}`;
let path: string;

test("a program posts with the address alone, and everyone sees it under the hook's name", async () => {
  const socket = await connect(server, { token: ada.token });
  await socket.ask({ type: "join", room });
  const hook = await create("Build server");
  expect(hook.path).toMatch(/^\/in\/parley_\w{38}\/$/);
  expect(codeOf(await post(hook.path, { text: "Build 7 has passed.", username: "ignored" }))).toBe("201 ok");
  expect(await socket.next("message")).toMatchObject({
    change: "created",
    content: "Build 7 has passed.",
    user: { name: "Build server" },
    username: hook.username,
  });
});

test("Slack's form works too", async () => {
  ({ path } = await create());
  expect(codeOf(await form('{"text":"from a form","channel":"#x"}'))).toBe("201 ok");
  expect(codeOf(await form("not JSON"))).toBe("400 malformed");
  expect(codeOf(await form('{"blocks":[]}'))).toBe("400 invalid");
  const found = (await rowsOf(ada, `GET /history/${room}/`)).map(({ content }) => content);
  expect(found).toContain("from a form");
});

test("a repeat with the same Idempotency-Key is one message", async () => {
  ({ path } = await create());
  const once = await post(path, { text: "deployed" }, { "idempotency-key": "deploy 7" });
  const again = await post(path, { text: "deployed" }, { "idempotency-key": "deploy 7" });
  expect([once.status, again.status]).toEqual([201, 200]);
  expect(again.body).toEqual({ ...(once.body as object), duplicate: true });
  expect(codeOf(await post(path, { text: "x" }, { "idempotency-key": "k".repeat(256) }))).toBe("400 invalid");
});

test("what is wrong is named", async () => {
  ({ path } = await create());
  const { body } = await post(path, { text: "" });
  expect(body).toMatchObject({ code: "invalid", errors: { text: [expect.any(String)] } });
  expect((await post(path, { text: "x".repeat(4001) })).body).toMatchObject({
    errors: { text: [expect.any(String)] },
  });
  expect(codeOf(await post(path, "text", { "content-type": "text/plain" }))).toBe(
    "415 unsupported_media_type",
  );
});

test("a hook posts in a private room, until a moderator removes its person", async () => {
  const { body } = await by(ada, "POST /rooms/", { title: "Deploys" });
  const name = String(body.room);
  const hook = await create("CI", name);
  expect(codeOf(await post(hook.path, { text: "1" }))).toBe("201 ok");
  const place = `/rooms/${encodeURIComponent(name)}/members/${encodeURIComponent(`@${hook.username}`)}`;
  expect(await statusOf(ada, `DELETE ${place}/`)).toBe(200);
  expect((await post(hook.path, { text: "2" })).status).toBeGreaterThanOrEqual(403);
});

test("a revoked hook does not post, and its person leaves the room", async () => {
  const { id, path, username } = await create();
  expect(await statusOf(operator, `DELETE /incoming-hooks/${id}/`)).toBe(204);
  expect(codeOf(await post(path, { text: "late" }))).toBe("404 not_found");
  expect(await statusOf(operator, `DELETE /incoming-hooks/${id}/`)).toBe("404 not_found");
  const members = await rowsOf(operator, `GET /admin/rooms/${room}/members/`);
  expect(members.map((member) => member.username)).not.toContain(username);
  const [listed] = (await rowsOf(operator, "GET /incoming-hooks/")).filter((hook) => hook.id === id);
  expect(listed).toMatchObject({ room, name: "CI", revokedAt: expect.any(String) });
});

test("nobody guesses an address: a wrong one says nothing and is charged to its network", async () => {
  const wrong = `/in/parley_${"a".repeat(38)}/`;
  expect(codeOf(await post(wrong, { text: "x" }))).toBe("404 not_found");
  expect(codeOf(await post("/in/x/", { text: "x" }))).toBe("404 not_found");
});

test("only operators create hooks, and not for direct conversations", async () => {
  const { body } = await by(ada, "PUT /direct/", { people: ["@ben"] });
  expect(await statusOf(operator, "POST /incoming-hooks/", { room: String(body.room), name: "CI" })).toMatch(
    /direct_room$/,
  );
  expect(await statusOf(ada, "POST /incoming-hooks/", { room, name: "CI" })).toBe("401 token_invalid");
});

test("an address is shown once, and is neither in the log, the metrics nor later responses", async () => {
  const { id, path } = await create();
  const secret = path.split("/")[2] ?? "";
  await post(path, { text: "hello" });
  await post(path, { text: "" });
  const answers = [
    JSON.stringify(server.log),
    (await api(server, "GET /metrics", { token: "m".repeat(32) })).text,
    JSON.stringify(await rowsOf(operator, "GET /incoming-hooks/")),
    JSON.stringify(await rowsOf(operator, "GET /admin/audit/?limit=10")),
  ];
  expect(answers.filter((text) => text.includes(secret) || text.includes(secret.slice(7)))).toEqual([]);
  expect(answers[3]).toContain(id);
});

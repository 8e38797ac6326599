import { beforeAll, expect, test } from "bun:test";
import { EMOJIS_MAX } from "../../src/chat/room/reactors.ts";
import { api, type Call } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { callsTo, problem } from "./calls.ts";

// Changing messages over HTTP follows the same rules and codes as over chat.v1.

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

const { by, patch, reaction, post } = callsTo(() => ({ server, ada }));
const uuid = () => crypto.randomUUID();

const historyOf = async (room: string) => (await by(`GET /history/${room}/`)).body;

test("each change returns 200 after its commit, and everyone in the room receives it", async () => {
  const socket = await connect(server, { room: "http-changes", token: ben.token });
  await socket.next("synced");
  await post("http-changes", "Helo");
  await socket.next("message");
  const response = (version: number) => ({
    id: 1,
    version,
    room: "http-changes",
    clientId: expect.any(String),
  });

  const edited = await patch("http-changes", 1, { content: "Hello" });
  expect([edited.status, edited.body]).toEqual([200, response(2)]);
  expect(edited.headers.get("cache-control")).toBe("no-store");
  expect(await socket.next("message")).toMatchObject({ change: "updated", version: 2, content: "Hello" });

  const given = await by(`PUT ${reaction("http-changes", 1, "👍")}`, ben);
  expect([given.status, given.body]).toEqual([200, response(3)]);
  expect(await socket.next("message")).toMatchObject({ reactions: { "👍": { count: 1, users: ["ben"] } } });
  expect(await historyOf("http-changes")).toMatchObject([{ version: 3, reactions: { "👍": { count: 1 } } }]);

  const taken = await by(`DELETE ${reaction("http-changes", 1, "👍")}`, ben);
  expect([taken.status, taken.body]).toEqual([200, response(4)]);
  expect(await socket.next("message")).not.toHaveProperty("reactions");

  const removed = await by("DELETE /rooms/http-changes/messages/1/");
  expect([removed.status, removed.body]).toEqual([200, response(5)]);
  expect(await socket.next("message")).toMatchObject({ change: "deleted", version: 5, content: "" });
  expect(await historyOf("http-changes")).toMatchObject([
    { id: 1, version: 5, content: "", deletedAt: expect.any(String) },
  ]);
  socket.close();
});

test("paths work without a trailing slash, and with a room name in any Unicode normalization", async () => {
  await post("caf%C3%A9-changes");
  const composed = "/rooms/caf%C3%A9-changes/messages/1";
  const decomposed = "/rooms/cafe%CC%81-changes/messages/1";
  expect(await by(`PATCH ${decomposed}`, ada, { body: { content: "a" } })).toMatchObject({
    body: { version: 2, room: "café-changes" },
  });
  expect(await by(`PUT ${composed}/reactions/%F0%9F%91%8D`)).toMatchObject({ body: { version: 3 } });
  expect(await by(`DELETE ${decomposed}/reactions/%F0%9F%91%8D`)).toMatchObject({ body: { version: 4 } });
  expect(await by(`DELETE ${composed}`)).toMatchObject({ body: { version: 5 } });
});

test("changing another person's, a missing, another room's or a deleted message fails as over chat.v1", async () => {
  await post("http-others");
  for (const _ of [1, 2]) await post("http-next-door", "elsewhere", ben);
  expect(await patch("http-others", 1, { content: "a" }, ben)).toMatchObject(problem(403, "forbidden"));
  expect(await by("DELETE /rooms/http-others/messages/1/", ben)).toMatchObject(problem(403, "forbidden"));
  for (const path of [
    "http-others/messages/2",
    "http-others/messages/9007199254740991",
    "http-nowhere/messages/1",
  ]) {
    const missing = problem(404, "not_found");
    expect(await by(`PATCH /rooms/${path}/`, ben, { body: { content: "a" } })).toMatchObject(missing);
    expect(await by(`DELETE /rooms/${path}/`, ben)).toMatchObject(missing);
    expect(await by(`PUT /rooms/${path}/reactions/👍/`, ben)).toMatchObject(missing);
    expect(await by(`DELETE /rooms/${path}/reactions/👍/`, ben)).toMatchObject(missing);
  }
  expect(await patch("http-others", 1, { content: "edited" })).toMatchObject({ body: { version: 2 } });
  expect(await patch("http-others", 2, { content: "a version is no id" })).toMatchObject(
    problem(404, "not_found"),
  );
  expect(await by("DELETE /rooms/http-others/messages/1/")).toMatchObject({
    status: 200,
    body: { version: 3 },
  });
  expect(await by("DELETE /rooms/http-others/messages/1/")).toMatchObject({
    status: 200,
    body: { version: 3 },
  });
  expect(await patch("http-others", 1, { content: "back" })).toMatchObject(problem(404, "not_found"));
  expect(await by(`PUT ${reaction("http-others", 1, "👍")}`)).toMatchObject(problem(404, "not_found"));
  expect(await post("http-others")).toBe(4);
});

test.each<[string, string, Call, string]>([
  ["an id of 0", "PATCH /rooms/http-bad/messages/0/", { body: { content: "a" } }, "id"],
  ["a negative id", "DELETE /rooms/http-bad/messages/-1/", {}, "id"],
  ["an id that is not an integer", "DELETE /rooms/http-bad/messages/1.5/", {}, "id"],
  ["an id of 2^53", "DELETE /rooms/http-bad/messages/9007199254740992/", {}, "id"],
  ["an id far beyond 2^53", `PUT /rooms/http-bad/messages/${"9".repeat(40)}/reactions/👍/`, {}, "id"],
  ["an id in hexadecimal", "DELETE /rooms/http-bad/messages/0x1/", {}, "id"],
  ["an id that is a word", "DELETE /rooms/http-bad/messages/last/", {}, "id"],
  ["blank content", "PATCH /rooms/http-bad/messages/1/", { body: { content: " \n" } }, "content"],
  ["no content", "PATCH /rooms/http-bad/messages/1/", { body: {} }, "content"],
  [
    "content over the limit",
    "PATCH /rooms/http-bad/messages/1/",
    { body: { content: "x".repeat(4001) } },
    "content",
  ],
  [
    "a clientId that is not a UUID",
    "PATCH /rooms/http-bad/messages/1/",
    { body: { content: "a", clientId: "1" } },
    "clientId",
  ],
  [
    "a clientId in the query that is not a UUID",
    "DELETE /rooms/http-bad/messages/1/?clientId=1",
    {},
    "clientId",
  ],
  [
    "two clientIds",
    `DELETE /rooms/http-bad/messages/1/?clientId=${uuid()}&clientId=${uuid()}`,
    {},
    "clientId",
  ],
  ["an unknown parameter", "DELETE /rooms/http-bad/messages/1/?reason=none", {}, "reason"],
  ["a word as a reaction", "PUT /rooms/http-bad/messages/1/reactions/ok/", {}, "emoji"],
  ["two emojis", `PUT ${reaction("http-bad", 1, "👍🎉")}`, {}, "emoji"],
  ["a zero-width reaction", "PUT /rooms/http-bad/messages/1/reactions/%E2%80%8B/", {}, "emoji"],
  ["a reaction that is not UTF-8", "PUT /rooms/http-bad/messages/1/reactions/%F0%9F/", {}, "emoji"],
])("%s is rejected with 400, naming the field", async (_, target, call, field) => {
  const answer = await by(target, ada, call);
  expect(answer).toMatchObject(problem(400, "invalid"));
  expect(Object.keys((answer.body as { errors: object }).errors)).toEqual([field]);
});

test.each<[string, string, Call, number, string]>([
  ["without a token", "DELETE /rooms/a/messages/1/", { token: undefined }, 401, "token_missing"],
  [
    "with a garbage token",
    "PUT /rooms/a/messages/1/reactions/👍/",
    { token: "garbage" },
    401,
    "token_invalid",
  ],
  ["in an invalid room", "DELETE /rooms/a%20b/messages/1/", {}, 400, "bad_room"],
  ["by POST", "POST /rooms/a/messages/1/", { body: {} }, 405, "method_not_allowed"],
  ["by GET", "GET /rooms/a/messages/1/reactions/👍/", {}, 405, "method_not_allowed"],
  [
    "with a form",
    "PATCH /rooms/a/messages/1/",
    { body: "content=a", headers: { "content-type": "application/x-www-form-urlencoded" } },
    415,
    "unsupported_media_type",
  ],
  ["with half a body", "PATCH /rooms/a/messages/1/", { body: '{"content":' }, 400, "malformed"],
])("a change %s is rejected", async (_, target, call, status, code) => {
  expect(await api(server, target, { token: ada.token, ...call })).toMatchObject(problem(status, code));
});

test("a change without effect takes no version", async () => {
  await post("http-no-ops", "same");
  expect(await patch("http-no-ops", 1, { content: "same" })).toMatchObject({
    status: 200,
    body: { version: 1 },
  });
  expect(await by(`DELETE ${reaction("http-no-ops", 1, "👍")}`)).toMatchObject({
    status: 200,
    body: { version: 1 },
  });
  expect(await by(`PUT ${reaction("http-no-ops", 1, "❤")}`)).toMatchObject({ body: { version: 2 } });
  expect(await by(`PUT ${reaction("http-no-ops", 1, "❤\ufe0f")}`)).toMatchObject({
    status: 200,
    body: { version: 2 },
  });
  expect(await post("http-no-ops")).toBe(3);
});

test(
  "edits after EDIT_WINDOW and too many emojis return 409",
  async () => {
    const strict = await startTestServer({ EDIT_WINDOW: "1s", MESSAGE_RATE: "0", BUDGETS: "0" });
    const { token } = await register(strict, "ada");
    const ask = (target: string, body?: unknown) => api(strict, target, { token, body });
    const rename = () => ask("PATCH /rooms/limits/messages/1/", { content: `${Bun.nanoseconds()}` });
    await ask("POST /rooms/limits/messages/", { content: "hello" });
    const faces = Array.from({ length: EMOJIS_MAX }, (_, index) => String.fromCodePoint(0x1f600 + index));
    const given = await Promise.all(faces.map((emoji) => ask(`PUT ${reaction("limits", 1, emoji)}`)));
    expect(given.every(({ status }) => status === 200)).toBe(true);
    expect(await ask(`PUT ${reaction("limits", 1, "👍")}`)).toMatchObject(problem(409, "too_many_reactions"));
    await until(async () => (await rename()).status !== 200);
    expect(await rename()).toMatchObject(problem(409, "too_late"));
    await strict.stop();
  },
  START_MS,
);

test(
  "changes count towards the rate like messages",
  async () => {
    const strict = await startTestServer({ MESSAGE_RATE: "1", MESSAGE_BURST: "1" });
    const { token } = await register(strict, "ada");
    await api(strict, "POST /rooms/limits/messages/", { token, body: { content: "hello" } });
    const slow = await api(strict, "DELETE /rooms/limits/messages/1/", { token });
    expect(slow).toMatchObject({ status: 429, body: { code: "rate_limited", retryable: true } });
    expect(slow.headers.get("retry-after")).toBe("1");
    await strict.stop();
  },
  START_MS,
);

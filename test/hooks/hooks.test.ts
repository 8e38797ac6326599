import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { operator, roomCalls, startRooms } from "../http/roomcalls.ts";
import { START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { type Receiver, signatureOf, startReceiver } from "./receiver.ts";

setDefaultTimeout(60_000);

// Webhooks, on a real server with real receivers. Each test has its own rooms and hooks.

let server: TestServer;
let ada: Person;
let ben: Person;
let room: string;
let receiver: Receiver;
const receivers: Receiver[] = [];

beforeAll(async () => {
  ({
    server,
    people: [ada, ben],
  } = await startRooms({ OUTBOUND_ALLOW: "127.0.0.1" }));
}, START_MS);
afterAll(() => server.stop());
beforeEach(() => {
  room = `r${crypto.randomUUID().slice(0, 8)}`;
  receiver = newReceiver();
});
afterEach(async () => {
  for (const one of receivers.splice(0)) await one.stop();
  for (const { id } of (await by(operator, "GET /hooks/")).body as unknown as { id: string }[])
    await by(operator, `DELETE /hooks/${id}/`);
});

const { by, statusOf } = roomCalls(() => server);
const newReceiver = () => {
  const one = startReceiver();
  receivers.push(one);
  return one;
};
interface Created {
  readonly id: string;
  readonly secret: string;
}
const hook = async (settings: object = {}) => {
  const { status, body } = await by(operator, "POST /hooks/", {
    url: receiver.url,
    rooms: [room, `${room}-*`],
    ...settings,
  });
  expect(status).toBe(201);
  return body as unknown as Created;
};
const stateOf = async ({ id }: Created) => (await by(operator, `GET /hooks/${id}/`)).body;
const attemptsOf = async ({ id }: Created) =>
  (await by(operator, `GET /hooks/${id}/attempts/`)).body as unknown as {
    id: number;
    webhook: string;
    status: number | null;
    error: string | null;
  }[];
const say = async (content: string, more: object = {}, where = room) =>
  Number((await by(ada, `POST /rooms/${where}/messages/`, { content, ...more })).body.id);
const arrived = (...said: string[]) => until(() => Bun.deepEquals(receiver.said(room), said), 30_000);

test("a hook gets what happens in its rooms from its creation on, in order and signed, as clients get it", async () => {
  await say("before");
  const { secret } = await hook();
  await say("elsewhere", {}, `x-${room}`);
  const id = await say("hello", { data: { order: 7 } });
  await by(ada, `PUT /rooms/${room}/messages/${id}/reactions/👍/`);
  const other = await say("oops");
  await by(ada, `DELETE /rooms/${room}/messages/${other}/`);
  await until(() => receiver.said(room).includes("deleted "));
  const { headers, text, body } = receiver.got[0] as (typeof receiver.got)[0];
  expect(headers.get("webhook-signature")).toBe(signatureOf(secret, { headers, text }));
  expect(headers.get("content-type")).toBe("application/json");
  expect(body).toMatchObject({ type: "changes", data: { room, after: 1 } });
  expect(body.data.changes[0]).toMatchObject({
    type: "message",
    room,
    change: "created",
    id,
    username: "ada",
    content: "hello",
    data: { order: 7 },
  });
  expect(receiver.got.every((one) => one.body.data.room === room)).toBe(true);
});

test("the secret is shown once, and lists never have it", async () => {
  const created = await hook({ name: "shop" });
  expect(created.secret).toMatch(/^whsec_[\w+/]{43}=$/);
  for (const target of ["GET /hooks/", `GET /hooks/${created.id}/`])
    expect(JSON.stringify((await by(operator, target)).body)).not.toContain("whsec_");
  expect(await stateOf(created)).toMatchObject({ name: "shop", state: "on", createdBy: "ADMIN_TOKEN" });
});

test("a room that is created later is followed from its beginning", async () => {
  await hook();
  await say("first", {}, `${room}-new`);
  await until(() => Bun.deepEquals(receiver.said(`${room}-new`), ["created first"]));
});

test("a hook gets only the kinds of changes that it wants", async () => {
  await hook({ changes: ["deleted"] });
  const id = await say("hello");
  await by(ada, `DELETE /rooms/${room}/messages/${id}/`);
  await arrived("deleted ");
});

test("a hook for mentions gets only messages that mention its people, or everyone", async () => {
  await hook({ mentions: ["@ben"], changes: ["created", "updated", "deleted", "notice"] });
  await say("nobody");
  await say("ben", { mentions: ["@ben"] });
  await say("ada", { mentions: ["@ada"] });
  await arrived("created ben");
  expect(await statusOf(operator, "POST /hooks/", { url: receiver.url, mentions: ["@nobody"] })).toBe(
    "400 invalid",
  );
});

describe("a batch that was not accepted", () => {
  test("comes again with the same id before anything later of its room, and other rooms go on", async () => {
    await hook();
    let refusals = 1;
    receiver.respond = ({ body }) =>
      new Response("no", { status: body.data.room === room && refusals-- > 0 ? 500 : 200 });
    await say("1");
    await until(() => receiver.got.length === 1);
    await say("2");
    await say("other", {}, `${room}-b`);
    await until(() => receiver.said(`${room}-b`).length === 1);
    await until(() => receiver.said(room).includes("created 2"), 30_000);
    const of = receiver.got.filter(({ body }) => body.data.room === room);
    expect(of.map(({ body }) => body.data.changes.map(({ content }) => content))).toEqual([
      ["1"],
      ["1"],
      ["2"],
    ]);
    expect(new Set(of.map(({ id }) => id)).size).toBe(2);
  });

  test("waits for as long as the receiver asks in Retry-After", async () => {
    await hook();
    const times: number[] = [];
    receiver.respond = () => {
      times.push(performance.now());
      return times.length === 1
        ? new Response(null, { status: 429, headers: { "retry-after": "3" } })
        : new Response();
    };
    await say("1");
    await until(() => times.length === 2, 30_000);
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(3_000);
  });

  test("still says that a message was created if it has changed meanwhile", async () => {
    await hook({ changes: ["created"] });
    let isAway = true;
    receiver.respond = () => new Response(null, { status: isAway ? 503 : 200 });
    const id = await say("teh");
    await until(() => receiver.got.length === 1);
    await by(ada, `PATCH /rooms/${room}/messages/${id}/`, { content: "the" });
    isAway = false;
    await arrived("created teh", "created the");
    expect(new Set(receiver.got.map(({ id }) => id)).size).toBe(1);
  });

  test("is shown with the response, and can be sent again", async () => {
    const created = await hook();
    receiver.respond = () => new Response("out of order", { status: 502 });
    await say("1");
    await until(() => receiver.got.length === 1);
    const [attempt] = await attemptsOf(created);
    expect(attempt).toMatchObject({
      status: 502,
      error: "out of order",
      room,
      after: 0,
      upto: 1,
      changes: 1,
    });
    receiver.respond = () => new Response();
    const again = await by(operator, `POST /hooks/${created.id}/attempts/${attempt?.id}/resend/`);
    expect(again.body).toMatchObject({ webhook: attempt?.webhook, status: 200, error: null });
    expect(receiver.got[1]?.id).toBe(receiver.got[0]?.id as string);
    expect(await statusOf(operator, `POST /hooks/${created.id}/attempts/999999/resend/`)).toBe(
      "404 not_found",
    );
  });
});

test("a hook whose receiver does not respond delays no other hook", async () => {
  const slow = newReceiver();
  slow.respond = () => new Promise<Response>(() => {});
  await hook({ url: slow.url });
  await hook();
  await say("1");
  await until(() => slow.got.length === 1);
  await say("2");
  await arrived("created 1", "created 2");
  expect(slow.got).toHaveLength(1);
});

test("a receiver that responds with 410 gets nothing more, and can be turned on again where it stopped", async () => {
  const created = await hook();
  receiver.respond = () => new Response(null, { status: 410 });
  await say("1");
  await until(async () => (await stateOf(created)).state === "gone");
  expect(await stateOf(created)).toMatchObject({ reason: "The receiver responded with 410." });
  expect(server.log.some(({ event }) => event === "hook_gone")).toBe(true);
  receiver.respond = () => new Response();
  await by(operator, `PATCH /hooks/${created.id}/`, { state: "on" });
  await until(() => receiver.got.length === 2);
  expect(receiver.got[1]?.id).toBe(receiver.got[0]?.id as string);
});

test("a paused hook continues where it stopped, or skips what happened meanwhile", async () => {
  const created = await hook();
  const set = (body: object) => by(operator, `PATCH /hooks/${created.id}/`, body);
  await set({ state: "paused" });
  await say("1");
  await set({ state: "on" });
  await arrived("created 1");
  await set({ state: "paused" });
  await say("2");
  expect((await set({ skip: true })).status).toBe("400 invalid");
  await set({ state: "on", skip: true });
  await say("3");
  await arrived("created 1", "created 3");
});

test("while a secret is replaced, both sign", async () => {
  const { id, secret } = await hook();
  const { body } = await by(operator, `POST /hooks/${id}/secret/`, { overlap: "1h" });
  await say("1");
  await arrived("created 1");
  const delivery = receiver.got[0] as (typeof receiver.got)[0];
  expect(delivery.headers.get("webhook-signature")?.split(" ")).toEqual([
    signatureOf(String(body.secret), delivery),
    signatureOf(secret, delivery),
  ]);
});

test("a ping tries a hook, and says what came of it", async () => {
  const { id } = await hook();
  const ping = async () => (await by(operator, `POST /hooks/${id}/ping/`)).body;
  expect(await ping()).toMatchObject({ status: 204, error: null });
  expect(receiver.got[0]?.body.type).toBe("ping");
  await receiver.stop();
  expect(await ping()).toMatchObject({ status: null, error: "The connection failed." });
});

test("a hook's settings can be changed, and a deleted one gets nothing more", async () => {
  const { id } = await hook();
  const other = newReceiver();
  await by(operator, `PATCH /hooks/${id}/`, { url: other.url });
  await say("1");
  await until(() => other.said(room).length === 1);
  expect(receiver.got).toEqual([]);
  expect(await statusOf(operator, `DELETE /hooks/${id}/`)).toBe(204);
  await hook();
  await say("2");
  await until(() => receiver.said(room).length === 1);
  expect(other.said(room)).toEqual(["created 1"]);
  for (const target of [`GET /hooks/${id}/`, `DELETE /hooks/${id}/`, "GET /hooks/x/"])
    expect(await statusOf(operator, target)).toBe("404 not_found");
});

test.each([
  "http://10.0.0.1/",
  "http://[::1]/",
  "ftp://hooks.example/",
  "http://a:b@hooks.example/",
  "http://169.254.169.254/",
])("the URL %s is refused", async (url) =>
  expect(await statusOf(operator, "POST /hooks/", { url })).toBe("400 invalid"),
);

test("there are never more than fifty hooks, even if more are created at once", async () => {
  const create = () => statusOf(operator, "POST /hooks/", { url: receiver.url, rooms: [room] });
  const statuses = await Promise.all(Array.from({ length: 55 }, create));
  const times = (wanted: string | number) => statuses.filter((status) => status === wanted).length;
  expect([times(201), times("400 invalid")]).toEqual([50, 5]);
});

test("only operators decide about hooks", async () => {
  for (const target of ["GET /hooks/", "POST /hooks/"])
    expect(await statusOf(ben, target, target.startsWith("POST") ? { url: receiver.url } : undefined)).toBe(
      "401 token_invalid",
    );
});

test("a key manages only hooks of rooms that it can read", async () => {
  const all = await hook({ rooms: ["*"] });
  const { body: made } = await by(operator, "POST /api-keys/", {
    name: `hooks-${room}`,
    scopes: ["hooks", `rooms:read:${room}*`],
  });
  const key = { token: (made as unknown as { token: string }).token };
  const create = (...rooms: string[]) => by(key, "POST /hooks/", { url: receiver.url, rooms });
  const refused = "403 scope_missing";
  expect((await create("*")).status).toBe(refused);
  expect((await create(room, "x")).status).toBe(refused);
  expect((await create(`*${room}`)).status).toBe(refused);
  const { status, body: own } = await create(room, `${room}-*`);
  expect(status).toBe(201);

  expect(await by(key, "GET /hooks/")).toMatchObject({ body: [{ id: own.id }] });
  for (const [target, body] of [
    ["GET /hooks/<id>/"],
    ["PATCH /hooks/<id>/", { url: "https://elsewhere.example" }],
    ["POST /hooks/<id>/secret/", {}],
    ["POST /hooks/<id>/ping/", {}],
    ["GET /hooks/<id>/attempts/"],
    ["POST /hooks/<id>/attempts/1/resend/", {}],
    ["DELETE /hooks/<id>/"],
  ] as [string, object?][])
    expect([target, await statusOf(key, target.replace("<id>", all.id), body)]).toEqual([target, refused]);
  expect(await statusOf(key, `DELETE /hooks/${String(own.id)}/`)).toBe(204 as never);
});

test("what operators do with hooks is in the audit", async () => {
  const { id } = await hook();
  await by(operator, `DELETE /hooks/${id}/?reason=over`);
  const { body } = await by(operator, "GET /admin/audit/?limit=2");
  expect(body).toMatchObject([
    { action: "hook.delete", target: id, reason: "over" },
    { action: "hook.create", target: id },
  ]);
});

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createChat } from "../../src/client/index.ts";
import { api, type Answer } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import { type PushService, startPushService } from "../support/push-service.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { createMint } from "../support/tokens.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

// Devices over HTTP, and pushes of a whole server.

let server: TestServer;
let service: PushService;
let ada: Person;
let ben: Person;
let cy: Person;

beforeAll(async () => {
  const mint = await createMint();
  service = startPushService();
  server = await startTestServer({
    ...{ ...mint.settings, LOGIN_RATE: "0", BUDGETS: "0", MESSAGE_RATE: "0" },
    ...{ PUSH_SUBJECT: "mailto:ops@example.com", OUTBOUND_ALLOW: "127.0.0.1" },
  });
  [ada, ben, cy] = await Promise.all([
    register(server, "ada"),
    register(server, "ben"),
    register(server, "cy"),
  ]);
}, START_MS);
afterAll(async () => {
  await server?.stop();
  service?.stop();
});

const by = ({ token }: Pick<Person, "token">, target: string, body?: object) =>
  api(server, target, { token, ...(body && { body }) });
const put = (person: Pick<Person, "token">, name: string, more: object = {}) => {
  const { endpoint, ...keys } = service.device(name);
  return by(person, "PUT /push/", { endpoint, keys, ...more });
};
const devicesOf = async (person: Person) =>
  ((await by(person, "GET /push/")).body as { readonly devices: readonly { readonly id: string }[] }).devices;
const problems = ({ status, body }: Answer) => [
  status,
  Object.keys((body as { errors?: object }).errors ?? {}),
];
const say = (person: Person, room: string, content: string) =>
  by(person, `POST /rooms/${room}/messages/`, { content });

test("a device is subscribed and listed, hears of messages, and is removed", async () => {
  const { body } = await by(ben, "GET /push/");
  expect(body).toMatchObject({ content: true, quietHours: null, devices: [] });
  expect(Buffer.from((body as { key: string }).key, "base64url")).toHaveLength(65);
  const first = await put(ben, "laptop");
  expect(first.status).toBe(200);
  expect((await put(ben, "laptop")).status).toBe(200);
  const [device, ...others] = await devicesOf(ben);
  expect(others).toEqual([]);
  expect(device).toMatchObject({ service: new URL(service.url).host });
  await say(ben, "push-a", "I am here");
  await say(ada, "push-a", "are you?");
  await until(() => service.at("laptop").length > 0, 30_000);
  const [push] = service.at("laptop");
  expect(push?.payload).toMatchObject({ type: "message", room: "push-a", unread: 1 });
  expect(push?.payload.notification).toMatchObject({ title: "push-a", body: "ada: are you?" });
  expect(push?.key).toBe((body as { key: string }).key);

  // Read on another device: the notification is withdrawn.
  const socket = await connect(server, { room: "push-a", token: ben.token });
  await socket.next("synced");
  await socket.ask({ type: "read", id: push?.payload.message });
  await until(() => service.at("laptop").length > 1, 30_000);
  expect(service.at("laptop")[1]?.payload).toMatchObject({ type: "read", room: "push-a" });
  await socket.close();

  expect((await by(ada, `DELETE /push/${device?.id}/`)).status).toBe(204);
  expect(await devicesOf(ben)).toHaveLength(1);
  expect((await by(ben, `DELETE /push/${device?.id}/`)).status).toBe(204);
  expect(await devicesOf(ben)).toEqual([]);
});

test("addresses that the server must not call, and keys that are none, are rejected", async () => {
  const { endpoint: _, ...keys } = service.device("any");
  const wrong = (endpoint: string, given: object = keys) =>
    by(ben, "PUT /push/", { endpoint, keys: given }).then(problems);
  for (const endpoint of [
    "http://push.example.com/a",
    "https://10.0.0.1/a",
    "https://[::1]/a",
    "https://me:secret@push.example.com/a",
    "ftp://127.0.0.1/a",
    "nonsense",
  ])
    expect(await wrong(endpoint)).toEqual([400, ["endpoint"]]);
  expect(await wrong("https://push.example.com/a", { p256dh: keys.p256dh, auth: "AAAA" })).toEqual([
    400,
    ["keys"],
  ]);
  expect(await devicesOf(ben)).toEqual([]);
  const page = await put(ben, "any", { page: "javascript:alert(1)" });
  expect(problems(page)).toEqual([400, ["page"]]);
});

test("a device is the last person's who used it, ends with its session, and goes with the account", async () => {
  await put(ada, "shared");
  expect(await devicesOf(ada)).toHaveLength(1);
  await put(cy, "shared");
  expect([await devicesOf(ada), await devicesOf(cy)].map(({ length }) => length)).toEqual([0, 1]);
  const login = await api(server, "POST /account/login/", {
    body: { email: cy.email, password: PASSWORD },
  });
  const again = login.body as { access: string; refresh: string };
  await put({ token: again.access }, "phone");
  expect(await devicesOf(cy)).toHaveLength(2);
  await api(server, "POST /account/logout/", { body: { refresh: again.refresh } });
  expect(await devicesOf(cy)).toHaveLength(1);
});

test("quiet hours are set in a time zone", async () => {
  const hours = { from: "22:00", to: "07:30", zone: "Europe/Berlin" };
  expect((await by(ada, "PUT /account/me/quiet-hours/", hours)).status).toBe(204);
  expect((await by(ada, "GET /push/")).body).toMatchObject({ quietHours: hours });
  const wrong = await by(ada, "PUT /account/me/quiet-hours/", { from: "25:00", to: "7", zone: "Moon/Base" });
  expect(problems(wrong)).toEqual([400, ["from", "to", "zone"]]);
  expect((await by(ada, "DELETE /account/me/quiet-hours/")).status).toBe(204);
  expect((await by(ada, "GET /push/")).body).toMatchObject({ quietHours: null });
});

test("the client subscribes a browser, replaces what is for another key, and ends it", async () => {
  const chat = createChat({ url: server.url, tokens: async () => ada.token });
  const { endpoint, ...keys } = service.device("ada's browser");
  let made: string[] = [];
  let key: string | undefined = Buffer.from("of another server").toString("base64url");
  const subscription = {
    endpoint,
    get options() {
      return { applicationServerKey: Uint8Array.from(Buffer.from(key ?? "", "base64url")).buffer };
    },
    toJSON: () => ({ endpoint, expirationTime: null, keys }),
    async unsubscribe() {
      key = undefined;
      return true;
    },
  };
  const pushManager = {
    getSubscription: async () => (key === undefined ? null : subscription),
    async subscribe(options: { applicationServerKey: string; userVisibleOnly: boolean }) {
      expect(options.userVisibleOnly).toBe(true);
      key = options.applicationServerKey;
      made = [...made, key];
      return subscription;
    },
  };
  const registration = { pushManager } as unknown as ServiceWorkerRegistration;
  const before = (await chat.push.state()).devices.length;
  const id = await chat.push.subscribe(registration, { page: "https://shop.example.com/{room}" });
  expect(await chat.push.subscribe(registration)).toBe(id);
  const state = await chat.push.state();
  expect(made).toEqual([state.key]);
  expect(state.devices.map((device) => device.id)).toContain(id);
  await chat.push.setQuietHours({ from: "21:00", to: "06:00", zone: "Asia/Tokyo" });
  expect((await chat.push.state()).quietHours).toEqual({ from: "21:00", to: "06:00", zone: "Asia/Tokyo" });
  await chat.push.setQuietHours(null);
  await chat.push.unsubscribe(registration);
  await chat.push.unsubscribe(registration);
  expect(key).toBeUndefined();
  const after = await chat.push.state();
  expect([after.devices.length, after.quietHours]).toEqual([before, null]);
  const refusing = { pushManager: { ...pushManager, subscribe: () => Promise.reject(new Error("no")) } };
  const failed = chat.push.subscribe(refusing as unknown as ServiceWorkerRegistration);
  expect(await failed.catch(({ code }) => code)).toBe("unsupported");
  await chat.close();
});

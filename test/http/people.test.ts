import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { register } from "../support/people.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// Who people are: an id that never changes, a unique username, and a name that is not unique and may change.

const OPERATOR = "operators-token-of-some-length";
let provider: Provider;
let server: TestServer;

beforeAll(async () => {
  provider = await startProvider();
  server = await startTestServer({
    ...provider.settings,
    ADMIN_TOKEN: OPERATOR,
    LOGIN_RATE: "0",
    MESSAGE_RATE: "0",
    BUDGETS: "0",
  });
}, START_MS);
afterAll(async () => {
  await server.stop();
  await provider.stop();
});

const me = async (token: string) => (await api(server, "GET /account/me/", { token })).body;
const admin = (target: string, body?: object) => api(server, target, { token: OPERATOR, body });
const at = (id: string) => `/admin/users/${encodeURIComponent(id)}/`;

// A product's people are called what they are called. Their names used to become usernames: Bob's Shop & Co. was
// BobsShopCo., the second Ada Lovelace was AdaLovelace-60, and Иван Smith was user.
test("two people may have the same name, with spaces, punctuation and letters of several scripts", async () => {
  const tokens = await Promise.all(
    ["Bob's Shop & Co.", "Ada Lovelace", "Ada Lovelace", "Иван Smith"].map((name, index) =>
      provider.tokenOf(`n-${index}`, { name, picture: `https://example.com/${index}.png` }),
    ),
  );
  const sockets = await Promise.all(tokens.map((token) => connect(server, { room: "names", token })));
  const welcomes = await Promise.all(sockets.map((socket) => socket.next("welcome")));
  expect(welcomes.map(({ user }) => user)).toEqual([
    { id: "n-0", username: "n-0", name: "Bob's Shop & Co.", picture: "https://example.com/0.png" },
    { id: "n-1", username: "n-1", name: "Ada Lovelace", picture: "https://example.com/1.png" },
    { id: "n-2", username: "n-2", name: "Ada Lovelace", picture: "https://example.com/2.png" },
    { id: "n-3", username: "n-3", name: "Иван Smith", picture: "https://example.com/3.png" },
  ]);
  // Lists show people with the same.
  const [token] = tokens;
  await api(server, "PUT /direct/", { token, body: { people: ["n-1"] } });
  await api(server, "PUT /blocks/n-3/", { token });
  expect((await api(server, "GET /rooms/?order=activity", { token })).body).toMatchObject([
    { kind: "direct", people: [welcomes[1]?.user, welcomes[0]?.user] },
    { room: "names" },
  ]);
  expect((await api(server, "GET /blocks/", { token })).body).toMatchObject([{ user: welcomes[3]?.user }]);
  const [bob, ada] = sockets as [(typeof sockets)[0], (typeof sockets)[0]];
  await Promise.all(sockets.map((socket) => socket.next("synced")));
  const said = { type: "send", room: "names", clientId: crypto.randomUUID(), content: "Tea?" };
  expect(await bob.ask(said)).toMatchObject({ type: "ok" });
  const user = { id: "n-0", name: "Bob's Shop & Co." };
  expect(await ada.next("message")).toMatchObject({ username: "n-0", user });
  await ada.ask({
    type: "react",
    room: "names",
    clientId: crypto.randomUUID(),
    id: 1,
    emoji: "👍",
    on: true,
  });
  const reactions = {
    "👍": { count: 1, users: ["n-1"], profiles: [{ id: "n-1", name: "Ada Lovelace" }] },
  };
  expect(await bob.next("message")).toMatchObject({ version: 1, user });
  expect(await bob.next("message")).toMatchObject({ version: 2, user, reactions });
  await bob.ask({ type: "typing", room: "names" });
  expect(await ada.next("typing")).toMatchObject({ username: "n-0", user });
  const again = await connect(server, { room: "names", token: tokens[3] ?? "" });
  const { people = [], profiles } = await again.next("joined");
  expect(people.toSorted()).toEqual(["n-0", "n-1", "n-2", "n-3"]);
  expect(profiles).toHaveLength(4);
  expect(profiles?.[people.indexOf("n-1")]).toEqual({ id: "n-1", name: "Ada Lovelace" });
  // History and lists have the same.
  const hers = { token: tokens[1] };
  expect((await api(server, "GET /history/names/", hers)).body).toMatchObject([{ user, reactions }]);
  expect((await api(server, "GET /rooms/", hers)).body).toMatchObject([
    { last: { user } },
    { kind: "direct" },
  ]);
  for (const each of [...sockets, again]) each.close();
});

test("a token renames its person: in everything read afterwards, and live from then on", async () => {
  const old = await provider.tokenOf("carla", { name: "Carla" });
  const first = await connect(server, { room: "renamed", token: old });
  const send = (content: string) => ({ type: "send", clientId: crypto.randomUUID(), content });
  await first.ask(send("as Carla"));
  const before = { id: "carla", name: "Carla" };
  const now = { id: "carla", name: "Carla Ruiz" };
  expect(await first.next("message")).toMatchObject({ user: before });
  // The claim is cleaned, and a picture that is none is left out.
  const claims = { name: "Carla\u202e \n Ruiz", picture: "http://example.com/a.png" };
  const renamed = await provider.tokenOf("carla", claims);
  expect(await first.ask({ type: "auth", token: renamed })).toMatchObject({ type: "ok" });
  await first.ask(send("as Carla Ruiz"));
  expect(await first.next("message")).toMatchObject({ user: now });
  const history = await api(server, "GET /history/renamed/", { token: renamed });
  expect(history.body).toMatchObject([{ user: now }, { user: now }]);
  expect(await me(renamed)).toMatchObject({ user: now, username: "carla", picture: null });
  // A token without the claims leaves everything as it is; an empty name takes it away.
  expect(await me(await provider.tokenOf("carla"))).toMatchObject({ user: now });
  expect(await me(await provider.tokenOf("carla", { name: "" }))).toMatchObject({ user: { id: "carla" } });
  expect(await me(await provider.tokenOf("carla", { name: "carla" }))).not.toHaveProperty("user.name");
  first.close();
});

// A device that came back with a token from before the rename used to bring the old name back.
test("a token that is older than a name does not replace it", async () => {
  const ago = (seconds: number) => ({ iat: Math.floor(Date.now() / 1000) - seconds });
  expect(await me(await provider.tokenOf("dan", { name: "Daniel", ...ago(50) }))).toMatchObject({
    user: { id: "dan", name: "Daniel" },
  });
  const now = { user: { id: "dan", name: "Dan" } };
  expect(await me(await provider.tokenOf("dan", { name: "Dan", ...ago(30) }))).toMatchObject(now);
  expect(await me(await provider.tokenOf("dan", { name: "Daniel", ...ago(40) }))).toMatchObject(now);
  await admin(`PUT ${at("dan")}`, { name: "Danny" });
  expect(await me(await provider.tokenOf("dan", { name: "Dan", ...ago(20) }))).toMatchObject({
    user: { id: "dan", name: "Danny" },
  });
});

test("people with an account set their own name; those of a provider do it there", async () => {
  const dora = await register(server, "dora");
  const { id } = ((await me(dora.token)) as { user: { id: string } }).user;
  const patch = (body: object, token = dora.token) => api(server, "PATCH /account/me/", { token, body });
  const picture = "https://example.com/d.png";
  const set = await patch({ name: " Dora Maar ", picture });
  expect(set).toMatchObject({ status: 200, body: { user: { id, name: "Dora Maar" }, picture } });
  expect((await patch({ picture: null })).body).toMatchObject({ user: { name: "Dora Maar" }, picture: null });
  for (const [body, field] of [
    [{ name: "x".repeat(65) }, "name"],
    [{ name: "Dora\u202e" }, "name"],
    [{ name: " " }, "name"],
    [{ name: 5 }, "name"],
    [{ picture: "http://example.com/a.png" }, "picture"],
  ] as const) {
    const { status, body: problem } = await patch(body);
    expect({ status, problem }).toMatchObject({
      status: 400,
      problem: { errors: { [field]: [expect.any(String)] } },
    });
  }
  // The next token has it.
  const { body } = await api(server, "POST /account/refresh/", { body: { refresh: dora.refresh } });
  const socket = await connect(server, { token: (body as { access: string }).access });
  expect((await socket.next("welcome")).user).toEqual({ id, username: "dora", name: "Dora Maar" });
  socket.close();
  expect((await patch({ name: "dora" })).body).toMatchObject({ user: { id } });
  expect(await me(dora.token)).not.toHaveProperty("user.name");
  const outside = await patch({ name: "Eve" }, await provider.tokenOf("eve"));
  expect(outside).toMatchObject({ status: 403, body: { code: "forbidden" } });
});

test("a backend describes people before their first visit", async () => {
  const id = "shop/42?#%2F é";
  const made = await admin(`PUT ${at(id)}?reason=import`, { name: "Ada Lovelace", username: "countess" });
  expect(made).toMatchObject({
    status: 201,
    body: { username: "countess", user: { id, name: "Ada Lovelace" } },
  });
  expect(await admin(`PUT ${at(id)}`, { name: "Ada Lovelace" })).toMatchObject({ status: 200 });
  expect((await admin(`PUT ${at(id)}`)).body).toEqual(made.body);
  for (const reference of [id, "@countess", "@COUNTESS"])
    expect(await admin(`GET ${at(reference)}`)).toMatchObject({ status: 200, body: made.body });
  // The first visit finds the person. What the token says counts from then on.
  const token = await provider.tokenOf("ada", { sub: id, name: "Ada King" });
  expect(await me(token)).toMatchObject({ username: "countess", user: { id, name: "Ada King" } });
  expect((await admin(`PUT ${at("@countess")}`, { username: "ada-king", name: null })).body).toMatchObject({
    username: "ada-king",
    user: { id },
  });
  expect((await admin(`PUT ${at("other")}`, { username: "Ada-King" })).body).toMatchObject({
    code: "username_taken",
  });
  expect(await admin(`POST ${at(id)}disable`)).toMatchObject({ status: 204 });
  expect(await api(server, "GET /account/me/", { token })).toMatchObject({ status: 401 });
  const { body } = await admin("GET /admin/audit/");
  const deeds = (body as { user: { id: string } | null; action: string; reason: string }[])
    .filter(({ user }) => user?.id === id)
    .map(({ action, reason }) => `${action} ${reason}`);
  expect(deeds).toEqual(["user.disable ", "user.set ", "user.set import"]);
  // No account is made for what is no id of an outside identity.
  for (const reference of [
    "u_nobody",
    "@nobody",
    "mailto:nobody@example.com",
    "me",
    "=nobody",
    "x".repeat(301),
  ])
    expect((await admin(`PUT ${at(reference)}`, { name: "Nobody" })).body).toMatchObject({
      code: "not_found",
    });
});

test("an id that could be taken for something else is escaped, and an account is found by its address", async () => {
  for (const subject of ["u_system", "@countess", "mailto:x@example.com", "me", "=x"])
    expect(await me(await provider.tokenOf("odd", { sub: subject }))).toMatchObject({
      user: { id: `=${subject}` },
    });
  const fay = await register(server, "fay");
  const found = await admin(`GET ${at(`mailto:${fay.email.toUpperCase()}`)}`);
  expect(found.body).toMatchObject({ username: "fay", email: fay.email, disabledAt: null, deletedAt: null });
  // One person's id is another person's username.
  await provider.tokenOf("someone", { sub: "fay" }).then(me);
  expect(await admin("POST /admin/users/fay/disable")).toMatchObject({
    status: 400,
    body: { code: "invalid" },
  });
  expect(await admin("POST /admin/users/@fay/disable")).toMatchObject({ status: 204 });
  expect((await admin(`GET ${at("fay")}`)).body).toMatchObject({ disabledAt: null });
});

test("nothing can be done to the server itself", async () => {
  for (const name of ["u_system", "@parley", "parley"])
    for (const target of [
      `GET ${at(name)}`,
      ...(name === "parley" ? [] : [`PUT ${at(name)}`]),
      ...["disable", "enable", "restore", "purge"].map((act) => `POST /admin/users/${name}/${act}`),
      ...["sessions", "messages"].map((what) => `DELETE /admin/users/${name}/${what}`),
      `PUT /admin/rooms/lobby/bans/${name}`,
      `DELETE /admin/rooms/lobby/bans/${name}`,
    ])
      expect({ target, ...(await admin(target)) }).toMatchObject({ target, status: 404 });
});

test(
  "without an identity provider, nobody can be created",
  async () => {
    const alone = await startTestServer({ ADMIN_TOKEN: OPERATOR });
    const { status, body } = await api(alone, "PUT /admin/users/42/", {
      token: OPERATOR,
      body: { name: "Ada" },
    });
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining("AUTH_ISSUER") },
    });
    await alone.stop();
  },
  START_MS,
);

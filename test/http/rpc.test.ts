import { beforeAll, expect, expectTypeOf, test } from "bun:test";
import { hc, type InferRequestType, type InferResponseType } from "hono/client";
import type * as v from "valibot";
import type * as answers from "../../src/http/answers.ts";
import type { AppType } from "../../src/http/app.ts";
import { house, START_MS } from "../support/house.ts";
import { PASSWORD, type Person } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

// Hono's client, which knows the routes only from the type of the app.

let server: TestServer;
let ada: Person;
let client: ReturnType<typeof hc<AppType>>;

beforeAll(async () => {
  ({ server, ada } = await house());
  client = hc<AppType>(server.url, { headers: { authorization: `Bearer ${ada.token}` } });
}, START_MS);

test("a person logs in and gets their profile", async () => {
  const signedIn = await client.account.login.$post({ json: { email: ada.email, password: PASSWORD } });
  const { username, access } = await signedIn.json();
  expectTypeOf(access).toEqualTypeOf<string>();
  expect([signedIn.status, username, typeof access]).toEqual([200, "ada", "string"]);
  const me = await client.account.me.$get();
  expect(await me.json()).toMatchObject({ username: "ada", email: ada.email });
});

test("a message is posted, changed, and read from the history", async () => {
  const { messages } = client.rooms[":room"];
  const clientId = crypto.randomUUID();
  const param = { room: "by-type" };
  const posted = await messages.$post({ param, json: { content: "typed", clientId } });
  const { id, timestamp } = await posted.json();
  expect(posted.status).toBe(201);
  await messages[":id"].$patch({ param: { ...param, id: String(id) }, json: { content: "and changed" } });
  await messages[":id"].reactions[":emoji"].$put({
    param: { ...param, id: String(id), emoji: encodeURIComponent("👍") },
    query: {},
  });
  const history = await client.history[":room"].$get({ param, query: { limit: "1" } });
  expect(await history.json()).toEqual([
    {
      room: "by-type",
      id,
      version: 3,
      username: "ada",
      user: { id: expect.stringMatching(/^u_/) },
      content: "and changed",
      timestamp,
      clientId,
      editedAt: expect.any(String),
      reactions: { "👍": { count: 1, users: ["ada"], profiles: [{ id: expect.any(String) }] } },
    },
  ]);
});

test("the types of responses match the document", () => {
  type Login = typeof client.account.login.$post;
  type Sessions = typeof client.account.sessions.$get;
  type Post = (typeof client.rooms)[":room"]["messages"]["$post"];
  type Rooms = typeof client.rooms.$get;
  type History = (typeof client.history)[":room"]["$get"];
  type Audit = typeof client.admin.audit.$get;
  expectTypeOf<InferResponseType<Login, 200>>().toExtend<v.InferOutput<typeof answers.SIGNED_IN>>();
  expectTypeOf<InferResponseType<Sessions, 200>>().toExtend<v.InferOutput<typeof answers.SESSION>[]>();
  expectTypeOf<InferResponseType<Post, 201>>().toExtend<v.InferOutput<typeof answers.POSTED>>();
  expectTypeOf<InferResponseType<Rooms, 200>>().toExtend<v.InferOutput<typeof answers.ROOM>[]>();
  expectTypeOf<InferResponseType<History, 200>>().toExtend<
    v.InferOutput<typeof answers.MESSAGE | typeof answers.NOTICE>[]
  >();
  expectTypeOf<InferResponseType<Audit, 200>>().toExtend<v.InferOutput<typeof answers.AUDIT_ENTRY>[]>();
  expectTypeOf<InferRequestType<Login>["json"]>().toEqualTypeOf<{ email: string; password: string }>();
});

test("input that a route does not read is a type error, and the server rejects it", async () => {
  // @ts-expect-error A password is a string.
  const wrong = await client.account.login.$post({ json: { email: ada.email, password: 12_345_678 } });
  expect<number>(wrong.status).toBe(400);
  // @ts-expect-error There is no such parameter.
  const unknown = await client.rooms.$get({ query: { page: "2" } });
  expect<number>(unknown.status).toBe(400);
  // @ts-expect-error There is no such route.
  expect<number>((await client.account.nothing.$get()).status).toBe(404);
});

import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  ({ server, ada, ben } = await house());
}, START_MS);

test("of one person's 500 logins at once some are served and the others get Retry-After; nobody else notices", async () => {
  const socket = await connect(server, { room: "logins", token: ada.token });
  await socket.next("synced");
  let served = false;
  const body = { email: ada.email, password: PASSWORD };
  const logins = Promise.all(
    Array.from({ length: 500 }, () => api(server, "POST /account/login/", { body })),
  ).finally(() => (served = true));

  // From the same address.
  const others = Promise.all([
    api(server, "POST /account/login/", { body: { email: ben.email, password: PASSWORD } }),
    register(server, "newcomer-among-logins"),
  ]);

  let received = 0;
  while (!served) {
    const sent = { type: "send", clientId: crypto.randomUUID(), content: "hello" };
    expect(await socket.ask(sent)).toMatchObject({ type: "ok", id: received + 1 });
    expect(await socket.next("message")).toMatchObject({ id: ++received });
  }
  expect(received).toBeGreaterThan(20);

  const answers = await logins;
  const rejected = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(500 - rejected.length);
  expect(rejected.length).toBeWithin(300, 500);
  for (const { headers, body: problem } of rejected) {
    expect(Number(headers.get("retry-after"))).toBeWithin(1, 11);
    expect(problem).toMatchObject({ code: "rate_limited", retryable: true });
  }
  expect((await others)[0].status).toBe(200);
  socket.close();
}, 60_000);

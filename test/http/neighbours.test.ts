import { afterAll, beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { START_MS } from "../support/house.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// People who share a network address with somebody who floods the server, in an office or behind an unknown proxy.

let server: TestServer;
let ada: Person;

beforeAll(async () => {
  server = await startTestServer();
  ada = await register(server, "ada");
}, START_MS);
afterAll(() => server.stop());

const login = (email: string, more = {}) =>
  api(server, "POST /account/login/", { body: { email, password: PASSWORD, ...more } });
const refresh = (token: string) => api(server, "POST /account/refresh/", { body: { refresh: token } });

test("while a stranger has spent the budget of an address, those who are known there log in and stay logged in", async () => {
  // All of them are checked before the first is charged, so the address is in debt for about twenty seconds.
  await Promise.all(Array.from({ length: 400 }, () => api(server, "GET /account/me/", { token: "wrong" })));

  const spent = { status: 429, body: expect.objectContaining({ code: "rate_limited" }) };
  expect(await login("stranger@example.com")).toMatchObject(spent);
  expect(await refresh(`${ada.refresh.slice(0, -4)}AAAA`)).toMatchObject(spent);
  expect(await register(server, "newcomer").catch(String)).toContain("429");

  expect(await login(ada.email)).toMatchObject({ status: 200, body: { username: "ada" } });
  const { status, body } = await refresh(ada.refresh);
  expect(status).toBe(200);
  expect(await login(ada.email, { padding: "x".repeat(3000) })).toMatchObject(spent);
  const next = (body as { refresh: string }).refresh;
  expect((await api(server, "POST /account/logout/", { body: { refresh: next } })).status).toBe(204);
});

import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { house, START_MS } from "../support/house.ts";
import { PASSWORD, register } from "../support/people.ts";
import type { TestServer } from "../support/server.ts";

// What the first version of this service promised or did about accounts.

let server: TestServer;

beforeAll(async () => {
  ({ server } = await house());
  await register(server, "taken");
}, START_MS);

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const reg = (body: unknown) => api(server, "POST /account/reg/", { body });
const login = (body: unknown) => api(server, "POST /account/login/", { body });

test("registering as documented returns 201 with both tokens", async () => {
  const answer = await reg({
    email: "test@gmail.com",
    password: "korim@12345678",
    password2: "korim@12345678",
  });
  expect(answer.status).toBe(201);
  expect(answer.body).toEqual({
    message: "Visitor registered successfully",
    access: expect.stringMatching(JWT),
    refresh: expect.any(String),
    email: "test@gmail.com",
    username: "test",
  });
});

test("logging in returns the tokens and the email, at both addresses", async () => {
  const credentials = { email: "taken@example.com", password: PASSWORD };
  for (const answer of [await login(credentials), await reg(credentials)]) {
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      access: expect.stringMatching(JWT),
      refresh: expect.any(String),
      email: "taken@example.com",
      username: "taken",
    });
  }
});

test("paths work without a trailing slash, even for POST", async () => {
  const body = { email: "taken@example.com", password: PASSWORD };
  const { status, body: tokens } = await api(server, "POST /account/login", { body });
  expect(status).toBe(200);
  const { access } = tokens as { access: string };
  expect((await api(server, "GET /history/global", { token: access })).status).toBe(200);
});

test.each(["taken@example.com", "Taken@Example.COM", " taken@example.com "])(
  "an email that is taken is rejected with 409, in any spelling: %j",
  async (email) => {
    const answer = await reg({ email, password: PASSWORD, password2: PASSWORD });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: "email_taken", errors: { email: [expect.any(String)] } });
  },
);

const good = { email: "new@example.com", password: PASSWORD, password2: PASSWORD };
const without = (...fields: (keyof typeof good)[]) =>
  Object.fromEntries(Object.entries(good).filter(([name]) => !fields.includes(name as keyof typeof good)));

test.each<[string, object, string]>([
  ["a password under 8 characters", { ...good, password: "short77", password2: "short77" }, "password"],
  ["passwords that differ", { ...good, password2: "another password" }, "password2"],
  ["no email", without("email"), "email"],
  ["no password", without("password"), "password"],
  ["no password2 beside a username", { ...without("password2"), username: "new" }, "password2"],
  ["a blank email", { ...good, email: "  " }, "email"],
  ["a blank password", { ...good, password: "         ", password2: "         " }, "password"],
  ["a null email", { ...good, email: null }, "email"],
  ["a null password", { ...good, password: null }, "password"],
  ["a null password2", { ...good, password2: null }, "password2"],
  ["an email that is a number", { ...good, email: 5 }, "email"],
  ["a password that is a list", { ...good, password: [PASSWORD] }, "password"],
  ["a password2 that is an object", { ...good, password2: {} }, "password2"],
  ["a text that is not an email", { ...good, email: "not an email" }, "email"],
  ["an email over 254 characters", { ...good, email: `${"a".repeat(64)}@${"b.".repeat(94)}com` }, "email"],
  ["a null email at a login", { email: null, password: PASSWORD }, "email"],
])("%s is rejected with 400, naming the field", async (_, body, field) => {
  const answer = await reg(body);
  expect(answer.status).toBe(400);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.body).toMatchObject({ code: "invalid", retryable: false });
  expect(Object.keys((answer.body as { errors: object }).errors)).toEqual([field]);
  expect(answer.text).not.toContain(PASSWORD);
});

test("a wrong password and an unknown email get the same response", async () => {
  const wrong = await login({ email: "taken@example.com", password: "not the password" });
  const unknown = await login({ email: "nobody@example.com", password: "not the password" });
  expect(wrong.status).toBe(401);
  expect(wrong.body).toMatchObject({ code: "invalid_credentials", detail: "Invalid Credentials" });
  expect({ status: unknown.status, text: unknown.text }).toEqual({ status: 401, text: wrong.text });
});

test.each<[string, unknown, Record<string, string>, number, string]>([
  ["malformed JSON", "{", {}, 400, "malformed"],
  ["JSON that is not an object", "[]", {}, 400, "malformed"],
  [
    "another content type",
    "email=a",
    { "content-type": "application/x-www-form-urlencoded" },
    415,
    "unsupported_media_type",
  ],
])("%s is rejected", async (_, body, headers, status, code) => {
  for (const path of ["/account/reg/", "/account/login/"]) {
    const answer = await api(server, `POST ${path}`, { body, headers });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code });
  }
});

test("another method is rejected with 405 and an Allow header", async () => {
  for (const target of ["GET /account/reg/", "PUT /account/login/", "DELETE /history/global/"]) {
    const answer = await api(server, target);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toMatch(/POST|GET/);
  }
});

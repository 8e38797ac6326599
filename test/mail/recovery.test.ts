import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { startMailServer, type MailServer, tokenIn } from "../support/mailserver.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import { until } from "../support/until.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

// Addresses that are confirmed, and passwords that are set, with links from mails.

let smtp: MailServer;
let server: TestServer;
let people = 0;

beforeAll(async () => {
  smtp = await startMailServer();
  server = await startTestServer({ ...smtp.env, METRICS_TOKEN, BUDGETS: "0", LOGIN_RATE: "0" });
});
afterAll(async () => {
  await server.stop();
  await smtp.stop();
});

const METRICS_TOKEN = "metrics-token-0123456789";
const NEW = "a wholly different phrase";
const call = async (target: string, body?: unknown, token?: string) => {
  const { status, body: answer } = await api(server, target, { body, token });
  return { status, code: (answer as { code?: string } | undefined)?.code, answer };
};
const reset = (token: string, password = NEW) =>
  call("POST /account/reset/password/", { token, new: password, new2: password });
const login = (email: string, password: string) => call("POST /account/login/", { email, password });
const settingsOf = async ({ token }: Person) => (await call("GET /account/mail/", undefined, token)).answer;

/** How many mails were not sent, because there was nobody to send them to. */
const voidMails = async () => {
  const { text } = await api(server, "GET /metrics", { token: METRICS_TOKEN });
  return Number(/parley_mails_total\{outcome="void"\} (\d+)/.exec(text)?.[1] ?? 0);
};

/** Registers someone, and waits for the mail that confirms their address. */
async function newcomer() {
  const person = await register(server, `person${++people}`);
  return { person, welcome: await smtp.next(person.email, /^Confirm/) };
}

/** Has a link sent to someone. */
async function askFor(email: string) {
  expect(await call("POST /account/reset/", { email })).toMatchObject({ status: 202 });
  return smtp.next(email, /^Set a new password/);
}

describe("a password", () => {
  test("is set with the link of a mail, which ends all sessions and confirms the address", async () => {
    const { person } = await newcomer();
    const mail = await askFor(person.email);
    expect(mail.recipients).toEqual([person.email]);
    expect(mail.subject).toBe("Set a new password (chat.example.com)");
    expect(await reset(tokenIn(mail))).toMatchObject({ status: 204 });
    expect(await call("GET /account/me/", undefined, person.token)).toMatchObject({ code: "session_ended" });
    expect(await login(person.email, PASSWORD)).toMatchObject({ code: "invalid_credentials" });
    const { answer } = await login(person.email, NEW);
    expect(await call("GET /account/mail/", undefined, (answer as { access: string }).access)).toMatchObject({
      answer: { email: person.email, verified: true, digest: true },
    });
    expect((await smtp.next(person.email)).subject).toBe("Your password was changed (chat.example.com)");
  });

  test("is set once with each link, and by no link from before", async () => {
    const { person } = await newcomer();
    const [first, second] = [tokenIn(await askFor(person.email)), tokenIn(await askFor(person.email))];
    expect(first).not.toBe(second);
    expect(await reset(second, "password")).toMatchObject({ status: 400, code: "invalid" });
    expect(await reset(second)).toMatchObject({ status: 204 });
    for (const used of [first, second])
      expect(await reset(used)).toMatchObject({ status: 403, code: "link_invalid" });
  });

  test("of twelve who use one link at once, one sets it", async () => {
    const { person } = await newcomer();
    const token = tokenIn(await askFor(person.email));
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) => reset(token, `${NEW} ${index}`)),
    );
    expect(results.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(results.filter(({ code }) => code === "link_invalid")).toHaveLength(11);
  });

  test("is not set with the link for something else, or one that is changed", async () => {
    const { person, welcome } = await newcomer();
    const token = tokenIn(await askFor(person.email));
    for (const wrong of [tokenIn(welcome), `${token}x`, token.slice(1), "x"])
      expect(await reset(wrong)).toMatchObject({ code: "link_invalid" });
    expect(await call("POST /account/verify/", { token })).toMatchObject({ code: "link_invalid" });
    expect(await reset(token)).toMatchObject({ status: 204 });
  });

  test("that is changed by its owner voids the links that were sent before", async () => {
    const { person } = await newcomer();
    const token = tokenIn(await askFor(person.email));
    const change = { password: PASSWORD, new: NEW, new2: NEW };
    expect(await call("POST /account/password/", change, person.token)).toMatchObject({ status: 204 });
    await smtp.next(person.email, /^Your password was changed/);
    expect(await reset(token)).toMatchObject({ code: "link_invalid" });
  });

  test("at most three links an hour are sent for one account, and the last one still works", async () => {
    const { person } = await newcomer();
    let last = "";
    for (let mail = 0; mail < 3; mail++) last = tokenIn(await askFor(person.email));
    const before = await voidMails();
    expect(await call("POST /account/reset/", { email: person.email })).toMatchObject({ status: 202 });
    await until(async () => (await voidMails()) > before);
    expect(await reset(last)).toMatchObject({ status: 204 });
  });
});

describe("an address", () => {
  test("is confirmed with the link that comes after the registration", async () => {
    const { person, welcome } = await newcomer();
    expect(welcome.recipients).toEqual([person.email]);
    expect(await settingsOf(person)).toEqual({ email: person.email, verified: false, digest: true });
    const token = tokenIn(welcome);
    expect(await call("POST /account/verify/", { token })).toMatchObject({
      status: 200,
      answer: { email: person.email },
    });
    expect(await settingsOf(person)).toMatchObject({ verified: true });
    expect(await call("POST /account/verify/", { token })).toMatchObject({ code: "link_invalid" });
  });

  test("is changed once the new one is confirmed, and the old one is told", async () => {
    const { person, welcome } = await newcomer();
    const email = `moved-${person.email}`;
    const change = (body: object) => call("POST /account/email/", body, person.token);
    expect(await change({ email, password: "wrong password" })).toMatchObject({
      status: 400,
      code: "invalid",
    });
    const old = tokenIn(await askFor(person.email));
    expect(await change({ email, password: PASSWORD })).toMatchObject({ status: 202 });
    const mail = await smtp.next(email);
    expect(await settingsOf(person)).toMatchObject({ email: person.email });
    expect(await call("POST /account/verify/", { token: tokenIn(mail) })).toMatchObject({
      answer: { email },
    });
    expect(await settingsOf(person)).toMatchObject({ email, verified: true });
    expect((await smtp.next(person.email)).text).not.toContain(email);
    expect(await reset(old)).toMatchObject({ code: "link_invalid" });
    expect(await call("POST /account/verify/", { token: tokenIn(welcome) })).toMatchObject({
      code: "link_invalid",
    });
    expect(await login(email, PASSWORD)).toMatchObject({ status: 200 });
  });

  test("of someone else stays theirs, and gets no mail", async () => {
    const [{ person: ada }, { person: ben }] = [await newcomer(), await newcomer()];
    const body = { email: ben.email, password: PASSWORD };
    const before = await voidMails();
    expect(await call("POST /account/email/", body, ada.token)).toMatchObject({ status: 202 });
    await until(async () => (await voidMails()) > before);
    expect(smtp.mails.filter(({ recipients }) => recipients.includes(ben.email))).toHaveLength(1);
  });

  test("that someone registers meanwhile is theirs", async () => {
    const { person } = await newcomer();
    const email = "later@example.com";
    await call("POST /account/email/", { email, password: PASSWORD }, person.token);
    const token = tokenIn(await smtp.next(email));
    await register(server, "later");
    expect(await call("POST /account/verify/", { token })).toMatchObject({
      status: 409,
      code: "email_taken",
    });
    expect(await settingsOf(person)).toMatchObject({ email: person.email });
  });
});

describe("mails", () => {
  test("have a date, an id of their own and a plain text, and load nothing", async () => {
    const { welcome } = await newcomer();
    expect(welcome.messageId).toMatch(/^<[\w-]{36}@example\.com>$/);
    expect(Math.abs((welcome.date?.getTime() ?? 0) - Date.now())).toBeLessThan(600_000);
    expect(welcome.headers.get("auto-submitted")).toBe("auto-generated");
    expect(welcome.from?.text).toBe('"Example Chat" <chat@example.com>');
    expect(welcome.text).toContain("Confirm this address");
    expect(String(welcome.html)).toContain(tokenIn(welcome));
    expect(String(welcome.html)).not.toMatch(/<img|<script|src=|url\(|<link/);
  });

  test("go to addresses in other scripts", async () => {
    const body = { email: "zoë@bücher.example", password: PASSWORD, password2: PASSWORD };
    expect(await call("POST /account/reg/", body)).toMatchObject({ status: 201 });
    await smtp.next("zoë@bücher.example");
  });

  test("nor addresses, passwords or tokens of links are in the log", async () => {
    const { person } = await newcomer();
    const token = tokenIn(await askFor(person.email));
    await reset(token);
    const log = JSON.stringify(server.log);
    for (const secret of [person.email, token, NEW]) expect(log).not.toContain(secret);
    expect(log).toContain("password.recover");
  });
});

test("a server without SMTP_URL has none of these routes, and says nothing of them", async () => {
  const plain = await startTestServer({});
  const page = await fetch(plain.url).then((response) => response.text());
  expect(page).not.toContain("data-mails");
  expect(await fetch(server.url).then((response) => response.text())).toContain("data-mails");
  const routes = ["POST /account/reset", "POST /account/verify", "GET /account/mail", "POST /account/email"];
  for (const route of routes) {
    const [method = "", path = ""] = route.split(" ");
    expect((await fetch(plain.url + path, { method })).status).toBe(404);
  }
  await plain.stop();
});

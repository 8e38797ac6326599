import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { START_MS } from "../support/house.ts";
import { type MailServer, startMailServer, tokenIn } from "../support/mailserver.ts";
import { needs } from "../support/needs.ts";
import { register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { violations } from "./axe.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

const NEW = "a wholly different phrase";

needs("chromium")("mails and the page", () => {
  let browser: Browser;
  let smtp: MailServer;
  let server: TestServer;
  beforeAll(async () => {
    smtp = await startMailServer();
    server = await startTestServer({ ...smtp.env, LOGIN_RATE: "0", BUDGETS: "0" });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await smtp?.stop();
  });

  const button = (page: Page, name: string) => page.getByRole("button", { name });

  test("a forgotten password is set with a link, which reaches no server in a URL and asks first", async () => {
    const { email } = await register(server, "fay");
    const visitor = await visit(browser, server.url);
    const { page } = visitor;
    const requested: string[] = [];
    page.on("request", (request) => requested.push(request.url(), request.headers().referer ?? ""));
    await button(page, "Forgot your password?").click();
    await page.getByLabel("Email").fill(email);
    await button(page, "Send a link").click();
    await page.getByText("If there is an account with the address fay@example.com").waitFor();
    expect(await violations(page)).toEqual([]);

    const token = tokenIn(await smtp.next(email, /^Set a new password/));
    await page.goto(`${server.url}/#/reset/${token}`);
    await page.getByLabel("New password").waitFor();
    expect(page.url()).toBe(`${server.url}/#/`);
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("New password").fill("password");
    await button(page, "Set the password").click();
    await page.locator("[role=alert]", { hasText: "easy to guess" }).waitFor();
    await page.getByLabel("New password").fill(NEW);
    await button(page, "Set the password").click();
    await page.getByText("Your new password is set").waitFor();
    await button(page, "Go on to chat").click();
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password").fill(NEW);
    await button(page, "Sign in").click();
    await page.locator(".sidebar").waitFor();
    expect(requested.filter((url) => url.includes(token))).toEqual([]);
    await visitor.close();
  });

  test("the account shows whether the address is confirmed, and a link confirms it with one click", async () => {
    const { email } = await register(server, "gil");
    const token = tokenIn(await smtp.next(email, /^Confirm/));
    const visitor = await visit(browser, server.url);
    const { page } = visitor;
    await visitor.signIn("gil");
    await page.evaluate(() => void (location.hash = "#/account"));
    await page.getByText("not confirmed").waitFor();
    await page.evaluate((hash) => void (location.hash = hash), `#/verify/${token}`);
    await button(page, "Confirm this address").click();
    await page.getByText("gil@example.com is confirmed.").waitFor();
    await button(page, "Go on to chat").click();
    await page.evaluate(() => void (location.hash = "#/account"));
    await page.getByText("confirmed", { exact: true }).waitFor();
    const digest = button(page, "Mail me about mentions and direct messages that I have missed");
    await digest.click();
    await page.locator("button[aria-pressed=false]", { hasText: "Mail me about" }).waitFor();

    await page.getByLabel("New address").fill("gil@example.org");
    await page.locator("#mail-password").fill("correct horse battery");
    await button(page, "Change address").click();
    await page.getByText("on its way to gil@example.org").waitFor();
    await smtp.next("gil@example.org", /^Confirm your new/);
    expect(await violations(page)).toEqual([]);
    await visitor.close();
  });
});

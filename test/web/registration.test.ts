import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { startBrowser } from "../support/browser.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

needs("chromium")("registering by invitation", () => {
  let browser: Browser;
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ REGISTRATION: "invite", ADMIN_TOKEN, LOGIN_RATE: "0" });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const invite = async () => {
    const { body } = await api(server, "POST /admin/registration-links", { token: ADMIN_TOKEN });
    return (body as { token: string }).token;
  };

  test("without a link the page has no form for it, and says whom to ask", async () => {
    const visitor = await visit(browser, server.url);
    await visitor.page.getByText("Ask the operator of this server for a link.").waitFor();
    expect(await visitor.page.getByRole("button", { name: "Create an account" }).count()).toBe(0);
    await visitor.close();
  });

  test("a link opens the form, leaves the address bar, reaches no server in a URL, and works once", async () => {
    const token = await invite();
    const link = `${server.url}/#/register/${token}`;
    const first = await visit(browser, "about:blank");
    const requested: string[] = [];
    first.page.on("request", (request) => requested.push(request.url(), request.headers().referer ?? ""));
    await first.page.goto(link);
    await first.page.getByRole("button", { name: "Sign up" }).waitFor();
    expect(first.page.url()).toBe(`${server.url}/#/`);

    const signUp = async ({ page }: typeof first, name: string) => {
      await page.getByLabel("Email").fill(`${name}@example.com`);
      await page.getByLabel("Password").fill("a few good words");
      await page.getByRole("button", { name: "Sign up" }).click();
    };
    await signUp(first, "dee");
    await first.page.locator(".sidebar").waitFor();
    expect(requested.filter((url) => url.includes(token))).toEqual([]);

    const second = await visit(browser, link);
    await signUp(second, "eli");
    await second.page.getByText("This registration link was already used or has expired.").waitFor();

    // A link that is opened in a tab that shows the page already.
    const fresh = await invite();
    await second.page.evaluate((hash) => void (location.hash = hash), `#/register/${fresh}`);
    await second.page.getByText("already used").waitFor({ state: "detached" });
    await signUp(second, "eli");
    await second.page.locator(".sidebar").waitFor();
    expect(second.page.url()).toBe(`${server.url}/#/`);
    for (const visitor of [first, second]) await visitor.close();
  });
});

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { buildPage, type PageFile } from "../../src/http/page/files.ts";
import { createPage } from "../../src/http/page/page.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, house, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

/** Waits until the worker has stored the page and answers for this tab. */
const controlled = (page: Page) =>
  until(() => page.evaluate(() => navigator.serviceWorker.controller?.state === "activated"));

/** Everything in the cache storage, as text. */
const stored = (page: Page) =>
  page.evaluate(async () => {
    const all: { readonly path: string; readonly text: string }[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const text = (await (await cache.match(request))?.text()) ?? "";
        all.push({ path: new URL(request.url).pathname, text });
      }
    }
    return all;
  });

/** The same page as a newer version: scripts have other names, and the title says so. */
async function newerFiles(): Promise<PageFile[]> {
  const rename = (text: string) => text.replace(/chunk-(\w{8})\.(js|css)/g, "chunk-$1-aaaaaaaa.$2");
  return (await buildPage()).map((file) => {
    if (!/\.(?:html|js|css)$/.test(file.name)) return file;
    const text = rename(new TextDecoder().decode(file.content));
    const content = new TextEncoder().encode(text.replace("<html", '<html data-newer=""'));
    return { ...file, name: rename(file.name), content };
  });
}

needs("chromium")("the page's service worker", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await house();
    browser = await sharedBrowser();
  });

  test("the page opens without a connection, with all of its parts", async () => {
    const proxy = startProxy(home.server.port);
    const ada = await visit(browser, proxy.url);
    await ada.signIn("ada");
    await controlled(ada.page);
    proxy.refuse = true;
    proxy.cut();
    await ada.page.reload();
    await ada.page.locator(".sidebar").waitFor();
    // This part was never loaded before.
    await ada.page.getByRole("link", { name: "Account of ada" }).click();
    await ada.page.getByRole("heading", { name: "Appearance" }).waitFor();
    await ada.close();
    proxy.stop();
  });

  test("without a connection it shows the rooms and messages that were there, and nothing after signing out", async () => {
    const proxy = startProxy(home.server.port);
    const ada = await visit(browser, proxy.url);
    const { page } = ada;
    await ada.signIn("ada");
    await ada.enter("web-kept");
    await ada.say("kept for later");
    await ada.sees("kept for later");
    await ada.enter("web-kept-too");
    await ada.say("kept too");
    await ada.sees("kept too");
    await controlled(page);
    const kept = async () => (await stored(page)).filter(({ path }) => path.startsWith("/kept/"));
    await until(async () => (await kept()).filter(({ text }) => text.includes("kept ")).length === 3);
    proxy.refuse = true;
    proxy.cut();
    await page.reload();
    await ada.sees("kept too");
    await page.locator(".line", { hasText: "web-kept-too" }).waitFor();
    expect(await page.locator(".line", { hasText: "web-kept-too" }).count()).toBe(1);
    await page.locator(".line", { hasText: "kept for later" }).click();
    await ada.sees("kept for later");
    // What is written now is sent later.
    await ada.say("from the train");
    await page.getByText("from the train").first().waitFor();
    proxy.refuse = false;
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await page.locator("[data-id] .text", { hasText: "from the train" }).waitFor();
    expect(await ada.texts()).toEqual(["kept for later", "from the train"]);

    await page.evaluate(() => void (location.hash = "#/account"));
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByLabel("Password").waitFor();
    await until(async () => (await kept()).length === 0);
    await ada.close();
    proxy.stop();
  });

  test("a server that does not respond in time, or fails, does not keep the page away", async () => {
    const proxy = startProxy(home.server.port);
    const ben = await visit(browser, proxy.url);
    await ben.signIn("ben");
    await controlled(ben.page);
    proxy.hold();
    proxy.cut();
    await ben.page.reload();
    await ben.page.locator(".sidebar").waitFor();
    proxy.release();
    const broken = Bun.serve({ port: 0, fetch: () => new Response("bad gateway", { status: 502 }) });
    proxy.target = broken.port ?? 0;
    proxy.cut();
    await ben.page.reload();
    await ben.page.locator(".sidebar").waitFor();
    await ben.close();
    await broken.stop(true);
    proxy.stop();
  });

  test("it stores the page's files, and nothing that a token opens", async () => {
    const cy = await visit(browser, home.server.url);
    await cy.signIn("cy");
    await cy.enter("web-worker");
    await cy.say("not for the cache of files");
    await cy.sees("not for the cache of files");
    await controlled(cy.page);
    await cy.page.reload();
    await cy.sees("not for the cache of files");
    const everything = await stored(cy.page);
    const all = everything.filter(({ path }) => !path.startsWith("/kept/"));
    const paths = all.map(({ path }) => path);
    expect(paths).toContain("/");
    expect(paths.filter((path) => !/^\/(?:[\w-]+\.(?:js|css|svg|png))?$/.test(path))).toEqual([]);
    const secrets = await cy.page.evaluate(() => {
      const session = Object.entries(localStorage).find(([key]) => key.endsWith(" session"))?.[1] ?? "{}";
      return Object.values(JSON.parse(session) as object).filter(
        (value): value is string => typeof value === "string" && value.length > 40,
      );
    });
    expect(secrets.length).toBeGreaterThan(0);
    for (const secret of secrets)
      expect(everything.filter(({ text }) => text.includes(secret)).map(({ path }) => path)).toEqual([]);
    for (const secret of ["not for the cache of files"])
      expect(all.filter(({ text }) => text.includes(secret)).map(({ path }) => path)).toEqual([]);
    await cy.close();
  });

  test("the page can start no other worker", async () => {
    const visitor = await visit(browser, home.server.url);
    const { page } = visitor;
    await controlled(page);
    const failure = await page.evaluate(() =>
      navigator.serviceWorker.register("/elsewhere.js").then(String, (error: Error) => error.name),
    );
    expect(failure).toBe("TypeError");
    const another = () =>
      page.evaluate(() => {
        const { trustedTypes } = globalThis as unknown as {
          trustedTypes: { createPolicy(name: string, rules: object): unknown };
        };
        try {
          trustedTypes.createPolicy("mine", { createScriptURL: String });
          return "";
        } catch (error) {
          return (error as Error).name;
        }
      });
    expect(await another()).toBe("TypeError");
    await page.evaluate(() => void (globalThis.violations.length = 0));
    await visitor.close();
  });

  let newer: ReturnType<typeof Bun.serve> | undefined;
  afterAll(() => newer?.stop(true));

  test("a newer version of the page leaves open tabs as they are, and is there when they are opened again", async () => {
    const proxy: Proxy = startProxy(home.server.port);
    const page2 = createPage({}, newerFiles);
    newer = Bun.serve({
      port: 0,
      fetch: (request) => {
        const { pathname, search } = new URL(request.url);
        return page2.answer(request, pathname) ?? fetch(home.server.url + pathname + search, request);
      },
    });
    const ada = await visit(browser, proxy.url);
    const context = ada.page.context();
    await ada.signIn("ada");
    await controlled(ada.page);
    proxy.target = newer.port ?? 0;
    proxy.cut();
    // Another tab shows the newer page at once, and its worker waits for the old tab.
    const other = await context.newPage();
    await other.goto(proxy.url);
    await other.locator("html[data-newer]").waitFor();
    await until(() =>
      other.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting !== null),
    );
    // The server does not have this part of the old page any more.
    await ada.page.getByRole("link", { name: "Account of ada" }).click();
    await ada.page.getByRole("heading", { name: "Appearance" }).waitFor();
    await ada.close();
    proxy.stop();
  });

  test("when the last tab of the earlier version is closed, its files are removed", async () => {
    const proxy = startProxy(home.server.port);
    const context = await browser.newContext();
    const open = async () => {
      const page = await context.newPage();
      await page.goto(proxy.url);
      await controlled(page);
      return page;
    };
    const versions = (page: Page) => page.evaluate(() => caches.keys());
    const old = await open();
    const [first] = await versions(old);
    proxy.target = newer?.port ?? 0;
    proxy.cut();
    await old.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      await registration?.update();
    });
    await until(async () => (await versions(old)).length === 2);
    await old.close();
    // The browser needs a moment to notice that the tab is gone. A tab opened before belongs to the earlier version.
    let page = await open();
    await until(async () => {
      const names = await versions(page);
      if (names.length === 1 && names[0] !== first) return true;
      await page.close();
      page = await open();
      return false;
    });
    proxy.refuse = true;
    proxy.cut();
    await page.reload();
    await page.locator("html[data-newer]").waitFor();
    await page.getByLabel("Email").waitFor();
    await context.close();
    proxy.stop();
  });
});

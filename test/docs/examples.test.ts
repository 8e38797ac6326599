import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { sharedBrowser } from "../support/browser.ts";
import { builtClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startProgram } from "./program.ts";

setDefaultTimeout(2 * START_MS);

const CHAT_KEY = "the-key-of-the-backend";
const ROOT = join(import.meta.dir, "../..");

/** Copies of the examples, with links in place of installed packages. */
const copies = temporaryFolder();
const [page, product] = ["page", "product"].map((name) => join(copies.path, name)) as [string, string];

beforeAll(async () => {
  await builtClient();
  await cp(join(ROOT, "examples"), copies.path, { recursive: true });
  await cp(join(ROOT, "dist/client/index.js"), join(page, "client.js"));
  const modules = join(product, "node_modules");
  await mkdir(modules);
  const { dependencies } = await Bun.file(join(product, "package.json")).json();
  for (const name of [...Object.keys(dependencies), "@types"])
    await symlink(join(ROOT, "node_modules", name), join(modules, name));
  await mkdir(join(modules, "@parley-chat"));
  await symlink(join(ROOT, "dist/client"), join(modules, "@parley-chat/client"));
});
afterAll(() => copies.remove());

describe("the example product", () => {
  test("has no type errors with its own dependencies", async () => {
    const tsc = Bun.spawn([process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", product], {
      stdout: "pipe",
    });
    expect(await new Response(tsc.stdout).text()).toBe("");
    expect(await tsc.exited).toBe(0);
  });

  test("contains all code that docs/PRODUCT.md shows", async () => {
    const text = await Bun.file(join(ROOT, "docs/PRODUCT.md")).text();
    const flush = (code: string) => code.replaceAll(/^ +/gm, "");
    const shown = [...text.matchAll(/^```tsx?\n(.*?)^```$/gms)].map(([, code = ""]) => flush(code));
    const folder = join(ROOT, "examples/product");
    const names = (await readdir(folder)).filter((name) => /\.tsx?$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => flush(await Bun.file(join(folder, name)).text())),
    );
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.filter((code) => !files.some((file) => file.includes(code)))).toEqual([]);
  });
});

needs("chromium")("the examples in a browser", () => {
  const contexts: BrowserContext[] = [];
  afterAll(() => Promise.all(contexts.map((context) => context.close())));

  /** Opens a page in a new browser context. Script errors fail the test. */
  async function visit(url: string): Promise<Page> {
    const context = await (await sharedBrowser()).newContext();
    contexts.push(context);
    const tab = await context.newPage();
    tab.on("pageerror", (error) => expect(error).toBeUndefined());
    await tab.goto(url);
    return tab;
  }
  const has = (tab: Page, selector: string, text: string) =>
    tab.locator(selector).getByText(text, { exact: true }).waitFor();
  const texts = async (tab: Page) =>
    (await tab.locator("li.message").allTextContents()).map((text) => text.trim());

  test("the plain page: an account, a message, a reload, and markup shown as text", async () => {
    const server = await startTestServer();
    await using site = await startProgram([process.execPath, "--port=0", "index.html"], page, {});
    const address = `${await site.url()}?server=${server.url}`;
    const ada = await visit(address);
    const ben = await visit(address);
    for (const [tab, name] of [
      [ada, "ada"],
      [ben, "ben"],
    ] as const) {
      await tab.getByLabel("Email").fill(`${name}@example.com`);
      await tab.getByLabel("Password").fill(PASSWORD);
      await tab.getByRole("button", { name: "Create an account" }).click();
      await has(tab, "#state", `${name}: open`);
    }
    await ada.getByLabel("Message").fill("Hello <b>Ben</b>");
    await ada.getByRole("button", { name: "Send" }).click();
    await has(ben, "#messages", "ada: Hello <b>Ben</b>");
    await ben.reload();
    await has(ben, "#messages", "ada: Hello <b>Ben</b>");
    await ben.getByRole("button", { name: "Log out" }).click();
    await ben.getByLabel("Email").fill("ben@example.com");
    await ben.getByLabel("Password").fill("not my password");
    await ben.getByRole("button", { name: "Log in" }).click();
    await ben.getByRole("alert").getByText("Invalid Credentials").waitFor();
    await server.stop();
  });

  describe("the product", () => {
    let server: TestServer;
    let proxy: Proxy;
    let shop: Awaited<ReturnType<typeof startProgram>>;
    let url: string;
    const ask = (method: string, path: string) => fetch(`${url}${path}`, { method });
    beforeAll(async () => {
      proxy = startProxy(0);
      shop = await startProgram([process.execPath, "backend.ts"], product, {
        PORT: "0",
        CHAT_URL: proxy.url,
        CHAT_KEY,
      });
      url = await shop.url();
      server = await startTestServer({
        AUTH_JWKS_URL: `${url}jwks.json`,
        AUTH_ISSUER: "https://shop.example.com",
        AUTH_AUDIENCE: "chat",
        ROOM_ACCESS: "members",
        REGISTRATION: "off",
        ADMIN_TOKEN: CHAT_KEY,
      });
      proxy.target = server.port;
      for (const [order, status] of [
        [7, 201],
        [7, 200],
        [8, 201],
      ] as const)
        expect((await ask("POST", `orders/${order}`)).status).toBe(status);
    });
    afterAll(async () => {
      await shop?.[Symbol.asyncDispose]();
      proxy?.stop();
      await server?.stop();
    });

    test("buyer and seller talk about their order, the shop posts once, and a lost connection loses nothing", async () => {
      const ada = await visit(`${url}login/buyer`);
      const ben = await visit(`${url}login/seller`);
      for (const tab of [ada, ben]) await has(tab, "#state", "live");

      await ada.getByLabel("Message").fill("When does it come?");
      await has(ben, "#typing", "ada …");
      await ada.getByRole("button", { name: "Send" }).click();
      await has(ben, "li.message", "ada: When does it come?");

      for (const status of [201, 200]) expect((await ask("POST", "orders/7/ship")).status).toBe(status);
      await has(ada, "li.message .card", "Order 7: shipped");

      proxy.refuse = true;
      proxy.cut();
      await has(ben, "#state", "offline");
      await ben.getByLabel("Message").fill("Good");
      await ben.getByRole("button", { name: "Send" }).click();
      await has(ben, "li.waiting", "Good …");
      proxy.refuse = false;
      await has(ada, "li.message", "ben: Good");
      await has(ben, "li.message", "ben: Good");
      const all = [
        "ada: When does it come?",
        "parley: Your order is on its way. Order 7: shipped",
        "ben: Good",
      ];
      for (const tab of [ada, ben]) expect(await texts(tab)).toEqual(all);
    });

    test("support comes, sees what was said, and sees nothing more once it is gone", async () => {
      const ada = await visit(`${url}login/buyer`);
      const sue = await visit(`${url}login/support`);
      await sue.getByRole("alert").getByText("You do not have permission to do this.").waitFor();
      expect((await ask("PUT", "orders/7/support")).status).toBe(200);
      await has(ada, "li.notice", "sue joined the conversation.");
      await sue.reload();
      await has(sue, "li.message", "ada: When does it come?");
      await sue.getByLabel("Message").fill("May I help?");
      await sue.getByRole("button", { name: "Send" }).click();
      await has(ada, "li.message", "sue: May I help?");

      expect((await ask("DELETE", "orders/7/support")).status).toBe(200);
      await has(ada, "li.notice", "sue left the conversation.");
      await sue.getByRole("alert").first().waitFor();
      await ada.getByLabel("Message").fill("Between us");
      await ada.getByRole("button", { name: "Send" }).click();
      await has(ada, "li.message", "ada: Between us");
      expect(await sue.getByText("Between us").count()).toBe(0);
      await sue.reload();
      await sue.getByRole("alert").getByText("You do not have permission to do this.").waitFor();
    });

    test("nobody enters the room of somebody else's order, and nobody gets a token without a login", async () => {
      const ada = await visit(`${url}login/buyer`);
      await ada.goto(`${url}?order=8`);
      await ada.getByRole("alert").getByText("You do not have permission to do this.").waitFor();
      const ben = await visit(`${url}login/seller`);
      await ben.goto(`${url}?order=8`);
      await has(ben, "#state", "live");
      expect((await fetch(`${url}chat/token`)).status).toBe(401);
    });
  });
});

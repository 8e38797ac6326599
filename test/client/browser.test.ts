import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Chat, Message, Ports } from "../../src/client/index.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { builtClient } from "../support/built-client.ts";
import { house, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD, type Person } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(2 * START_MS);

const ROOT = join(import.meta.dir, "../..");
const EACH = 25;

/** Globals of the pages in these tests. */
declare global {
  var chat: Chat;
  /** How far the page's clock is ahead, in milliseconds. */
  var ahead: number;
}

needs("chromium")("the built client in Chromium", () => {
  let browser: Browser;
  let site: Bun.Server<undefined>;
  let proxy: Proxy;
  let home: Awaited<ReturnType<typeof house>>;

  beforeAll(async () => {
    await builtClient();
    const client = await Bun.file(join(ROOT, "dist/client/index.js")).text();
    const files: Record<string, [string, string]> = {
      "/": ["text/html", "<!doctype html><title>A page</title>"],
      "/client.js": ["text/javascript", client],
    };
    site = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      reusePort: false,
      fetch(request) {
        const [type, text] = files[new URL(request.url).pathname] ?? [];
        return type === undefined
          ? new Response(null, { status: 404 })
          : new Response(text, { headers: { "content-type": type } });
      },
    });
    home = await house();
    proxy = startProxy(home.server.port);
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    proxy?.stop();
    await site?.stop(true);
  });

  /** How a page creates its chat. `wait` replaces `random`, so it scales every backoff. */
  interface Making {
    readonly wait: number;
    readonly locks?: boolean;
  }

  /** Opens a page with a chat that connects through the proxy. */
  async function open(context: BrowserContext, making: Making = { wait: 0.02 }): Promise<Page> {
    const page = await context.newPage();
    page.on("pageerror", (error) => expect(error).toBeUndefined());
    await page.goto(site.url.href);
    await page.evaluate(
      async ({ url, wait, locks }) => {
        const { createChat } = (await import(`${location.origin}/client.js`)) as {
          createChat: typeof import("../../src/client/index.ts").createChat;
        };
        globalThis.ahead = 0;
        const ports: Partial<Ports> = {
          random: () => wait,
          clock: {
            now: () => Date.now() + globalThis.ahead,
            monotonic: () => performance.now(),
            after(ms, task) {
              const timer = setTimeout(task, ms);
              return () => clearTimeout(timer);
            },
          },
          ...(locks === false && { locks: undefined }),
        };
        globalThis.chat = createChat({ url, storage: localStorage, ports });
        await globalThis.chat.ready;
      },
      { url: proxy.url, ...making },
    );
    return page;
  }

  const login = (page: Page, { email }: Person) =>
    page.evaluate((who) => globalThis.chat.login(who), { email, password: PASSWORD });

  const enter = async (page: Page, room: string) => {
    await page.evaluate((name) => void globalThis.chat.room(name).join(), room);
    await live(page, room);
  };
  const live = (page: Page, room: string) =>
    page.waitForFunction((name) => globalThis.chat.room(name).snapshot().state === "live", room);

  const listOf = (page: Page, room: string): Promise<readonly Message[]> =>
    page.evaluate((name) => globalThis.chat.room(name).snapshot().messages, room);

  test("two people talk through breaking connections, and both end up with the exact room", async () => {
    const room = "in-browsers";
    const contexts = await Promise.all([browser.newContext(), browser.newContext()]);
    const [ada, ben] = (await Promise.all(contexts.map((context) => open(context)))) as [Page, Page];
    await Promise.all([login(ada, home.ada), login(ben, home.ben)]);
    await Promise.all([enter(ada, room), enter(ben, room)]);

    let chunks = 0;
    let cuts = 0;
    proxy.up = proxy.down = () => (++chunks % 17 === 0 && ++cuts ? "cut" : "pass");
    const talk = (page: Page) =>
      page.evaluate(
        async ({ name, count }) => {
          const acks = [];
          for (let n = 1; n <= count; n++) acks.push(await globalThis.chat.room(name).send(`${n}`));
          await globalThis.chat.room(name).edit(acks[0]!.id, "first");
          await globalThis.chat.room(name).react(acks[1]!.id, "👍");
          await globalThis.chat.room(name).delete(acks[2]!.id);
          return acks.map(({ id }) => id);
        },
        { name: room, count: EACH },
      );
    const ids = (await Promise.all([talk(ada), talk(ben)])).flat();
    proxy.up = proxy.down = () => "pass";

    expect(cuts).toBeGreaterThan(3);
    expect(ids.toSorted((a, b) => a - b)).toHaveLength(2 * EACH);
    expect(new Set(ids).size).toBe(2 * EACH);
    const { body } = await api(home.server, `GET /history/${room}/?limit=1000`, { token: home.cy.token });
    const written = (body as { room: string }[]).map(({ room: _, ...message }) => message as Message);
    expect(written).toHaveLength(2 * EACH);
    for (const page of [ada, ben]) await until(async () => Bun.deepEquals(await listOf(page, room), written));
    await Promise.all(contexts.map((context) => context.close()));
  });

  test("a message that waits during a reload is sent once by the next page", async () => {
    const room = "reloaded";
    const context = await browser.newContext();
    const before = await open(context);
    await login(before, home.ada);
    await enter(before, room);
    proxy.refuse = true;
    proxy.cut();
    await before.evaluate(
      (name) =>
        void globalThis.chat
          .room(name)
          .send("Still there?")
          .catch(() => {}),
      room,
    );
    await before.waitForFunction(() =>
      Object.values(localStorage).some((text) => text.includes("Still there?")),
    );
    await before.close();
    proxy.refuse = false;
    const after = await open(context);
    await enter(after, room);
    await until(
      async () => (await listOf(after, room)).map(({ content }) => content).join() === "Still there?",
    );
    await context.close();
  });

  test("a page reconnects as soon as the network is back, however long its backoff is", async () => {
    const context = await browser.newContext();
    const page = await open(context, { wait: 200 });
    await login(page, home.ada);
    await enter(page, "back-at-once");
    proxy.cut();
    await page.waitForFunction(() => {
      const { connection } = globalThis.chat.snapshot();
      return connection.state === "waiting" && connection.retryInMs > 60_000;
    });
    await context.setOffline(true);
    await context.setOffline(false);
    await live(page, "back-at-once");
    await context.close();
  });

  /** Returns how often the token is renewed if it has expired in two tabs of one person. */
  async function renewals(locks: boolean): Promise<number> {
    const context = await browser.newContext();
    const making = { wait: 0.02, locks };
    const first = await open(context, making);
    await login(first, home.ben);
    const second = await open(context, making);
    for (const tab of [first, second]) await enter(tab, "two-tabs");

    let asked = 0;
    const gate = Promise.withResolvers<void>();
    await context.route("**/account/refresh/", async (route) => {
      if (route.request().method() === "POST") asked++;
      await gate.promise;
      await route.continue();
    });
    for (const tab of [first, second]) await tab.evaluate(() => void (globalThis.ahead = 2 * 60 * 60 * 1000));
    proxy.cut();
    // Both tabs need a new token now: one holds the lock and renews, the other waits for the lock.
    const queue = () =>
      second.evaluate(async () => {
        const { held = [], pending = [] } = await navigator.locks.query();
        return [held.length, pending.length];
      });
    if (locks) await until(async () => asked > 0 && (await queue()).join() === "1,1");
    else await until(() => asked === 2);
    gate.resolve();
    for (const tab of [first, second]) {
      await live(tab, "two-tabs");
      expect(await tab.evaluate(() => globalThis.chat.snapshot().account?.username)).toBe("ben");
    }
    const tokens = await Promise.all(
      [first, second].map((tab) => tab.evaluate(() => Object.values(localStorage))),
    );
    expect(tokens[0]).toEqual(tokens[1] as string[]);
    await context.close();
    return asked;
  }

  test("two tabs renew a token once, because they use the browser's locks", async () => {
    expect(await renewals(true)).toBe(1);
  });

  test("without locks, both tabs renew it", async () => {
    expect(await renewals(false)).toBe(2);
  });
});

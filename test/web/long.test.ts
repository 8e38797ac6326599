import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { house, type House, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { fill } from "./crowd.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

const COUNT = 4_000;
/** The page never has more elements than this. */
const NODES_MAX = 4_000;
/** At most this many messages are added to the page at once. */
const DRAWN_MAX = 60;

needs("chromium")("a room of thousands of messages", () => {
  let browser: Browser;
  let home: House;
  let ada: Visitor;

  beforeAll(async () => {
    home = await house();
    // Make ada a member, so that she gets a count of unread messages.
    await fill(home.server, "web-long", [home.ada.token], 1);
    await fill(home.server, "web-long", [home.ben.token, home.cy.token], COUNT - 1);
    browser = await sharedBrowser();
    ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
  });
  afterAll(async () => {
    await ada?.close();
  });

  const nodes = () => ada.page.evaluate(() => document.querySelectorAll("*").length);
  const wheel = (by: number) => ada.page.mouse.wheel(0, by);

  test("leaves its end at the first turn of the wheel, wherever the mouse is", async () => {
    await ada.enter("web-long");
    await ada.page.locator("[data-id='4000']").waitFor();
    await ada.page.mouse.move(700, 400);
    await wheel(-300);
    await ada.page.getByRole("button", { name: "Newest" }).click();
    await ada.page.getByRole("button", { name: "Newest" }).waitFor({ state: "detached" });
    await ada.page.mouse.move(700, 300);
    await wheel(-300);
    await ada.page.getByRole("button", { name: "Newest" }).waitFor();
  });

  test("scrolls from its end to its beginning with few elements, adding few at once", async () => {
    await ada.page.getByRole("button", { name: "99+ new" }).waitFor();
    await ada.page.mouse.move(700, 400);
    const watched = await ada.page.evaluateHandle(watchWork);
    let most = 0;
    await until(async () => {
      await wheel(-3_000);
      const { count, begun } = await ada.page.evaluate(() => ({
        count: document.querySelectorAll("*").length,
        begun:
          document.querySelector(".messages")?.scrollTop === 0 &&
          document.querySelector("[data-id='1']") !== null,
      }));
      most = Math.max(most, count);
      return begun;
    }, 90_000);
    const { drawn, most: mostDrawn, formatters } = await watched.jsonValue();
    expect(most).toBeLessThan(NODES_MAX);
    expect(drawn).toBeGreaterThanOrEqual(COUNT - 200);
    expect(mostDrawn).toBeLessThanOrEqual(DRAWN_MAX);
    // Regression: one formatter per message froze the page for 200 ms whenever the browser freed them.
    expect(formatters).toBe(0);
  });

  test("keeps the reader's position while others post, and shows that there are new messages", async () => {
    const before = await ada.page.evaluate(topOf);
    await fill(home.server, "web-long", [home.ben.token], 30);
    await ada.page
      .getByRole("button", { name: /new$|Newest/ })
      .first()
      .waitFor();
    expect(await ada.page.evaluate(topOf)).toEqual(before);
    await ada.page.getByRole("button", { name: /30 new/ }).click();
    await ada.page.locator("[data-id='4030']").waitFor();
    expect(await nodes()).toBeLessThan(NODES_MAX);
  });

  test("jumps to the message that a reply quotes, however far back it is", async () => {
    await ada.page.evaluate(() => location.reload());
    await ada.page.locator("[data-id='4030']").waitFor();
    await api(home.server, "POST /rooms/web-long/messages/", {
      token: home.ben.token,
      body: { content: "about the past", replyTo: 3_000 },
    });
    const quote = ada.page.locator("[data-id='4031'] .quote");
    await quote.getByText("Message").waitFor();
    await quote.click();
    await ada.page.locator("[data-id='3000'].found").waitFor();
    expect(await ada.page.evaluate(() => (document.activeElement as HTMLElement).dataset.id)).toBe("3000");
  });
});

/** Returns the topmost visible message and its position. */
function topOf() {
  const box = document.querySelector(".messages") as HTMLElement;
  const { top } = box.getBoundingClientRect();
  for (const row of box.querySelectorAll<HTMLElement>("[data-id]")) {
    const place = row.getBoundingClientRect();
    if (place.bottom > top) return { id: row.dataset.id, top: Math.round(place.top - top) };
  }
  return undefined;
}

/** Counts the messages that the page adds, the most at once, and the formatters that it creates. */
function watchWork() {
  const work = { drawn: 0, most: 0, formatters: 0 };
  new MutationObserver((mutations) => {
    const added = mutations.flatMap(({ addedNodes }) => [...addedNodes]);
    const rows = added.filter((node) => node instanceof HTMLElement && node.dataset.id !== undefined).length;
    work.drawn += rows;
    work.most = Math.max(work.most, rows);
  }).observe(document.querySelector(".messages") as HTMLElement, { childList: true, subtree: true });
  const count = <T extends object>(owner: T, name: keyof T) => {
    const target = owner[name] as (...args: unknown[]) => unknown;
    owner[name] = new Proxy(target, {
      apply(called, self, args) {
        work.formatters++;
        return Reflect.apply(called, self, args);
      },
      construct(called, args) {
        work.formatters++;
        return Reflect.construct(called, args);
      },
    }) as T[keyof T];
  };
  count(Intl, "DateTimeFormat");
  count(Intl, "Segmenter");
  for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"] as const)
    count(Date.prototype, name);
  return work;
}

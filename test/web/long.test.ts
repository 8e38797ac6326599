import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { startBrowser } from "../support/browser.ts";
import { house, type House, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { fill } from "./crowd.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

const COUNT = 10_000;
/** However much there is: this many elements on the whole page. */
const NODES_MAX = 4_000;
/** No task of the page may work for longer, in milliseconds of the processor: what else the machine does is not the page's. */
const TASK_MAX_MS = 50;

needs("chromium")("a room of 10,000 messages", () => {
  let browser: Browser;
  let home: House;
  let ada: Visitor;

  beforeAll(async () => {
    home = await house();
    // Who has been there once is told what is new since.
    await fill(home.server, "web-long", [home.ada.token], 1);
    await fill(home.server, "web-long", [home.ben.token, home.cy.token], COUNT - 1);
    browser = await startBrowser();
    ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
  });
  afterAll(async () => {
    await ada?.close();
    await browser?.close();
  });

  const nodes = () => ada.page.evaluate(() => document.querySelectorAll("*").length);
  const wheel = (by: number) => ada.page.mouse.wheel(0, by);

  test("lets go of its end at the first turn of the wheel, whatever the mouse passes over", async () => {
    await ada.enter("web-long");
    await ada.page.locator("[data-id='10000']").waitFor();
    await ada.page.mouse.move(700, 400);
    await wheel(-300);
    await ada.page.getByRole("button", { name: "Newest" }).click();
    await ada.page.getByRole("button", { name: "Newest" }).waitFor({ state: "detached" });
    await ada.page.mouse.move(700, 300);
    await wheel(-300);
    await ada.page.getByRole("button", { name: "Newest" }).waitFor();
  });

  test("scrolls from its end to its beginning with a bounded number of elements, and never stands still", async () => {
    await ada.page.getByRole("button", { name: "99+ new" }).waitFor();
    await ada.page.mouse.move(700, 400);
    let most = 0;
    await browser.startTracing(ada.page, { categories: ["toplevel", "devtools.timeline"] });
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
    const tasks = workOf(await browser.stopTracing());
    expect(most).toBeLessThan(NODES_MAX);
    expect(tasks.length).toBeGreaterThan(1_000);
    expect(Math.max(...tasks)).toBeGreaterThan(0);
    expect(tasks.filter((ms) => ms > TASK_MAX_MS)).toEqual([]);
  });

  test("stays where one reads while others write, and says that there is something new", async () => {
    const before = await ada.page.evaluate(topOf);
    await fill(home.server, "web-long", [home.ben.token], 30);
    await ada.page
      .getByRole("button", { name: /new$|Newest/ })
      .first()
      .waitFor();
    expect(await ada.page.evaluate(topOf)).toEqual(before);
    await ada.page.getByRole("button", { name: /30 new/ }).click();
    await ada.page.locator("[data-id='10030']").waitFor();
    expect(await nodes()).toBeLessThan(NODES_MAX);
  });

  test("jumps to an answered message however far back it is", async () => {
    await ada.page.evaluate(() => location.reload());
    await ada.page.locator("[data-id='10030']").waitFor();
    await api(home.server, "POST /rooms/web-long/messages/", {
      token: home.ben.token,
      body: { content: "about the past", replyTo: 9_000 },
    });
    const quote = ada.page.locator("[data-id='10031'] .quote");
    await quote.getByText("Message").waitFor();
    await quote.click();
    await ada.page.locator("[data-id='9000'].found").waitFor();
    expect(await ada.page.evaluate(() => (document.activeElement as HTMLElement).dataset.id)).toBe("9000");
  });
});

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** In microseconds. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** How long each task of the page's main thread has worked, in milliseconds. */
function workOf(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return traceEvents
    .filter(({ name, pid, tid }) => name.endsWith("RunTask") && mains.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => Math.round(tdur / 1000));
}

/** The message at the top of what one sees, and where it stands. */
function topOf() {
  const box = document.querySelector(".messages") as HTMLElement;
  const { top } = box.getBoundingClientRect();
  for (const row of box.querySelectorAll<HTMLElement>("[data-id]")) {
    const place = row.getBoundingClientRect();
    if (place.bottom > top) return { id: row.dataset.id, top: Math.round(place.top - top) };
  }
  return undefined;
}

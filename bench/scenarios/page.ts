import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../../test/support/browser.ts";
import { chromiumPath } from "../../test/support/needs.ts";
import { percentile } from "../statistics.ts";
import type { Scenario } from "../scenario.ts";
import { archiveSql } from "./history.ts";

const PAINTS = 10;
const LONG = 10_000;
const QUICK_LONG = 300;
const MESSAGES = 100;
const PASSWORD = "correct horse battery";

/** The web page in a browser: the time to open a room, to show a new message, and to scroll. */
export const page: Scenario = {
  name: "page",
  does: `In Chromium, a signed-in person opens a room ${PAINTS} times; one of two people sends ${MESSAGES} messages in sequence, which the other's page shows; a third person scrolls a room of ${LONG} messages to its beginning.`,
  kinds: ["parley"],
  sockets: 2,
  bars: [
    {
      what: "CPU time of the longest main-thread task while scrolling",
      unit: "ms",
      value: ({ parley }) => parley.longestTask ?? NaN,
      atMost: 50,
    },
  ],
  async measure(stage, kind) {
    if (!chromiumPath()) return { figures: {}, problems: [], notes: ["skipped: Chromium is not installed"] };
    const also = archiveSql(stage.quick ? QUICK_LONG : LONG);
    return stage.play({ kind, also }, async ({ port }) => {
      const url = `http://127.0.0.1:${port}`;
      const browser = await startBrowser();
      try {
        // Scrolling comes first: the trace covers all tabs, and later tabs would add the cleanup of old documents.
        const tasks = await scroll(browser, await enter(browser, url, "cy"));
        const [ada, ben] = [await enter(browser, url, "ada"), await enter(browser, url, "ben")];
        await say(ada, "hello");
        await ada.locator("[data-id]").waitFor();
        const paints = [];
        while (paints.length < (stage.quick ? 2 : PAINTS)) paints.push(await paint(ada));
        const shown = [];
        for (let count = 0; count < (stage.quick ? 5 : MESSAGES); count++)
          shown.push(await timeToShow(ada, ben, `number ${count}.`));
        return {
          figures: {
            longestTask: Math.max(...tasks),
            roomPaintedP50: percentile(paints, 0.5),
            shownP50: percentile(shown, 0.5),
            shownP99: percentile(shown, 0.99),
          },
          problems: tasks.length > 0 ? [] : ["the browser's trace contains no task of the page"],
        };
      } finally {
        await browser.close();
      }
    });
  },
};

async function enter(browser: Browser, url: string, name: string): Promise<Page> {
  const tab = await (await browser.newContext()).newPage();
  await tab.goto(`${url}/#/room/bench`);
  await tab.getByRole("button", { name: "Make an account" }).click();
  await tab.getByLabel("Email").fill(`${name}@example.com`);
  await tab.getByLabel("Password").fill(PASSWORD);
  await tab.getByRole("button", { name: "Sign up" }).click();
  await tab.locator(".composer textarea").waitFor();
  return tab;
}

async function say(tab: Page, text: string): Promise<void> {
  await tab.locator(".composer textarea").fill(text);
  await tab.locator(".composer textarea").press("Enter");
}

/** Returns the milliseconds from the start of the navigation to the frame in which a message is painted. */
async function paint(tab: Page): Promise<number> {
  await tab.reload({ waitUntil: "commit" });
  await tab.locator("[data-id]").first().waitFor();
  return tab.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now()))),
  );
}

/** Returns the milliseconds from the keypress that sends a message to the frame in which the other page shows it. */
async function timeToShow(from: Page, to: Page, text: string): Promise<number> {
  const shown = to.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const look = () => {
          const last = [...document.querySelectorAll("[data-id] .text")].at(-1)?.textContent;
          if (last === wanted) resolve(performance.timeOrigin + performance.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
    text,
  );
  const sent = from.evaluate(
    () =>
      new Promise<number>((resolve) =>
        addEventListener("keydown", () => resolve(performance.timeOrigin + performance.now()), {
          once: true,
          capture: true,
        }),
      ),
  );
  await say(from, text);
  return (await shown) - (await sent);
}

/** Scrolls the archive to its beginning. Returns the CPU time of each main-thread task in milliseconds. */
async function scroll(browser: Browser, tab: Page): Promise<number[]> {
  await tab.evaluate(() => void (location.hash = "#/room/archive"));
  await tab.getByRole("log", { name: "Messages in archive" }).waitFor();
  await tab.locator("[data-id]").first().waitFor();
  await tab.mouse.move(700, 400);
  await browser.startTracing(tab, { categories: ["toplevel"] });
  const begun = () =>
    document.querySelector(".messages")?.scrollTop === 0 && document.querySelector("[data-id='1']") !== null;
  while (!(await tab.evaluate(begun))) await tab.mouse.wheel(0, -3_000);
  return tasksIn(await browser.stopTracing());
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** CPU time in microseconds, which excludes other work on the machine. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Reads the main-thread tasks from a Chromium trace (Trace Event Format). */
function tasksIn(trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return traceEvents
    .filter(({ name, pid, tid }) => name.endsWith("RunTask") && mains.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000);
}

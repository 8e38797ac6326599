import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { startBrowser } from "../test/support/browser.ts";
import { PASSWORD, register } from "../test/support/people.ts";
import { startTestServer } from "../test/support/server.ts";
import { fill } from "../test/web/crowd.ts";
import { machineFacts } from "./machine.ts";
import { percentile } from "./statistics.ts";

// Usage: `bun bench/page.ts`. Measures the page in Chromium: how soon it shows a room, how smoothly a long one scrolls, and
// whether its memory grows while one switches between rooms. Exits with 1 if a target is missed.

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000" },
    loads: { type: "string", default: "20" },
    switches: { type: "string", default: "500" },
  },
});
const [MESSAGES, LOADS, SWITCHES] = [values.messages, values.loads, values.switches].map(Number) as [
  number,
  number,
  number,
];

const TARGETS = {
  "first paint of a room, ms": 300,
  "longest task while scrolling, ms": 50,
  "elements on the page": 4_000,
  "growth of the heap over all switches, %": 10,
} as const;
const ROOMS = Array.from({ length: 10 }, (_, at) => `room-${at}`);
const ROOM_MESSAGES = 100;

const server = await startTestServer({ LOGIN_RATE: "0", MESSAGE_RATE: "0", BUDGETS: "0" });
const [ada, ben, cy] = await Promise.all(["ada", "ben", "cy"].map((name) => register(server, name)));
if (!ada || !ben || !cy) throw new Error("nobody registered");
await fill(server, "long", [ada.token], 1);
await fill(server, "long", [ben.token, cy.token], MESSAGES - 1);
for (const room of ROOMS) await fill(server, room, [ada.token, ben.token], ROOM_MESSAGES);

const browser = await startBrowser();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
await page.goto(`${server.url}/#/room/long`);
await page.getByLabel("Email").fill("ada@example.com");
await page.getByLabel("Password").fill(PASSWORD);
await page.getByRole("button", { name: "Sign in" }).click();
await page.locator(`[data-id='${MESSAGES}']`).waitFor();

console.error(`${MESSAGES} messages are there`);
const paints = await loads(page);
console.error("loaded");
const scrolled = await scroll(page);
console.error("scrolled");
const heaps = await switches(page);

const figures: Readonly<Record<keyof typeof TARGETS, number>> = {
  "first paint of a room, ms": percentile(paints, 0.5),
  "longest task while scrolling, ms": scrolled.longest,
  "elements on the page": scrolled.elements,
  "growth of the heap over all switches, %": ((heaps.at(-1) ?? 0) / (heaps[0] ?? 1) - 1) * 100,
};
console.log(machineFacts("none"));
console.table(
  Object.entries(figures).map(([figure, value]) => {
    const target = TARGETS[figure as keyof typeof TARGETS];
    return { figure, value: Math.round(value), target, met: value <= target };
  }),
);
console.log(`paints: ${paints.map(Math.round).join(" ")} ms`);
console.log(`tasks over 50 ms: ${scrolled.tasks} of ${scrolled.steps} steps through ${MESSAGES} messages`);
console.log(
  `heap after each tenth of the switches: ${heaps.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(" ")} MiB`,
);
await browser.close();
await server.stop();
process.exit(
  Object.entries(figures).some(([figure, value]) => value > TARGETS[figure as keyof typeof TARGETS]) ? 1 : 0,
);

/** Returns the time from each navigation to the frame that shows the messages of the room, in milliseconds. */
async function loads(page: Page): Promise<number[]> {
  await page.addInitScript(() => {
    const watcher = new MutationObserver(() => {
      if (!document.querySelector("[data-id]")) return;
      watcher.disconnect();
      requestAnimationFrame(() => setTimeout(() => performance.mark("room")));
    });
    watcher.observe(document, { childList: true, subtree: true });
  });
  const times: number[] = [];
  for (let load = 0; load <= LOADS; load++) {
    await page.reload();
    await page.waitForFunction(() => performance.getEntriesByName("room").length > 0);
    const time = await page.evaluate(() => performance.getEntriesByName("room")[0]?.startTime ?? 0);
    if (load > 0) times.push(time); // The first one fills the caches.
  }
  return times;
}

/** Scrolls from the end of the long room to its beginning. */
async function scroll(page: Page) {
  await page.locator(`[data-id='${MESSAGES}']`).waitFor();
  const watched = await page.evaluateHandle(() => {
    const found = { tasks: 0, longest: 0, elements: 0 };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        found.tasks++;
        found.longest = Math.max(found.longest, duration);
      }
    }).observe({ type: "longtask" });
    const count = () => {
      found.elements = Math.max(found.elements, document.querySelectorAll("*").length);
      requestAnimationFrame(count);
    };
    count();
    return found;
  });
  await page.mouse.move(700, 400);
  let steps = 0;
  const isBegun = () =>
    page.evaluate(
      () => document.querySelector(".messages")?.scrollTop === 0 && !!document.querySelector("[data-id='1']"),
    );
  do {
    await page.mouse.wheel(0, -1_000);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
    steps++;
  } while (steps % 10 !== 0 || !(await isBegun()));
  return { steps, ...(await watched.jsonValue()) };
}

/** Returns the size of the heap after each tenth of the switches between rooms, in bytes. The first tenth is the warm-up. */
async function switches(page: Page): Promise<number[]> {
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Runtime.getHeapUsage")).usedSize;
  };
  await page.reload();
  const sizes: number[] = [];
  for (let count = 1; count <= SWITCHES; count++) {
    const room = ROOMS[count % ROOMS.length] ?? "";
    await page.evaluate((name) => void (location.hash = `#/room/${name}`), room);
    await page.locator("h1", { hasText: room }).waitFor();
    await page.locator(`[data-id='${ROOM_MESSAGES}']`).waitFor();
    if (count % (SWITCHES / 10) === 0) sizes.push(await heap());
  }
  return sizes;
}

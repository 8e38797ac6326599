import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { clockTime, dayName, dayOf, fullTime, nextDay, shortTime } from "../../src/web/page/time.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

const HOUR = 3600_000;
/** Zones with changes at 1, 2 and 3 o'clock, at midnight, by half an hour, to another date, and without any. */
const ZONES = [
  "Europe/Berlin",
  "Europe/London",
  "America/New_York",
  "America/Sao_Paulo",
  "America/Santiago",
  "Africa/Cairo",
  "Asia/Beirut",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Auckland",
  "Pacific/Apia",
  "UTC",
] as const;

/** Runs `work` for a reader in a time zone. */
function inZone<T>(zone: string, work: () => T): T {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return work();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

/** Returns the moments at which a zone's offset changes in some years. */
function changesOf(zone: string): number[] {
  const offset = (at: number) => inZone(zone, () => new Date(at).getTimezoneOffset());
  const found: number[] = [];
  const from = zone === "Pacific/Apia" ? 2011 : 2025;
  for (let at = Date.UTC(from, 0); at < Date.UTC(from + 2, 0); at += 7 * 24 * HOUR) {
    let [low, high] = [at, at + 7 * 24 * HOUR];
    if (offset(low) === offset(high)) continue;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offset(middle) === offset(low)) low = middle;
      else high = middle;
    }
    found.push(high);
  }
  return found;
}

/** The reader's date as the calendar says it, independently of the code under test. */
function dateIn(zone: string) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return (at: number) => format.format(at);
}
const dayBefore = (date: string) =>
  new Date(Date.parse(`${date}T00:00Z`) - 24 * HOUR).toISOString().slice(0, 10);

describe("days", () => {
  // Regression: "yesterday" was whatever was on the date of 24 hours ago, but days have 23 to 25 hours.
  for (const zone of ZONES)
    test(`are those of the reader's calendar in ${zone}, also when the clocks change`, () => {
      const date = dateIn(zone);
      const moments = [...changesOf(zone), Date.UTC(2026, 5, 15, 12)];
      inZone(zone, () => {
        for (const moment of moments)
          for (let now = moment - 50 * HOUR; now <= moment + 50 * HOUR; now += 2 * HOUR - 60_001)
            for (const ago of [1, 22.9, 23.5, 24, 25.1, 48]) {
              const at = now - ago * HOUR;
              const expected =
                date(at) === date(now)
                  ? "Today"
                  : date(at) === dayBefore(date(now))
                    ? "Yesterday"
                    : undefined;
              const name = dayName(new Date(at).toISOString(), now);
              if (expected !== undefined) expect(name).toBe(expected);
              else expect(["Today", "Yesterday"]).not.toContain(name);
            }
      });
    });

  for (const zone of ZONES)
    test(`end at the first moment of the next date in ${zone}`, () => {
      const date = dateIn(zone);
      inZone(zone, () => {
        for (const moment of [...changesOf(zone), Date.UTC(2026, 5, 15, 12)])
          for (let now = moment - 30 * HOUR; now <= moment + 30 * HOUR; now += 2 * HOUR) {
            const next = nextDay(now);
            expect(next).toBeGreaterThan(now);
            expect(date(next - 1)).toBe(date(now));
            expect(dayOf(next)).toBeGreaterThan(dayOf(now));
          }
      });
    });

  test("of the last week have their name in the list of rooms, and earlier ones their date", () => {
    inZone("Europe/Berlin", () => {
      const now = new Date(2026, 2, 30, 9).getTime();
      const at = (day: number, year = 2026) => new Date(year, 2, day, 20).toISOString();
      expect(shortTime(new Date(2026, 2, 30, 8, 5).toISOString(), now)).toBe(
        clockTime(new Date(2026, 2, 30, 8, 5).toISOString()),
      );
      // The clocks changed on the 29th, so these are less than n times 24 hours ago.
      expect([24, 25, 28, 29].map((day) => shortTime(at(day), now))).toEqual(["Tue", "Wed", "Sat", "Sun"]);
      expect(shortTime(at(23), now)).toBe("Mar 23");
      expect(shortTime(at(23, 2025), now)).toBe("Mar 23, 2025");
    });
  });
});

// Regression: "04:19 PM" stood beside "4:19 PM".
test("the same time of day is written in one way everywhere", () => {
  const iso = new Date(2026, 4, 5, 16, 19).toISOString();
  expect(fullTime(iso)).toEndWith(clockTime(iso));
});

needs("chromium")("times on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(() => home?.server.stop());

  const post = async (room: string) => {
    const { body } = await api(home.server, `POST /rooms/${room}/messages/`, {
      token: home.ada.token,
      body: { content: "Hello" },
    });
    return body as { timestamp: string };
  };

  for (const [timezoneId, locale] of [
    ["America/Los_Angeles", "en-US"],
    ["Europe/Berlin", "de-DE"],
    ["Pacific/Kiritimati", "en-GB"],
  ] as const)
    test(`are those of a reader in ${timezoneId}, as ${locale} writes them`, async () => {
      const room = `time-${locale.toLowerCase()}`;
      const { timestamp } = await post(room);
      const ben = await visit(browser, home.server.url, { timezoneId, locale });
      await ben.signIn("ben");
      await ben.enter(room);
      const expected = (options: Intl.DateTimeFormatOptions) =>
        new Intl.DateTimeFormat(locale, { timeZone: timezoneId, ...options })
          .format(new Date(timestamp))
          .replace(/\s/g, " ");
      const clock = expected({ timeStyle: "short" });
      const link = ben.page.locator("[data-id] .at").first();
      const text = async () => ((await link.textContent()) ?? "").replace(/\s/g, " ");
      expect(await text()).toBe(clock);
      expect(((await link.getAttribute("title")) ?? "").replace(/\s/g, " ")).toBe(
        expected({ dateStyle: "full", timeStyle: "short" }),
      );
      const line = ben.page.locator(".line time").first();
      await until(async () => ((await line.textContent()) ?? "").replace(/\s/g, " ") === clock);
      await ben.close();
    });

  // Regression: a page that stayed open said "Today" about messages of the day before.
  test("move on at midnight, and after the machine has slept", async () => {
    await post("time-midnight");
    const now = new Date();
    const ben = await visit(browser, home.server.url, { timezoneId: "Europe/Berlin", locale: "en-US" });
    const { page } = ben;
    await page.clock.install({ time: now });
    await page.reload();
    await ben.signIn("ben");
    await ben.enter("time-midnight");
    const divider = page.locator(".divider span").first();
    await page.locator(".divider", { hasText: "Today" }).waitFor();
    const untilMidnight = await page.evaluate(() => new Date().setHours(24, 0, 0, 0) - Date.now());
    await page.waitForFunction(() => document.querySelector(".line time")?.textContent?.includes(":"));
    await page.clock.fastForward(untilMidnight + 1_000);
    await page.locator(".divider", { hasText: "Yesterday" }).waitFor();
    await page.waitForFunction(() => !document.querySelector(".line time")?.textContent?.includes(":"));
    await page.clock.fastForward("30:00:00");
    await page.locator(".divider", { hasNotText: "Yesterday" }).first().waitFor();
    expect(await divider.textContent()).toMatch(/\w+day, \w+ \d+/);
    await ben.close();
  });
});

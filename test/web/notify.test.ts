import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { isQuiet } from "../../src/web/notify/settings.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { attend } from "./attention.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

describe("quiet hours", () => {
  test("last from one time to the other, also over midnight, and do not exist if the two are equal", () => {
    const quiet = (from: string, to: string, ...times: readonly string[]) =>
      times.map((time) => isQuiet({ from, to }, time));
    expect(quiet("09:00", "12:30", "08:59", "09:00", "12:29", "12:30")).toEqual([false, true, true, false]);
    expect(quiet("22:00", "07:00", "21:59", "22:00", "00:00", "06:59", "07:00")).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(quiet("00:00", "00:00", "00:00", "12:00")).toEqual([false, false]);
  });
});

/** The notifications that are shown now. */
const shown = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const all = (await registration?.getNotifications()) ?? [];
    return all.map(({ title, body }) => `${title} | ${body}`);
  });

needs("chromium")("notifications", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(() => home?.server.stop());

  const post = (room: string, content: string, token = home.ben.token) =>
    api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content } });
  const away = (page: Page) => attend(page, { visible: false, focus: false });
  const back = (page: Page) => attend(page, { visible: true, focus: true });

  /** Ada, who is a member of the rooms and has allowed notifications on this device. */
  const ready = async (...rooms: readonly string[]): Promise<Visitor> => {
    for (const room of rooms) await post(room, "before", home.ada.token);
    const ada = await visit(browser, home.server.url);
    await ada.page.context().grantPermissions(["notifications"]);
    await ada.signIn("ada");
    await ada.page.getByRole("link", { name: "Account of ada" }).click();
    await ada.page.getByRole("button", { name: "Notify me on this device" }).click();
    await ada.page.getByRole("button", { name: "Notify me on this device", pressed: true }).waitFor();
    await ada.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await ada.page.evaluate(() => void (location.hash = "#/"));
    return ada;
  };
  /** Waits until a message that comes now would have been shown. */
  const settled = async (page: Page, marker: string) => {
    // A message that comes before the page is connected is in its list, and not shown.
    await until(async () => {
      await post(marker, "marker");
      const isShown = async () => (await shown(page)).some((line) => line.startsWith(marker));
      return until(isShown, 1_000).then(
        () => true,
        () => false,
      );
    });
  };

  test("come while nobody looks, one for each room, and go when the room is read", async () => {
    const ada = await ready("notify-one", "notify-two");
    await away(ada.page);
    await post("notify-one", "first");
    await until(async () => (await shown(ada.page)).includes("notify-one | ben: first"));
    await post("notify-one", "second");
    await until(async () => /^notify-one (?:\(\d\) )?\| ben: second$/.test((await shown(ada.page)).join()));
    await post("notify-two", "elsewhere");
    await until(async () => (await shown(ada.page)).length === 2);
    // Ada reads one of them on another device.
    const other = await visit(browser, home.server.url);
    await other.signIn("ada");
    await other.enter("notify-one");
    await other.sees("second");
    await until(async () => (await shown(ada.page)).join() === "notify-two | ben: elsewhere");
    await back(ada.page);
    await ada.enter("notify-two");
    await until(async () => (await shown(ada.page)).length === 0);
    await other.close();
    await ada.close();
  });

  test("do not come while someone looks, of one's own messages, of blocked people, or if the room is silent", async () => {
    const ada = await ready("notify-quiet", "notify-silent", "notify-marker");
    // The page is in view.
    await post("notify-quiet", "in view");
    await ada.page.locator(".line", { hasText: "in view" }).waitFor();
    await away(ada.page);
    await post("notify-quiet", "my own, from elsewhere", home.ada.token);
    await api(home.server, "PUT /blocks/@cy/", { token: home.ada.token, body: {} });
    await ada.page.evaluate(() => void (location.hash = "#/account"));
    await ada.page.reload();
    await ada.page.getByText("cy").waitFor();
    await ada.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await away(ada.page);
    await post("notify-quiet", "from someone blocked", home.cy.token);
    await api(home.server, "PUT /rooms/notify-silent/members/me/", {
      token: home.ada.token,
      body: { notify: "none" },
    });
    await ada.page.reload();
    await ada.page.locator(".line", { hasText: "from someone blocked" }).waitFor();
    await away(ada.page);
    await settled(ada.page, "notify-marker");
    await post("notify-silent", "into a silent room");
    await post("notify-marker", "last");
    await until(async () => (await shown(ada.page)).some((line) => line.endsWith("ben: last")));
    expect((await shown(ada.page)).map((line) => line.replace(/ \(\d+\)/, ""))).toEqual([
      "notify-marker | ben: last",
    ]);
    await api(home.server, "DELETE /blocks/@cy/", { token: home.ada.token });
    await ada.close();
  });

  test("do not come in quiet hours", async () => {
    const ada = await ready("notify-night", "notify-day");
    await ada.page.clock.setFixedTime(new Date("2030-01-01T23:30:00"));
    await ada.page.evaluate(() => void (location.hash = "#/account"));
    await ada.page.getByLabel("From").fill("22:00");
    await ada.page.getByLabel("to", { exact: true }).fill("07:00");
    await ada.page.getByText("not notified between these times").waitFor();
    await away(ada.page);
    await post("notify-night", "at night");
    await ada.page.locator(".line", { hasText: "at night" }).waitFor();
    await ada.page.clock.setFixedTime(new Date("2030-01-02T08:00:00"));
    await settled(ada.page, "notify-day");
    expect((await shown(ada.page)).map((line) => line.replace(/ \(\d+\)/, ""))).toEqual([
      "notify-day | ben: marker",
    ]);
    await ada.close();
  });

  test("come once, however many tabs there are, and not while one of them is looked at", async () => {
    const ada = await ready("notify-tabs");
    const context = ada.page.context();
    await context.addInitScript(() => {
      const show = ServiceWorkerRegistration.prototype.showNotification;
      ServiceWorkerRegistration.prototype.showNotification = function (...args) {
        localStorage.setItem("shown", `${localStorage.getItem("shown") ?? ""}${args[1]?.body};`);
        return show.apply(this, args);
      };
    });
    await ada.page.reload();
    const tabs = [ada.page, await context.newPage(), await context.newPage()];
    for (const tab of tabs.slice(1)) await tab.goto(home.server.url);
    for (const tab of tabs) await tab.locator(".line", { hasText: "notify-tabs" }).waitFor();
    const ready2 = () =>
      ada.page.evaluate(async () => {
        const { held = [], pending = [] } = await navigator.locks.query();
        return [...held, ...pending].filter(({ name }) => name === "parley notifying").length;
      });
    await until(async () => (await ready2()) === 3);
    const [first, second] = tabs as [Page, Page];
    for (const tab of tabs) await away(tab);
    await back(second);
    await post("notify-tabs", "while one is looked at");
    for (const tab of tabs) await tab.locator(".line", { hasText: "while one is looked at" }).waitFor();
    await away(second);
    await post("notify-tabs", "while none is");
    await until(async () => (await shown(first)).length === 1);
    for (const tab of tabs) await tab.locator(".line", { hasText: "while none is" }).waitFor();
    expect(await first.evaluate(() => localStorage.getItem("shown"))).toBe("ben: while none is;");
    await ada.close();
  });

  test("lead to the message, in the tab that is open", async () => {
    const ada = await ready("notify-click");
    await away(ada.page);
    await post("notify-click", "look here");
    await until(async () => (await shown(ada.page)).length === 1);
    const [worker] = ada.page.context().serviceWorkers();
    // The browser of the tests has no notifications to click on.
    await worker?.evaluate(async () => {
      const { registration } = globalThis as unknown as { registration: ServiceWorkerRegistration };
      const [notification] = await registration.getNotifications();
      const Click = (
        globalThis as unknown as { NotificationEvent: new (type: string, init: object) => Event }
      ).NotificationEvent;
      globalThis.dispatchEvent(new Click("notificationclick", { notification }));
    });
    await ada.page.locator(".conversation h1", { hasText: "notify-click" }).waitFor();
    expect(await ada.page.evaluate(() => location.hash)).toMatch(/^#\/room\/notify-click\/\d+$/);
    await ada.sees("look here");
    await until(async () => (await shown(ada.page)).length === 0);
    expect(ada.page.context().pages()).toHaveLength(1);
    await ada.close();
  });

  test("are offered once, to a person who comes back and has missed something, and never before", async () => {
    await post("notify-offer", "before", home.cy.token);
    const cy = await visit(browser, home.server.url);
    await cy.signIn("cy");
    const offer = cy.page.getByRole("complementary", { name: "Notifications" });
    await until(() =>
      cy.page.evaluate(async () => {
        const names = ((await navigator.locks.query()).held ?? []).map(({ name }) => name);
        return names.includes("parley looking") && names.includes("parley notifying");
      }),
    );
    await away(cy.page);
    await post("notify-offer", "missed");
    await cy.page.locator(".line", { hasText: "missed" }).waitFor();
    expect(await offer.count()).toBe(0);
    await back(cy.page);
    await offer.getByRole("button", { name: "No, thanks" }).click();
    await away(cy.page);
    await post("notify-offer", "again");
    await cy.page.locator(".line", { hasText: "again" }).waitFor();
    await back(cy.page);
    await cy.page.reload();
    await cy.page.locator(".line", { hasText: "again" }).waitFor();
    expect(await offer.count()).toBe(0);
    await cy.close();
  });

  test("go when the person signs out, and the icon's number with them", async () => {
    const ada = await ready("notify-out");
    await ada.page.evaluate(() => {
      const counts: number[] = [];
      Object.assign(globalThis, { counts });
      navigator.setAppBadge = async (count) => void counts.push(count ?? 0);
    });
    await away(ada.page);
    await post("notify-out", "secret");
    await until(async () => (await shown(ada.page)).length === 1);
    const last = () =>
      ada.page.evaluate(() => (globalThis as unknown as { counts: number[] }).counts.at(-1) ?? 0);
    await until(async () => (await last()) > 0);
    await ada.page.evaluate(() => void (location.hash = "#/account"));
    await ada.page.getByRole("button", { name: "Sign out", exact: true }).click();
    await until(async () => (await shown(ada.page)).length === 0);
    await until(async () => (await last()) === 0);
    await ada.close();
  });
});

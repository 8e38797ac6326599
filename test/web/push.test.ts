import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, CDPSession, Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type PushService, startPushService } from "../support/push-service.ts";
import { until } from "../support/until.ts";
import { attend } from "./attention.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

/** The notifications that are shown now. */
const shown = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const all = (await registration?.getNotifications()) ?? [];
    return all.map(({ title, body, tag }) => [title, body, tag]);
  });

needs("chromium")("pushes on the page", () => {
  let browser: Browser;
  let home: House;
  let service: PushService;
  beforeAll(async () => {
    service = startPushService();
    home = await ownHouse({ PUSH_SUBJECT: "mailto:ops@example.com", OUTBOUND_ALLOW: "127.0.0.1" });
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await home?.server.stop();
    service?.stop();
  });

  /** A page whose browser subscribes to the service of the test: Chromium's own needs the internet. */
  async function open(name: string): Promise<Visitor> {
    const { endpoint, p256dh, auth } = service.device(name);
    const visitor = await visit(browser, home.server.url);
    const { page } = visitor;
    await page.context().grantPermissions(["notifications"]);
    await page.addInitScript(
      ({ endpoint, keys }) => {
        let key: ArrayBuffer | undefined;
        const subscription = {
          endpoint,
          get options() {
            return { applicationServerKey: key };
          },
          toJSON: () => ({ endpoint, keys }),
          async unsubscribe() {
            key = undefined;
            return true;
          },
        };
        PushManager.prototype.getSubscription = async () => (key ? (subscription as never) : null);
        PushManager.prototype.subscribe = async (options) => {
          const text = String(options?.applicationServerKey).replaceAll("-", "+").replaceAll("_", "/");
          key = Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;
          return subscription as never;
        };
      },
      { endpoint, keys: { p256dh, auth } },
    );
    await page.reload();
    return visitor;
  }
  const account = (page: Page) => page.evaluate(() => void (location.hash = "#/account"));
  const devicesOf = async (token: string) => {
    const { body } = await api(home.server, "GET /push/", { token });
    return (body as { readonly devices: readonly object[] }).devices.length;
  };

  /** Delivers a push to the page's worker, as the browser does. */
  async function deliver(page: Page, payload: object): Promise<void> {
    const cdp: CDPSession = await page.context().newCDPSession(page);
    const found = Promise.withResolvers<string>();
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [one] = registrations;
      if (one) found.resolve(one.registrationId);
    });
    await cdp.send("ServiceWorker.enable");
    await cdp.send("ServiceWorker.deliverPushMessage", {
      origin: home.server.url,
      registrationId: await found.promise,
      data: JSON.stringify(payload),
    });
    await cdp.detach();
  }

  test("a device is subscribed while its person wants notifications, and the account says so", async () => {
    const ada = await open("ada's laptop");
    const { page } = ada;
    await ada.signIn("ada");
    expect(await devicesOf(home.ada.token)).toBe(0);
    await account(page);
    const toggle = page.getByRole("button", { name: "Notify me on this device" });
    await toggle.click();
    await page.getByText("You also hear of them while the page is closed.").waitFor();
    expect(await devicesOf(home.ada.token)).toBe(1);

    // Quiet hours are the person's, in the time zone of the browser.
    await page.getByLabel("From").fill("22:00");
    await page.getByLabel("to", { exact: true }).fill("07:00");
    await page.getByText("on any of your devices").waitFor();
    await until(async () => {
      const { body } = await api(home.server, "GET /push/", { token: home.ada.token });
      const { quietHours } = body as { quietHours: { from: string; to: string } | null };
      return quietHours?.from === "22:00" && quietHours.to === "07:00";
    });

    await toggle.click();
    await until(async () => (await devicesOf(home.ada.token)) === 0);
    await toggle.click();
    await until(async () => (await devicesOf(home.ada.token)) === 1);
    // Signing out ends it; whoever signs in next has the device.
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await until(async () => (await devicesOf(home.ada.token)) === 0);
    await page.getByLabel("Password").waitFor();
    await ada.signIn("ben");
    await until(async () => (await devicesOf(home.ben.token)) === 1);
    await ada.close();
  });

  test("a push of the server is shown, is replaced, and closes when the room is read elsewhere", async () => {
    const cy = await open("cy's laptop");
    const { page } = cy;
    await cy.signIn("cy");
    await account(page);
    await page.getByRole("button", { name: "Notify me on this device" }).click();
    await until(async () => (await devicesOf(home.cy.token)) === 1);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    const notification = (body: string) => ({
      title: "push-room",
      body,
      navigate: "/#/room/push-room/1",
      tag: "room push-room",
    });
    const about = { room: "push-room", message: 1, unread: 1, type: "message", web_push: 8030 };
    const post = (token: string, content: string) =>
      api(home.server, "POST /rooms/push-room/messages/", { token, body: { content } });
    await post(home.cy.token, "hello");
    await post(home.ben.token, "unread");
    await page.evaluate(() => void (location.hash = "#/"));
    await page.locator(".line", { hasText: "unread" }).waitFor();
    // Someone looks at the page, which shows the message.
    await deliver(page, { ...about, notification: notification("ada: in view") });
    await attend(page, { visible: false, focus: false });
    expect(await shown(page)).toEqual([]);
    await deliver(page, { ...about, notification: notification("ada: first") });
    await until(async () => (await shown(page)).length === 1);
    await deliver(page, { ...about, message: 2, notification: notification("ada: second") });
    await until(async () => JSON.stringify(await shown(page)).includes("second"));
    expect(await shown(page)).toEqual([["push-room", "ada: second", "room push-room"]]);
    await deliver(page, { type: "read", room: "push-room", message: 1 });
    expect(await shown(page)).toHaveLength(1);
    await deliver(page, { type: "read", room: "push-room", message: 2 });
    await until(async () => (await shown(page)).length === 0);
    await cy.close();
  });
});

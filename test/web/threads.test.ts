import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD, type Person } from "../support/people.ts";
import { violations } from "./axe.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 780 },
  hasTouch: true,
  isMobile: true,
};

needs("chromium")("threads on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  const visitor = async (name: string, room: string, options: BrowserContextOptions = {}) => {
    const made = await visit(browser, home.server.url, { reducedMotion: "reduce", ...options });
    await made.signIn(name);
    await made.enter(room);
    return made;
  };
  const post = async (room: string, { token }: Person, content: string, more: object = {}) => {
    const { body } = await api(home.server, `POST /rooms/${room}/messages/`, {
      token,
      body: { content, ...more },
    });
    return (body as { id: number }).id;
  };
  const panel = ({ page }: Visitor) => page.locator("aside.thread");
  const shot = ({ page }: Visitor, name: string) =>
    process.env.SHOTS ? page.screenshot({ path: `${process.env.SHOTS}/${name}.png` }) : undefined;

  test("a thread opens beside its room, takes replies, and its summary grows in the room", async () => {
    const room = "web-threads";
    const root = await post(room, home.ada, "Who brings bread?");
    await post(room, home.ben, "I have two loaves.", { thread: root });
    await post(room, home.ada, "Something else");
    const ben = await visitor("ben", room);
    const { page } = ben;
    await ben.sees("Something else");
    expect(await ben.texts()).toEqual(["Who brings bread?", "Something else"]);
    await page.getByRole("button", { name: /1 reply/ }).click();
    await panel(ben).getByText("I have two loaves.").waitFor();
    expect(await panel(ben).locator("[data-id] .text").allTextContents()).toEqual([
      "Who brings bread?",
      "I have two loaves.",
    ]);
    const field = panel(ben).locator(".composer textarea:visible");
    await field.fill("And butter");
    await field.press("Enter");
    await panel(ben).locator("[data-id] .text", { hasText: "And butter" }).waitFor();
    await page.getByRole("button", { name: /2 replies/ }).waitFor();
    // Only here, unless one wants it in the room too.
    await panel(ben).getByLabel("Also send to web-threads").check();
    await field.fill("Found some more");
    await field.press("Enter");
    await page.locator("main [data-id] .text", { hasText: "Found some more" }).waitFor();
    expect(await panel(ben).getByLabel("Also send to web-threads").isChecked()).toBe(false);
    expect(await page.locator("main [data-id] .text").allTextContents()).toEqual([
      "Who brings bread?",
      "Something else",
      "Found some more",
    ]);
    await shot(ben, "desktop");
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await panel(ben).waitFor({ state: "detached" });
    await ben.close();
  });

  test("what one writes in a thread is a draft of its own, and outlives a reload", async () => {
    const room = "web-drafts";
    const root = await post(room, home.ada, "root");
    await post(room, home.ben, "one", { thread: root });
    const ada = await visitor("ada", room);
    await ada.composer.fill("for the room");
    await ada.page.getByRole("button", { name: /1 reply/ }).click();
    const field = panel(ada).locator(".composer textarea:visible");
    await field.fill("for the thread");
    await ada.page.reload();
    await ada.page.getByRole("button", { name: /1 reply/ }).click();
    await panel(ada).getByText("one", { exact: true }).waitFor();
    expect(await field.inputValue()).toBe("for the thread");
    expect(await ada.page.locator("main .composer textarea:visible").inputValue()).toBe("for the room");
    await ada.close();
  });

  test("a thread begins with the keyboard, from the actions of a message", async () => {
    const room = "web-begin";
    await post(room, home.ben, "What about this?");
    const ada = await visitor("ada", room);
    const { page } = ada;
    await ada.sees("What about this?");
    await page.locator("main [data-id]").last().focus();
    await page.getByRole("button", { name: "Reply in a thread" }).press("Enter");
    const field = panel(ada).locator(".composer textarea:visible");
    await field.waitFor();
    await field.fill("I like it");
    await field.press("Enter");
    await page.getByRole("button", { name: /1 reply/ }).waitFor();
    await panel(ada).getByRole("button", { name: "Following" }).waitFor();
    await panel(ada).getByRole("button", { name: "Following" }).press("Enter");
    await panel(ada).getByRole("button", { name: "Follow", exact: true }).waitFor();
    await ada.close();
  });

  test("unread threads are above the rooms, lead to the reply, and clear on every device once read", async () => {
    const room = "web-unread";
    const root = await post(room, home.ada, "What do you think?");
    await post("web-elsewhere", home.ada, "elsewhere");
    const [desk, phone] = [
      await visitor("ada", "web-elsewhere"),
      await visitor("ada", "web-elsewhere", PHONE),
    ];
    await phone.page.getByRole("link", { name: "Back to the rooms" }).click();
    await post(room, home.ben, "A good idea", { thread: root });
    const unread = ({ page }: Visitor) => page.locator(".unread-threads", { hasText: "What do you think?" });
    await unread(desk).waitFor();
    await unread(phone).waitFor();
    await shot(phone, "phone-list");
    await unread(desk).getByRole("link").first().click();
    await panel(desk).locator("[data-id] .text", { hasText: "A good idea" }).waitFor();
    await unread(desk).waitFor({ state: "detached" });
    await unread(phone).waitFor({ state: "detached" });
    for (const each of [desk, phone]) await each.close();
  });

  test("on a phone, a thread is a screen of its own, and Back leads to its room", async () => {
    const room = "web-phone";
    const root = await post(room, home.ada, "root");
    await post(room, home.ben, "one", { thread: root });
    const ada = await visitor("ada", room, PHONE);
    await ada.page.getByRole("button", { name: /1 reply/ }).tap();
    await panel(ada).locator("[data-id] .text", { hasText: "one" }).waitFor();
    const { width = 0, x = 1 } = (await panel(ada).boundingBox()) ?? {};
    expect([x, width]).toEqual([0, 390]);
    await shot(ada, "phone");
    expect(await violations(ada.page)).toEqual([]);
    await ada.page.goBack();
    await panel(ada).waitFor({ state: "detached" });
    expect(new URL(ada.page.url()).hash).toBe(`#/room/${room}`);
    await ada.close();
  });

  test.each(["en-XA", "ar-XB"])("threads speak %s", async (locale) => {
    const room = `web-${locale.toLowerCase()}`;
    const root = await post(room, home.ada, "root");
    await post(room, home.ben, "one", { thread: root });
    const ada = await visit(browser, home.server.url, { reducedMotion: "reduce", locale });
    await ada.page.locator("input[type=email]").fill("ada@example.com");
    await ada.page.locator("input[type=password]").fill(PASSWORD);
    await ada.page.keyboard.press("Enter");
    await ada.page.locator(".sidebar").waitFor();
    await ada.enter(room);
    await ada.page.locator(".thread-link").click();
    await panel(ada).locator("[data-id] .text", { hasText: "one" }).waitFor();
    await shot(ada, locale);
    expect(await violations(ada.page)).toEqual([]);
    await ada.close();
  });
});

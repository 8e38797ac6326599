import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { house, type House, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { violations } from "./axe.ts";
import { noDialog, visit } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** Messages that break pages which trust their input. */
const HOSTILE = [
  "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
  "x".repeat(4000),
  "a\u{200b}\u{200d}\u{feff}\u{2060}b",
  "\u{202e}txet desrever \u{2066}\u{2069}\u{2069} and on",
  `a${"\u{0301}\u{0323}\u{0489}".repeat(100)}`,
  'javascript:alert(1) data:text/html,<b>x</b> https://example.com/"onmouseover="alert(1)',
  "\n".repeat(200) + "far below",
  "👩‍👩‍👧‍👦".repeat(300),
  "مرحبا https://example.com/?q=<b>&x='y' שלום",
];

needs("chromium")("the look of the page", () => {
  let browser: Browser;
  let home: House;
  let proxy: Proxy;
  beforeAll(async () => {
    home = await house();
    proxy = startProxy(home.server.port);
    browser = await sharedBrowser();
    const { ben, ada } = home;
    const post = (body: object, token = ben.token) =>
      api(home.server, "POST /rooms/web-look/messages/", { token, body });
    await post({ content: "Good morning, see https://example.com" });
    await post({ content: "Good morning", replyTo: 1 }, ada.token);
    await post({ content: "This one goes" });
    await api(home.server, "DELETE /rooms/web-look/messages/3/", { token: ben.token });
    await api(home.server, `PUT /rooms/web-look/messages/1/reactions/${encodeURIComponent("🎉")}/`, {
      token: ada.token,
      body: {},
    });
  });
  afterAll(async () => {
    proxy?.stop();
  });

  for (const viewport of [DESK, PHONE])
    test(`axe-core finds no violation in any view, light or dark: ${viewport.width} pixels wide`, async () => {
      const ada = await visit(browser, proxy.url, { viewport, reducedMotion: "reduce" });
      const { page } = ada;
      const check = async (view: string) => expect([view, ...(await violations(page))]).toEqual([view]);
      await check("sign in");
      await page.getByRole("button", { name: "Create an account" }).click();
      await page.getByLabel("Email").fill("nobody@example.com");
      await page.getByLabel("Password").fill("short");
      await page.getByRole("button", { name: "Sign up" }).click();
      await page.getByText("at least 8").last().waitFor();
      await check("sign up, refused");
      await page.locator(".other button").click();
      await ada.signIn("ada");
      await page.locator(".line").first().waitFor();
      await check("rooms");
      if (viewport === DESK) {
        await page.keyboard.press("Control+k");
        await page.keyboard.type("somewhere new");
        await page.getByRole("option", { name: "somewhere-new" }).waitFor();
        await check("finding a room");
        await page.keyboard.press("Escape");
        await page.keyboard.press("?");
        await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
        await check("the shortcuts");
        await page.keyboard.press("Escape");
      }
      await ada.enter(`web-empty-${viewport.width}`);
      await page.getByText("No messages here yet.").waitFor();
      await check("an empty room");
      await ada.enter("web-look");
      await ada.sees("Good morning");
      await check("a room");
      const first = page.locator("[data-id='2']");
      await first.click();
      await first.getByRole("button", { name: "React" }).click();
      await check("choosing a reaction");
      await first.getByRole("button", { name: "Cancel" }).click();
      await first.getByRole("button", { name: "Edit" }).click();
      await check("editing");
      await page.getByRole("button", { name: "Stop editing" }).click();
      await page.getByRole("button", { name: "Room details" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("You · Member").waitFor();
      await dialog.getByRole("button", { name: "Leave room" }).click();
      await check("the details of a room");
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await dialog.getByRole("button", { name: "Close the details" }).click();
      await noDialog(page);
      if (viewport === PHONE) {
        await page.locator(".count").click();
        await page.locator(".people").waitFor();
        await check("people");
        await page.getByRole("button", { name: "Close the list of people" }).click();
      }
      await page.locator(".composer").getByRole("button", { name: "Choose an emoji" }).click();
      await page.locator(".emoji-grid").waitFor();
      await check("the emoji");
      await page.keyboard.press("Escape");
      await page.evaluate(() => void (location.hash = "#/room/~nowhere"));
      await page.locator(".conversation .blank").waitFor();
      await check("a room that does not exist");
      await ada.enter("web-look");
      await ada.sees("Good morning");
      proxy.refuse = true;
      proxy.cut();
      await page.locator(".banner.shown").waitFor();
      await ada.say("waits");
      await check("without a connection");
      proxy.refuse = false;
      await page.evaluate(() => dispatchEvent(new Event("online")));
      await page.locator(".banner.shown").waitFor({ state: "detached" });
      await page.evaluate(() => void (location.hash = "#/account"));
      await page.getByText("This device", { exact: true }).waitFor();
      await check("account");
      await ada.close();
    });

  test("hostile messages are shown as text and break nothing", async () => {
    const cy = await visit(browser, home.server.url);
    await cy.signIn("cy");
    await cy.enter("web-hostile");
    for (const content of HOSTILE)
      expect(
        await api(home.server, "POST /rooms/web-hostile/messages/", {
          token: home.ben.token,
          body: { content },
        }),
      ).toMatchObject({ status: 201 });
    await cy.sees("مرحبا");
    expect(await cy.texts()).toEqual(HOSTILE);
    const { page } = cy;
    expect(await page.title()).not.toContain("owned");
    expect(await page.locator(".messages img, .messages script, .messages b").count()).toBe(0);
    const links = page.locator(".messages .text a");
    const hrefs = await links.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href));
    expect(hrefs).toEqual(["https://example.com/", "https://example.com/?q="]);
    for (const viewport of [DESK, PHONE]) {
      await page.setViewportSize(viewport);
      const wide = await page.evaluate(() => ({
        page: document.documentElement.scrollWidth,
        messages: document.querySelector(".messages")?.scrollWidth ?? 0,
        room: document.querySelector(".messages")?.clientWidth ?? 0,
      }));
      expect(wide.page).toBeLessThanOrEqual(viewport.width);
      expect(wide.messages).toBeLessThanOrEqual(wide.room);
    }
    // Stacked combining marks do not overlap the messages around them.
    const heights = await page
      .locator("[data-id='5'] .text")
      .evaluate((text) => [text.getBoundingClientRect().height, getComputedStyle(text).overflowY]);
    expect(heights[0]).toBeLessThan(200);
    expect(heights[1]).toBe("hidden");
    await cy.close();
  });

  test("hostile names of people and rooms break nothing", async () => {
    const username = `z${"\u{0301}\u{0323}".repeat(2)}`.repeat(6);
    const email = "zed@example.com";
    const { status } = await api(home.server, "POST /account/reg/", {
      body: { email, password: PASSWORD, password2: PASSWORD, username },
    });
    expect(status).toBe(201);
    const zed = await visit(browser, home.server.url, { viewport: PHONE });
    await zed.signIn("zed");
    const room = "ש".repeat(30) + "x".repeat(30);
    await zed.enter(room);
    await zed.say("here");
    await zed.sees("here");
    expect(await zed.page.evaluate(() => document.documentElement.scrollWidth)).toBe(PHONE.width);
    // An invalid name leads to an error.
    await zed.page.evaluate(() => void (location.hash = "#/room/..%2F%3Cb%3E"));
    await zed.page.getByRole("alert").getByText("must be 1 to 64 letters").waitFor();
    await zed.page.evaluate(() => void (location.hash = "#/room/%ff"));
    await zed.page.locator(".at-rooms").waitFor();
    await zed.close();
  });

  test("a phone shows one view at a time, with a way back", async () => {
    const ada = await visit(browser, home.server.url, { viewport: PHONE, hasTouch: true, isMobile: true });
    await ada.signIn("ada");
    await ada.page.locator(".line", { hasText: "web-look" }).tap();
    await ada.sees("Good morning");
    expect(await ada.page.locator(".sidebar").isVisible()).toBe(false);
    await ada.composer.fill("from a phone");
    await ada.page.getByRole("button", { name: "Send" }).tap();
    await ada.sees("from a phone");
    await ada.page.getByRole("link", { name: "Back to the rooms" }).tap();
    await ada.page.locator(".sidebar").waitFor();
    expect(await ada.page.locator(".conversation").count()).toBe(0);
    await ada.close();
  });

  test("dark and light follow the system until the person chooses", async () => {
    const ben = await visit(browser, home.server.url, { colorScheme: "dark" });
    await ben.signIn("ben");
    const paper = () => ben.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    await ben.page.emulateMedia({ colorScheme: "light" });
    const light = await paper();
    expect(light).not.toBe(dark);
    await ben.page.getByRole("link", { name: "Account of ben" }).click();
    await ben.page.getByRole("button", { name: "Dark" }).click();
    expect(await paper()).toBe(dark);
    await ben.page.reload();
    await ben.page.getByRole("button", { name: "Dark", pressed: true }).waitFor();
    expect(await paper()).toBe(dark);
    await ben.close();
  });
});

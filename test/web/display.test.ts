import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("the page for readers who see it otherwise", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
    for (const room of ["web-other", "web-display"])
      await api(home.server, `POST /rooms/${room}/messages/`, {
        token: home.ada.token,
        body: { content: "Good morning" },
      });
    for (const [emoji, token] of [
      ["👍", home.ada.token],
      ["🎉", home.ben.token],
    ] as const)
      await api(home.server, `PUT /rooms/web-display/messages/1/reactions/${encodeURIComponent(emoji)}/`, {
        token,
        body: {},
      });
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  const inRoom = async (room = "web-display", options = {}) => {
    const visitor = await visit(browser, home.server.url, { reducedMotion: "reduce", ...options });
    await visitor.signIn("ada");
    await visitor.enter(room);
    return visitor;
  };
  const looks = (page: Page, selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => {
        const { backgroundColor, color, borderTopColor, outlineStyle } = getComputedStyle(element);
        return [backgroundColor, color, borderTopColor, outlineStyle].join(" ");
      });

  test("with the system's own colours, the current room and the person's own reactions still differ from the others", async () => {
    const ada = await inRoom("web-display", { forcedColors: "active" });
    const { page } = ada;
    await page.locator(".reaction").nth(1).waitFor();
    await page.locator(".line", { hasText: "web-other" }).waitFor();
    await page.mouse.move(0, 0);
    expect(await looks(page, ".line[aria-current]")).not.toBe(await looks(page, ".line:not([aria-current])"));
    expect(await looks(page, ".reaction[aria-pressed='true']")).not.toBe(
      await looks(page, ".reaction[aria-pressed='false']"),
    );
    // Both in the system's colours for what is chosen, which can be read on each other.
    const chosen = (selector: string) =>
      page.locator(selector).evaluate((element) => {
        const { backgroundColor, color } = getComputedStyle(element);
        return [backgroundColor, color];
      });
    const system = await page.evaluate(() => {
      const probe = document.createElement("i");
      document.body.append(probe);
      Object.assign(probe.style, {
        forcedColorAdjust: "none",
        background: "Highlight",
        color: "HighlightText",
      });
      const { backgroundColor, color } = getComputedStyle(probe);
      return [backgroundColor, color];
    });
    expect(await chosen(".line[aria-current]")).toEqual(system);
    expect(await chosen(".reaction[aria-pressed='true']")).toEqual(system);
    await ada.close();
  });

  test("printing gives the whole conversation and nothing else, dark on light", async () => {
    for (let at = 0; at < 200; at++)
      await api(home.server, "POST /rooms/web-print/messages/", {
        token: home.ben.token,
        body: { content: `Message ${at}` },
      });
    const ada = await inRoom("web-print", { colorScheme: "dark" });
    const { page } = ada;
    await ada.sees("Message 199");
    // The key loads what is not here yet.
    await page.evaluate(() => (globalThis.print = () => document.body.classList.add("on-paper")));
    await page.keyboard.press("Control+p");
    await page.locator("body.on-paper").waitFor();
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await until(async () => (await ada.texts()).length === 200);
    expect(await page.locator(".said").first().isVisible()).toBe(true);
    const seen = await page.evaluate(() => ({
      shown: [".sidebar", ".composer", ".bar button"].filter((part) =>
        document.querySelector(part)?.checkVisibility(),
      ),
      cut: [...document.querySelectorAll("html, body, .messages")].filter(
        (box) => box.scrollHeight > box.clientHeight + 1 && getComputedStyle(box).overflowY !== "visible",
      ).length,
      paper: getComputedStyle(document.body).backgroundColor,
    }));
    expect(seen).toEqual({ shown: [], cut: 0, paper: "rgb(255, 255, 255)" });
    expect((await page.pdf()).length).toBeGreaterThan(10_000);
    await page.emulateMedia({ media: "screen" });
    await until(async () => (await ada.texts()).length <= 160);
    await ada.close();
  });

  test("at a zoom of 400 %, nothing needs scrolling in two directions, and the conversation can be read", async () => {
    const ada = await inRoom("web-display", { viewport: { width: 320, height: 256 } });
    const { page } = ada;
    const fits = async (view: string) =>
      expect([view, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([view, 320]);
    await fits("a room");
    expect(await page.locator(".messages").evaluate((box) => box.clientHeight)).toBeGreaterThan(96);
    await page.getByRole("button", { name: "Room details" }).click();
    await page.getByRole("dialog").waitFor();
    await fits("details");
    await page.keyboard.press("Escape");
    await page.evaluate(() => void (location.hash = "#/"));
    await page.locator(".at-rooms").waitFor();
    await fits("rooms");
    await page.evaluate(() => void (location.hash = "#/account"));
    await page.getByText("This device", { exact: true }).waitFor();
    await fits("account");
    await ada.close();
  });
});

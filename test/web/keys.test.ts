import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("the keys of the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
    for (const room of ["web-one", "web-two", "web-three"])
      await api(home.server, `POST /rooms/${room}/messages/`, {
        token: home.ada.token,
        body: { content: `in ${room}` },
      });
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  const inRoom = async (room: string) => {
    const ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
    await ada.page.locator(".line").nth(2).waitFor();
    await ada.enter(room);
    const at = (title: string) => ada.page.locator(".conversation h1", { hasText: title }).waitFor();
    return { ada, at, ...ada };
  };

  test("Alt and the arrows lead from room to room, with Shift to the next unread one", async () => {
    const { page, at, close } = await inRoom("web-two");
    await page.keyboard.press("Alt+ArrowUp");
    await at("web-three");
    await page.keyboard.press("Alt+ArrowDown");
    await at("web-two");
    await page.keyboard.press("Alt+ArrowDown");
    await at("web-one");
    await page.keyboard.press("Alt+ArrowDown");
    await at("web-three");
    await api(home.server, "POST /rooms/web-one/messages/", {
      token: home.ben.token,
      body: { content: "news" },
    });
    await page.getByRole("img", { name: "1 unread" }).waitFor();
    await page.keyboard.press("Alt+Shift+ArrowUp");
    await at("web-one");
    await close();
  });

  test("typing anywhere in a room writes in its composer", async () => {
    const { page, composer, close } = await inRoom("web-one");
    await page.getByRole("button", { name: "Room details" }).focus();
    await page.keyboard.type("hi there");
    expect(await composer.inputValue()).toBe("hi there");
    await composer.fill("");
    // With modifiers, in a dialog, and while the keys belong to an input method, it does not.
    const details = page.getByRole("button", { name: "Room details" });
    await details.focus();
    await page.keyboard.press("Control+b");
    await details.evaluate((button) => {
      const press = (init: KeyboardEventInit) =>
        button.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, ...init }));
      press({ key: "n", isComposing: true });
      press({ key: "n", keyCode: 229 });
    });
    expect(await details.evaluate((button) => button === document.activeElement)).toBe(true);
    await details.click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("xyz");
    expect(await composer.inputValue()).toBe("");
    await close();
  });

  test("? shows the shortcuts, but is text in a field", async () => {
    const { page, composer, close } = await inRoom("web-one");
    await composer.focus();
    await page.keyboard.type("what?");
    expect(await composer.inputValue()).toBe("what?");
    await composer.fill("");
    await page.getByRole("button", { name: "Room details" }).focus();
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await dialog.getByText("Next unread room").waitFor();
    await page.keyboard.press("Escape");
    await until(async () => (await dialog.count()) === 0);
    expect(await composer.inputValue()).toBe("");
    await close();
  });
});

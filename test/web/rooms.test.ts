import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { deferred } from "../../src/client/deferred.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { register } from "../support/people.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("rooms and people on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
    for (const { token } of [home.ada, home.ben])
      await api(home.server, "POST /rooms/web-near/messages/", { token, body: { content: "hello" } });
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  test("someone new sees where to begin, also on a phone", async () => {
    for (const [name, viewport] of [
      ["nia", { width: 1280, height: 800 }],
      ["noa", { width: 390, height: 780 }],
    ] as const) {
      await register(home.server, name);
      const visitor = await visit(browser, home.server.url, { viewport });
      await visitor.signIn(name);
      const welcome = visitor.page.locator(".welcome");
      await welcome.getByText("If someone sent you a link to a room, open it to join.").waitFor();
      await welcome.getByRole("button", { name: "Start a conversation" }).click();
      await visitor.page.getByRole("dialog", { name: "New conversation" }).waitFor();
      await visitor.page.keyboard.press("Escape");
      await welcome.getByRole("button", { name: "Find a room or a person" }).click();
      await visitor.page.getByRole("combobox", { name: "Find a room or a person" }).waitFor();
      await visitor.page.keyboard.press("Escape");
      await welcome.getByRole("link", { name: "Open the lobby" }).click();
      await visitor.page.locator(".conversation h1", { hasText: "lobby" }).waitFor();
      await visitor.close();
    }
  });

  test("choosing people acts on what is in the field, and never on people who have not been found", async () => {
    const ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
    const { page } = ada;
    const held = deferred<void>();
    await page.route(/\/members\//, (route) => held.promise.then(() => route.continue()));
    await page.getByRole("button", { name: "New conversation" }).click();
    const field = page.getByRole("combobox", { name: "With" });
    await field.pressSequentially("cyn");
    await field.press("Enter");
    await page.getByText("Nobody in your rooms is called that.").waitFor();
    expect(await page.locator(".chip").count()).toBe(0);
    held.resolve();
    await field.fill("be");
    await page.getByRole("option", { name: "ben @ben" }).waitFor();
    await page.evaluate(() => {
      const input = document.querySelector<HTMLInputElement>("#new-people");
      if (!input) return;
      input.value = "@cy";
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    });
    await page.locator(".chip", { hasText: "cy" }).waitFor();
    expect(await page.locator(".chip").count()).toBe(1);
    await ada.close();
  });

  test("a list that could not be loaded says so, and loads when it is asked again", async () => {
    const ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
    const { page } = ada;
    await ada.enter("web-near");
    let away = true;
    await page.route(/\/rooms\/web-near\/members\//, (route) => (away ? route.abort() : route.continue()));
    await page.getByRole("button", { name: "Room details" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The server cannot be reached.").waitFor();
    away = false;
    await dialog.getByRole("button", { name: "Try again" }).click();
    await dialog.getByText("You · Member").waitFor();
    await ada.close();
  });
});

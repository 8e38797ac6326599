import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { noDialog, visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("the keyboard and screen readers on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  const post = (room: string, content: string, token = home.ben.token) =>
    api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content } });
  const inRoom = async (room: string, options = {}): Promise<Visitor> => {
    const visitor = await visit(browser, home.server.url, { reducedMotion: "reduce", ...options });
    await visitor.signIn("ada");
    await visitor.enter(room);
    return visitor;
  };
  /** Says which element has the focus: its label or text. */
  const focused = ({ page }: Visitor) =>
    page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return "nothing";
      if (element.matches(".said")) return `message ${(element as HTMLElement).dataset.id}`;
      return element.getAttribute("aria-label") ?? element.textContent?.trim() ?? "";
    });
  const focusIs = async (visitor: Visitor, what: string) => {
    const now = "the focus is on ";
    await until(async () => (await focused(visitor)) === what).catch(() => {});
    expect(now + (await focused(visitor))).toBe(now + what);
  };

  test("the composer and the conversation are two Tabs away, however many rooms and messages there are", async () => {
    for (let room = 0; room < 12; room++) await post(`web-keys-${room}`, "hello", home.ada.token);
    for (let id = 0; id < 12; id++)
      await post("web-keys", `See https://example.com/${id} and https://example.org/`);
    const ada = await inRoom("web-keys");
    await ada.sees("example.com/11");
    const { page } = ada;
    const press = (key: string) => page.keyboard.press(key);
    await page.locator(".brand").click(); // from the top of the page
    await press("Shift+Tab");
    await focusIs(ada, "Skip to the message field");
    await press("Shift+Tab");
    await focusIs(ada, "Skip to the conversation");
    await press("Enter");
    await focusIs(ada, "message 12");
    await page.locator(".skip a").last().focus();
    await press("Enter");
    await focusIs(ada, "Message to web-keys");

    // The conversation and the list of rooms are one stop each.
    const stops = await page.evaluate(() =>
      [".messages", ".sidebar nav"].map((box) => {
        const all = [...document.querySelectorAll<HTMLElement>(`${box}, ${box} :is(a, button, [tabindex])`)];
        return all.filter((one) => one.tabIndex === 0 && !one.matches("nav, button.wide")).length;
      }),
    );
    expect(stops).toEqual([1, 1]);
    await press("Shift+Tab");
    await focusIs(ada, "message 12");
    await press("ArrowUp");
    await focusIs(ada, "message 11");
    await press("Home");
    await focusIs(ada, "message 1");
    await press("ArrowDown");
    await focusIs(ada, "message 2");
    // Tab goes through what is in the message, and then leaves the conversation.
    await press("Tab");
    await focusIs(ada, "https://example.com/1");
    await press("Escape");
    await focusIs(ada, "message 2");
    await press("Enter");
    await focusIs(ada, "React");
    const actions = await page.locator("[data-id='2'] .actions button").count();
    for (let action = 0; action < actions; action++) await press("Tab");
    await focusIs(ada, "Message to web-keys");
    await press("Shift+Tab");
    await focusIs(ada, "message 2");
    await press("End");
    await focusIs(ada, "message 12");
    await press("Escape");
    await focusIs(ada, "Message to web-keys");

    await page.locator(".line[aria-current]").focus();
    await press("ArrowDown");
    await press("End");
    await until(
      async () =>
        await page
          .locator(".line")
          .last()
          .evaluate((line) => line === document.activeElement),
    );
    await press("Home");
    await until(
      async () =>
        await page
          .locator(".line")
          .first()
          .evaluate((line) => line === document.activeElement),
    );
    await ada.close();
  });

  test("the focus stays near after reacting, deleting, and closing panels and dialogs, and Escape closes the topmost layer", async () => {
    await post("web-layers", "Good morning");
    await post("web-layers", "Mine", home.ada.token);
    const ada = await inRoom("web-layers");
    await ada.sees("Mine");
    const { page } = ada;
    const press = (key: string) => page.keyboard.press(key);
    await press("Shift+Tab");
    await press("ArrowUp");
    await press("Enter");
    await focusIs(ada, "React");
    await press("Enter");
    await focusIs(ada, "👍");
    await press("Escape");
    await focusIs(ada, "React");
    await press("Enter");
    await press("Tab");
    await press("Enter");
    await page.locator(".reaction").waitFor();
    await focusIs(ada, "React");
    // The layers above go first: the choice of a reaction, then the reply.
    await page.locator("[data-id='1']").getByRole("button", { name: "Reply", exact: true }).press("Enter");
    await page.locator(".about").waitFor();
    await page.locator("[data-id='1']").getByRole("button", { name: "React" }).press("Enter");
    await press("Escape");
    await focusIs(ada, "React");
    expect(await page.locator(".about").count()).toBe(1);
    await press("Escape");
    await page.locator(".about").waitFor({ state: "detached" });

    await focusIs(ada, "Message to web-layers");
    await press("Shift+Tab");
    await press("ArrowDown");
    await press("Enter");
    await page.locator("[data-id='2']").getByRole("button", { name: "Delete" }).press("Enter");
    await focusIs(ada, "Delete for everyone");
    await press("Enter");
    await page.locator("[data-id='2'] .gone").waitFor();
    await focusIs(ada, "message 2");

    const count = page.locator(".count");
    // On a wide screen it is docked, and Escape closes it only from inside.
    await page.getByRole("button", { name: "Close the list of people" }).focus();
    await press("Escape");
    await page.locator(".people").waitFor({ state: "detached" });
    await count.press("Enter");
    await focusIs(ada, "Close the list of people");
    await press("Escape");
    await page.locator(".people").waitFor({ state: "detached" });
    expect(await count.evaluate((button) => button === document.activeElement)).toBe(true);

    await page.getByRole("button", { name: "Room details" }).press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.getByRole("button", { name: "Pin to the top" }).press("Enter");
    await page.getByRole("button", { name: "Pin to the top", pressed: true }).waitFor();
    await focusIs(ada, "Pin to the top");
    await press("Escape");
    await noDialog(page);
    await focusIs(ada, "Room details");

    // A button can be disabled while it works, and then be gone.
    await page.getByRole("button", { name: "New conversation" }).press("Enter");
    await page.getByLabel("Title").fill("Roof");
    await press("Enter");
    await page.locator(".conversation h1", { hasText: "Roof" }).waitFor();
    await page.getByRole("button", { name: "Room details" }).press("Enter");
    await page.getByRole("button", { name: "Create a link" }).press("Enter");
    const revoke = page.getByRole("button", { name: /^Revoke the link/ });
    await revoke.press("Enter");
    await revoke.waitFor({ state: "detached" });
    await focusIs(ada, "How long the link works");
    await press("Escape");
    await noDialog(page);
    await focusIs(ada, "Room details");

    await ada.composer.focus();
    await press("Control+k");
    await page.keyboard.type("nothing like it");
    await page.getByRole("option").waitFor();
    await press("Escape");
    await page.locator("dialog.switcher").waitFor({ state: "hidden" });
    expect(await ada.composer.evaluate((field) => field === document.activeElement)).toBe(true);
    await ada.close();
  });

  test("the focus finds a place when its room disappears", async () => {
    await post("web-layers-left", "Here");
    await post("web-layers-stays", "Here", home.ada.token);
    const ada = await inRoom("web-layers-left");
    await ada.say("I go");
    await ada.sees("I go");
    await api(home.server, "DELETE /rooms/web-layers-left/members/me/", { token: home.ada.token });
    await ada.page.getByRole("heading", { name: "Welcome" }).waitFor();
    await until(async () => (await focused(ada)) !== "nothing");
    await ada.close();
  });

  test("equal messages are announced twice, and a flood in few words", async () => {
    const ada = await inRoom("web-heard");
    const heard = () => ada.page.locator(".unseen[role='log'] p").allTextContents();
    await post("web-heard", "ping");
    await until(async () => (await heard()).length === 1);
    await post("web-heard", "ping");
    await until(async () => (await heard()).length === 2);
    expect(await heard()).toEqual(["ben: ping", "ben: ping"]);
    await Promise.all(Array.from({ length: 30 }, (_, at) => post("web-heard", `flood ${at}`)));
    await ada.page.getByText(/^\d+ more messages$/).waitFor({ state: "attached" });
    expect((await heard()).length).toBeLessThanOrEqual(5);
    await ada.close();
  });
});

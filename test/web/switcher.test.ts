import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Route } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { deferred } from "../../src/client/deferred.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("switching rooms", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
    const say = (room: string, { token }: { token: string }) =>
      api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content: `in ${room}` } });
    for (const room of ["lobby", "Sunroom", "globbing"]) await say(room, home.ada);
    for (const room of ["globbing", "web-first", "web-second", "web-third"]) await say(room, home.ben);
    await say("web-first", home.cy);
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  const signedIn = async (name = "ben"): Promise<Visitor> => {
    const visitor = await visit(browser, home.server.url);
    await visitor.signIn(name);
    await visitor.page.locator(".line").first().waitFor();
    return visitor;
  };
  const options = ({ page }: Visitor) => page.getByRole("option").locator(".name").allTextContents();
  const at = ({ page }: Visitor, title: string) =>
    page.locator(".conversation h1", { hasText: new RegExp(`^${title}$`) }).waitFor();
  /** The names of ben's rooms. */
  const rooms = async () => {
    const { body } = await api(home.server, "GET /rooms/", { token: home.ben.token });
    return (body as readonly { readonly room: string }[]).map(({ room }) => room);
  };

  test("Enter before the list of rooms has arrived waits for it, and opens the room instead of creating one", async () => {
    const ben = await signedIn();
    const { page } = ben;
    const held = deferred<void>();
    const hold = (route: Route) => held.promise.then(() => route.continue());
    await page.route(/\/rooms\/\?.*all/, hold);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("lobb");
    await page.keyboard.press("Enter");
    await page.getByText("The best match opens as soon as it is found.").waitFor();
    // A room of ben's has it somewhere inside, but "lobby" begins like it.
    expect(await options(ben)).toEqual(["globbing"]);
    expect(await page.getByText("Create this room").count()).toBe(0);
    held.resolve();
    await at(ben, "lobby");
    expect(await rooms()).not.toContain("lobb");
    await ben.close();
  });

  test("keys reach the field at once, even if its code is not there yet and the page is busy", async () => {
    const ben = await signedIn();
    const { page } = ben;
    await ben.enter("web-first");
    await page.evaluate(() => {
      document.addEventListener("keydown", ({ key }) => {
        if (key !== "k") return;
        const end = performance.now() + 300;
        setTimeout(() => {
          while (performance.now() < end);
        });
      });
    });
    await page.keyboard.press("Control+k");
    await page.keyboard.type("web sec");
    await page.keyboard.press("Enter");
    await at(ben, "web-second");
    expect(await ben.composer.inputValue()).toBe("");
    await ben.sees("in web-second");
    expect(await ben.texts()).toEqual(["in web-second"]);
    await ben.close();
  });

  test("what is taken is what the field contains, not what was drawn for the text before", async () => {
    const ben = await signedIn();
    const { page } = ben;
    await page.keyboard.press("Control+k");
    await page.keyboard.type("web-first");
    await page.getByRole("option", { name: "web-first" }).waitFor();
    await page.evaluate(() => {
      const field = document.querySelector<HTMLInputElement>(".switcher input");
      if (!field) return;
      field.value = "web-third";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    });
    await at(ben, "web-third");
    await ben.close();
  });

  test("words, initials and arrow keys choose; the rooms that were open last come first", async () => {
    const ben = await signedIn();
    const { page } = ben;
    for (const room of ["web-third", "web-first", "web-second"]) await ben.enter(room);
    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    expect((await options(ben)).slice(0, 2)).toEqual(["web-first", "web-third"]);
    await page.keyboard.press("ArrowDown");
    await page.locator("[role=option][aria-selected=true]", { hasText: "web-third" }).waitFor();
    await page.keyboard.press("Enter");
    await at(ben, "web-third");

    await page.keyboard.press("Control+k");
    await page.keyboard.type("ws");
    await page.getByRole("option", { name: "web-second" }).waitFor();
    await page.locator(".switcher input").fill("fir we");
    await page.getByRole("option", { name: "web-first" }).waitFor();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await at(ben, "web-first");
    await ben.close();
  });

  test("a person of one's rooms is found by name, and opens a direct conversation", async () => {
    const ben = await signedIn();
    const { page } = ben;
    await page.keyboard.press("Control+k");
    await page.keyboard.type("cy");
    await page.getByRole("option", { name: "cy Message" }).waitFor();
    await page.keyboard.press("Enter");
    await at(ben, "cy");
    // Now there is a conversation with cy: they are not listed twice.
    await page.keyboard.press("Control+k");
    await page.keyboard.type("cy");
    await page.getByRole("option", { name: "cy", exact: true }).waitFor();
    await page.getByRole("option", { name: "cy Message" }).waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await ben.close();
  });

  test("a room that looks like the one to be created is offered first", async () => {
    const ben = await signedIn();
    const { page } = ben;
    await page.keyboard.press("Control+k");
    await page.keyboard.type("sunr00m");
    await page.getByRole("option", { name: "sunr00m Create this room" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("There is a room that looks like this one.").waitFor();
    expect(await options(ben)).toEqual(["Sunroom", "sunr00m"]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await at(ben, "sunr00m");
    await ben.close();
  });

  test("only names that the server accepts are offered for creation", async () => {
    const ben = await signedIn();
    const { page } = ben;
    const create = page.getByText("Create this room");
    await page.keyboard.press("Control+k");
    const field = page.locator(".switcher input");
    await field.fill("new room");
    await create.waitFor();
    expect(await options(ben)).toEqual(["new-room"]);
    for (const name of [
      ".hidden",
      "a/b",
      "~secret",
      "x".repeat(65),
      "gen\u{34f}eral",
      "what?",
      "a\u{1f600}",
    ]) {
      await field.fill(name);
      await page.getByText("Nothing found.").waitFor();
      expect([name, await create.count()]).toEqual([name, 0]);
      await field.fill("new room");
      await create.waitFor();
    }
    await ben.close();
  });
});

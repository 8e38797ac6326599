import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("drafts", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(() => home?.server.stop());

  const inRoom = async (name: string, room: string) => {
    const visitor = await visit(browser, home.server.url);
    await visitor.signIn(name);
    await visitor.enter(room);
    return visitor;
  };
  const fieldOf = (page: Page) => page.locator(".composer textarea");
  const holds = (page: Page, text: string) =>
    until(async () => (await fieldOf(page).inputValue({ timeout: 20_000 })) === text);
  /** Opens another tab of the same browser. */
  const tab = async (page: Page, room: string) => {
    const other = await page.context().newPage();
    await other.goto(`${home.server.url}/#/room/${room}`);
    await fieldOf(other).waitFor();
    return other;
  };

  test("each room keeps its own, with what it replies to, over other rooms and reloads", async () => {
    await api(home.server, "POST /rooms/draft-one/messages/", {
      token: home.ben.token,
      body: { content: "Tea or coffee?" },
    });
    const ada = await inRoom("ada", "draft-one");
    const { page } = ada;
    await page.locator("[data-id='1']").hover();
    await page.locator("[data-id='1']").getByRole("button", { name: "Reply", exact: true }).click();
    await page.keyboard.type("tea, ple");
    await ada.enter("draft-two");
    expect(await ada.composer.inputValue()).toBe("");
    await page.keyboard.type("two");
    await ada.enter("draft-one");
    await holds(page, "tea, ple");
    await page.reload();
    await holds(page, "tea, ple");
    await page.locator(".about", { hasText: /Replying to.*ben.*Tea or coffee\?/ }).waitFor();
    await ada.composer.press("End");
    await ada.composer.press("a");
    await ada.composer.press("Enter");
    await page.locator("[data-id='2'] .quote", { hasText: "Tea or coffee?" }).waitFor();
    // What was sent is no draft any more.
    await page.reload();
    await ada.sees("tea, plea");
    expect(await ada.composer.inputValue()).toBe("");
    await ada.enter("draft-two");
    await holds(page, "two");
    await ada.close();
  });

  test("survive a crash of the tab, and a tab that is closed leaves its draft to the next", async () => {
    const ada = await inRoom("ada", "draft-crash");
    const first = await tab(ada.page, "draft-crash");
    await fieldOf(first).pressSequentially("half a th");
    const crashed = first.waitForEvent("crash");
    const session = await first.context().newCDPSession(first);
    void session.send("Page.crash").catch(() => {});
    await crashed;
    await first.close();
    const second = await tab(ada.page, "draft-crash");
    await holds(second, "half a th");
    await fieldOf(second).pressSequentially("ought");
    await second.close();
    const third = await tab(ada.page, "draft-crash");
    await holds(third, "half a thought");
    // The draft moved: nobody finds it twice.
    await fieldOf(third).press("Enter");
    await third.locator("[data-id='1']", { hasText: "half a thought" }).waitFor();
    await third.close();
    await ada.enter("draft-elsewhere");
    await ada.enter("draft-crash");
    await ada.sees("half a thought");
    expect(await ada.composer.inputValue()).toBe("");
    await ada.close();
  });

  test("of two tabs do not mix, even in one room", async () => {
    // A draft of the room, not of the tab, was overwritten by the other tab.
    const ada = await inRoom("ada", "draft-tabs");
    const other = await tab(ada.page, "draft-tabs");
    await ada.composer.pressSequentially("alpha");
    await fieldOf(other).pressSequentially("beta");
    for (const page of [ada.page, other]) await page.reload();
    await holds(ada.page, "alpha");
    await holds(other, "beta");
    await fieldOf(other).press("Enter");
    await ada.sees("beta");
    expect(await ada.composer.inputValue()).toBe("alpha");
    await ada.close();
  });

  test("are deleted when their person signs out, and nobody else sees them", async () => {
    const ada = await inRoom("ada", "draft-out");
    const { page } = ada;
    await ada.composer.pressSequentially("secret plan");
    await page.evaluate(() => void (location.hash = "#/account"));
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    const stored = () => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    expect(await stored()).not.toContain("secret plan");
    await ada.signIn("ben");
    await ada.enter("draft-out");
    await ada.composer.pressSequentially("ben's plan");

    // A session that ends elsewhere is no such wish: the draft waits for its person.
    const { body: sessions } = await api(home.server, "GET /account/sessions/", { token: home.ben.token });
    for (const { id, current } of sessions as { id: string; current: boolean }[])
      if (!current) await api(home.server, `DELETE /account/sessions/${id}/`, { token: home.ben.token });
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await ada.signIn("cy");
    await ada.enter("draft-out");
    expect(await ada.composer.inputValue()).toBe("");
    await page.evaluate(() => void (location.hash = "#/account"));
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await ada.signIn("ben");
    await ada.enter("draft-out");
    await holds(page, "ben's plan");
    await ada.close();
  });

  for (const fault of ["blocked", "full"] as const)
    test(`and messages do without a storage that is ${fault}`, async () => {
      const visitor = await visit(browser, home.server.url);
      const { page } = visitor;
      await page.addInitScript((fault) => {
        const fail = () => {
          throw new DOMException("no", "QuotaExceededError");
        };
        if (fault === "full") Storage.prototype.setItem = fail;
        else
          for (const name of ["localStorage", "sessionStorage"])
            Object.defineProperty(window, name, { get: fail });
      }, fault);
      await page.reload();
      await visitor.signIn("cy");
      await visitor.enter(`draft-${fault}`);
      await visitor.composer.pressSequentially("a draft");
      await visitor.enter(`draft-other-${fault}`);
      for (const text of ["one", "two", "three"]) await visitor.say(text);
      await visitor.sees("three");
      expect(await visitor.texts()).toEqual(["one", "two", "three"]);
      await visitor.enter(`draft-${fault}`);
      await holds(page, "a draft");
      await visitor.close();
    });
});

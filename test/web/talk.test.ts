import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { noDialog, visit, visitRoom } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

needs("chromium")("talking on the page", () => {
  let browser: Browser;
  let home: House;
  let proxy: Proxy;
  beforeAll(async () => {
    home = await ownHouse();
    proxy = startProxy(home.server.port);
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    proxy?.stop();
    await home?.server.stop();
  });

  const inRoom = (name: string, room: string, url = home.server.url) => visitRoom(browser, url, name, room);

  test("a visitor signs up, sees what is wrong with the form, and signs in again", async () => {
    const visitor = await visit(browser, home.server.url);
    const { page } = visitor;
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByLabel("Email").fill("ada@example.com");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByText("The password must have at least 8 characters.").waitFor();
    // Hidden, and password managers know what it is.
    const attribute = (name: string) => page.getByLabel("Password").getAttribute(name);
    expect([await attribute("type"), await attribute("autocomplete")]).toEqual(["password", "new-password"]);
    await page.getByLabel("Password").fill("long enough for it");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByText("An account with this email already exists.").waitFor();

    await page.getByLabel("Email").fill("dee@example.com");
    await page.getByLabel("Name").fill("dee");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByText("You have no rooms yet.").waitFor();
    await page.getByRole("link", { name: "Account of dee" }).click();
    await page.getByText("This device", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Password").fill("long enough for it");
    await page.getByLabel("Email").fill("dee@example.com");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("link", { name: "Account of dee" }).waitFor();
    await visitor.close();
  });

  test("two people in two browsers post, reply, react, edit and delete", async () => {
    const [ada, ben] = [await inRoom("ada", "web-talk"), await inRoom("ben", "web-talk")];
    await ada.watchShifts();
    await ada.say("Good morning");
    await ben.sees("Good morning");
    await ben.composer.pressSequentially("Hel");
    await ada.page.getByText("ben is typing…").waitFor();
    await ben.say("Hello Ada\nhow are you?");
    await ada.sees("how are you?");
    // Screen readers announce it to others, but not to its sender.
    await ada.page.getByRole("log", { name: "New messages" }).getByText("ben: Hello Ada").waitFor();
    expect(await ben.page.getByRole("log", { name: "New messages" }).textContent()).toBe("ada: Good morning");
    await ada.page.getByText("ben is typing…").waitFor({ state: "detached" });

    const greeting = ada.page.locator("[data-id]", { hasText: "Hello Ada" });
    await greeting.hover();
    await greeting.getByRole("button", { name: "React" }).click();
    await greeting.getByRole("button", { name: "🎉" }).click();
    await ben.page.getByRole("button", { name: "🎉 1: ada" }).waitFor();
    await greeting.hover();
    await greeting.getByRole("button", { name: "Reply", exact: true }).click();
    // The form appears a frame later. Typing before that would be lost.
    await ada.page.locator(".about", { hasText: "Hello Ada" }).waitFor();
    await ada.say("Very well");
    await ben.page.locator(".quote", { hasText: "Hello Ada" }).waitFor();

    // The up arrow edits the latest message.
    await ada.sees("Very well");
    await ada.composer.press("ArrowUp");
    await until(async () => (await ada.composer.inputValue()) === "Very well");
    await ada.say("Very well indeed");
    await ben.sees("Very well indeed");
    await ben.page.getByText("edited").waitFor();

    const own = ada.page.locator("[data-id]", { hasText: "Very well indeed" });
    await own.hover();
    await own.getByRole("button", { name: "Delete" }).click();
    await own.getByRole("button", { name: "Delete for everyone" }).click();
    await ben.page.getByText("Message deleted").first().waitFor();
    expect(await ben.texts()).toEqual(["Good morning", "Hello Ada\nhow are you?", "Message deleted"]);
    // Only new messages may move others. Nothing else moves anything.
    expect(await ada.shifted()).toEqual([]);
    await Promise.all([ada.close(), ben.close()]);
  });

  test("the list of rooms shows new messages without opening a room", async () => {
    for (const room of ["web-list-one", "web-list-two"])
      await api(home.server, `POST /rooms/${room}/messages/`, {
        token: home.cy.token,
        body: { content: "first" },
      });
    const cy = await visit(browser, home.server.url);
    await cy.signIn("cy");
    const line = cy.page.locator(".line", { hasText: "web-list-two" });
    await line.waitFor();
    await cy.enter("web-list-one");
    await api(home.server, "POST /rooms/web-list-two/messages/", {
      token: home.ben.token,
      body: { content: "something new" },
    });
    await line.getByText("something new").waitFor();
    await line.getByRole("img", { name: "1 unread" }).waitFor();
    expect(await cy.page.locator(".line .title").first().textContent()).toBe("web-list-two");
    await until(async () => /^\(\d+\+?\) web-list-one · Parley$/.test(await cy.page.title()));
    // Opening the room marks its messages as read.
    await line.click();
    await line.locator(".badge").waitFor({ state: "detached" });
    await cy.page.locator(".divider.new").waitFor();
    await cy.close();
  });

  test("a room is found or created by name, with the keyboard alone", async () => {
    const ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
    await ada.page.keyboard.press("Control+k");
    await ada.page.keyboard.type("web new room");
    await ada.page.keyboard.press("Enter");
    await ada.page.getByRole("heading", { name: "web-new-room" }).waitFor();
    await ada.page.getByText("No messages here yet.").waitFor();
    await ada.page.keyboard.type("I am the first");
    await ada.page.keyboard.press("Enter");
    await ada.sees("I am the first");
    await ada.page.locator(".line", { hasText: "web-new-room" }).getByText("I am the first").waitFor();
    await ada.page.mouse.move(0, 0);
    // Shift+Tab leads from the composer to the messages, the up arrow to the last of them, Tab to its actions.
    await ada.page.keyboard.press("Shift+Tab");
    await ada.page.keyboard.press("ArrowUp");
    await ada.page.keyboard.press("Tab");
    expect(await ada.page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("React");
    await ada.close();
  });

  test("a person leaves a room with the keyboard, and it disappears from their list", async () => {
    const ada = await inRoom("ada", "web-leave");
    const { page } = ada;
    await ada.say("I was here");
    const line = page.locator(".line", { hasText: "web-leave" });
    await line.waitFor();
    let left = 0;
    await page.route(/\/rooms\/web-leave\/members\/me\//, (route) =>
      ++left === 1
        ? route.fulfill({
            status: 403,
            json: { code: "forbidden", retryable: false, detail: "Try again soon." },
          })
        : route.continue(),
    );
    await page.getByRole("button", { name: "Room details" }).press("Enter");
    await page.getByRole("dialog", { name: "web-leave" }).waitFor();
    await page.getByRole("button", { name: "Leave room" }).press("Enter");
    await page.getByRole("form", { name: "Leave web-leave?" }).waitFor();
    await page.keyboard.press("Escape");
    await noDialog(page);
    expect(left).toBe(0);

    await page.getByRole("button", { name: "Room details" }).press("Enter");
    await page.getByRole("button", { name: "Leave room" }).press("Enter");
    await page.getByRole("button", { name: "Leave", exact: true }).press("Enter");
    await page.getByRole("alert").getByText("You are not allowed to do this.").waitFor();
    await page.getByRole("button", { name: "Leave", exact: true }).press("Enter");
    await page.locator(".blank").waitFor();
    await line.waitFor({ state: "detached" });
    expect(await page.evaluate(() => location.hash)).toBe("#/");
    expect(left).toBe(2);

    await ada.enter("web-leave-other");
    await page.locator(".line", { hasText: "web-leave-other" }).waitFor();
    const listed = () => page.locator(".line .title").allTextContents();
    expect(await listed()).not.toContain("web-leave");
    await page.reload();
    await page.locator(".line", { hasText: "web-leave-other" }).waitFor();
    expect(await listed()).not.toContain("web-leave");
    await ada.close();
  });

  test("a person who loses the network sees it, goes on writing, and misses nothing", async () => {
    const ada = await inRoom("ada", "web-cut", proxy.url);
    await ada.say("before");
    await ada.sees("before");
    proxy.refuse = true;
    proxy.cut();
    await ada.page.getByText("Connection lost.").waitFor();
    await ada.say("written meanwhile");
    await ada.say("and one more");
    await ada.page.locator(".waiting", { hasText: "written meanwhile" }).waitFor();
    await ada.page.getByText("2 messages waiting.").waitFor();
    await api(home.server, "POST /rooms/web-cut/messages/", {
      token: home.ben.token,
      body: { content: "said by ben meanwhile" },
    });
    proxy.refuse = false;
    await ada.page.evaluate(() => dispatchEvent(new Event("online")));
    await ada.sees("and one more");
    await ada.page.locator(".banner.shown").waitFor({ state: "detached" });
    expect(await ada.texts()).toEqual([
      "before",
      "said by ben meanwhile",
      "written meanwhile",
      "and one more",
    ]);
    await ada.close();
  });

  test("a refused message stays, shows the reason, and can be edited", async () => {
    const ada = await inRoom("ada", "web-refused");
    // The database cannot store this character.
    await ada.say("one\0two");
    const refused = ada.page.locator(".refused");
    await refused.getByText("Not sent. The message must not contain").waitFor();
    await refused.getByRole("button", { name: "Try again" }).click();
    await refused.getByText("Not sent. The message must not contain").waitFor();
    await ada.composer.fill("a draft");
    await refused.getByRole("button", { name: "Edit" }).click();
    await refused.waitFor({ state: "detached" });
    expect(await ada.composer.inputValue()).toBe("one\0two");
    await ada.composer.press("Escape");
    await refused.getByRole("button", { name: "Edit" }).click();
    await ada.say("shorter");
    await ada.sees("shorter");
    await refused.waitFor({ state: "detached" });
    expect(await ada.composer.inputValue()).toBe("a draft");
    await ada.close();
  });

  test("two tabs show the same, and a session that is ended on another device ends here", async () => {
    const ben = await inRoom("ben", "web-tabs");
    const other = await ben.page.context().newPage();
    await other.goto(`${home.server.url}/#/room/web-tabs`);
    await ben.say("from the first tab");
    await other.locator("[data-id] .text", { hasText: "from the first tab" }).waitFor();

    const elsewhere = await visit(browser, home.server.url);
    await elsewhere.signIn("ben");
    await elsewhere.page.goto(`${home.server.url}/#/account`);
    await elsewhere.page.getByRole("button", { name: "Sign out all other devices" }).click();
    await elsewhere.page
      .getByRole("button", { name: "Sign out all other devices" })
      .waitFor({ state: "detached" });
    await ben.page.getByRole("button", { name: "Sign in" }).waitFor();
    await other.getByRole("button", { name: "Sign in" }).waitFor();
    await elsewhere.close();
    await ben.close();
  });

  test("someone says what they are called; others see it, with the username to tell namesakes apart", async () => {
    const [cy, ben] = [await inRoom("cy", "web-names"), await inRoom("ben", "web-names")];
    await cy.say("as cy");
    await ben.sees("as cy");
    await cy.page.evaluate(() => void (location.hash = "#/account"));
    const field = cy.page.getByLabel("What others see");
    await field.fill("Ben\u202e");
    await cy.page.getByRole("button", { name: "Save" }).click();
    await cy.page.getByText("The name must not contain").waitFor();
    await field.fill("Cy's Café & Co.");
    await cy.page.getByRole("button", { name: "Save" }).click();
    await cy.page.getByText("Saved.").waitFor();
    await cy.page.getByRole("link", { name: "Account of Cy's Café & Co." }).waitFor();
    await cy.enter("web-names");
    await cy.say("as myself");
    await ben.sees("as myself");
    await ben.page.locator("[data-id='2'] .name[title='@cy']", { hasText: "Cy's Café & Co." }).waitFor();
    // One's own messages are told by the id: they can be edited.
    await cy.page.locator("[data-id='2']").hover();
    await cy.page.locator("[data-id='2']").getByRole("button", { name: "Edit" }).waitFor();
    for (const visitor of [cy, ben]) await visitor.close();
  });
});

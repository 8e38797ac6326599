import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import type { Person } from "../support/people.ts";
import { startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { attend, shown, topOf } from "./attention.ts";
import { fill } from "./crowd.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

const AWAY = { visible: false, focus: false };
const BESIDE = { visible: true, focus: false };
const THERE = { visible: true, focus: true };

needs("chromium")("reading on the page", () => {
  let browser: Browser;
  let home: House;
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterEach(async () => {
    for (const visitor of visitors.splice(0)) await visitor.close();
  });
  afterAll(() => home?.server.stop());

  const come = async (
    name: string,
    hash = "",
    options: BrowserContextOptions = {},
    url = home.server.url,
  ) => {
    const visitor = await visit(browser, `${url}/${hash}`, options);
    visitors.push(visitor);
    await visitor.signIn(name);
    return visitor;
  };
  /** Ben posts messages in a room. */
  const post = (room: string, count: number) => fill(home.server, room, [home.ben.token], count);
  /** What the server says about a room. */
  const lineOf = async (room: string, person: Person = home.ada) => {
    const { body } = await api(home.server, `GET /rooms/${room}/`, { token: person.token });
    return body as { lastRead: number; unread: number };
  };
  const markIs = (room: string, id: number) =>
    until(async () => (await lineOf(room)).lastRead === id, 15_000);
  const message = ({ page }: Visitor, id: number) => page.locator(`[data-id='${id}']`);
  /** A room in which ada has read everything. */
  const readRoom = async (room: string, count: number) => {
    await post(room, count);
    const ada = await come("ada");
    await ada.enter(room);
    await message(ada, count).waitFor();
    return ada;
  };

  // Regression: the page scrolled to the end and marked everything as read, and most messages were never on the screen.
  test("a hidden tab keeps its place, and what came meanwhile is new and unread until it is on the screen", async () => {
    const ada = await readRoom("read-hidden", 30);
    await markIs("read-hidden", 30);
    const before = await topOf(ada.page);
    await attend(ada.page, AWAY);
    await post("read-hidden", 40);
    await ada.page.waitForFunction(() => document.title.startsWith("(40)"));
    await attend(ada.page, THERE);
    await message(ada, 31).waitFor();
    expect(await topOf(ada.page)).toEqual(before);
    const line = ada.page.locator(".divider.new + [data-id]");
    expect(await line.getAttribute("data-id")).toBe("31");
    expect((await lineOf("read-hidden")).lastRead).toBe(30);

    await ada.page.getByRole("button", { name: "40 new" }).click();
    await ada.page.locator("[data-id='31']:focus").waitFor();
    await until(async () => (await lineOf("read-hidden")).lastRead > 30);
    const { lastRead } = await lineOf("read-hidden");
    expect(lastRead).toBeLessThan(70);
    expect(lastRead).toBe(Math.max(...(await shown(ada.page))));
    expect(await line.getAttribute("data-id")).toBe("31");
    await ada.page.mouse.move(700, 400);
    await until(async () => {
      await ada.page.mouse.wheel(0, 200);
      return (await lineOf("read-hidden")).lastRead === 70;
    }, 30_000);
  });

  // Regression: a window that was visible beside another one marked as read what its person did not see.
  test("a visible window without the focus does not mark as read, and follows until what is new fills the screen", async () => {
    const ada = await readRoom("read-beside", 30);
    await markIs("read-beside", 30);
    await attend(ada.page, BESIDE);
    await post("read-beside", 2);
    await ada.page.locator(".divider.new").waitFor();
    await until(async () => (await shown(ada.page)).includes(32));
    await post("read-beside", 60);
    await ada.page.getByRole("button", { name: "62 new" }).waitFor();
    expect((await lineOf("read-beside")).lastRead).toBe(30);
    expect(await ada.page.locator(".divider.new + [data-id]").getAttribute("data-id")).toBe("31");
    expect(await shown(ada.page)).toContain(31);
    await attend(ada.page, THERE);
    await until(async () => (await lineOf("read-beside")).lastRead > 30);
    expect((await lineOf("read-beside")).lastRead).toBe(Math.max(...(await shown(ada.page))));
  });

  test("a room with a few unread messages opens at the first of them, one with many at its end", async () => {
    const ada = await readRoom("read-few", 40);
    await markIs("read-few", 40);
    await ada.enter("read-elsewhere");
    await post("read-few", 50);
    // Whoever opens a room follows what arrives from then on.
    await ada.page
      .locator(".sidebar .line", { hasText: "read-few" })
      .locator(".badge", { hasText: "50" })
      .waitFor();
    await ada.enter("read-few");
    await until(async () => (await shown(ada.page)).includes(41));
    expect(await ada.page.locator(".divider.new + [data-id]").getAttribute("data-id")).toBe("41");
    expect((await lineOf("read-few")).lastRead).toBeLessThan(90);

    await ada.enter("read-elsewhere");
    await post("read-few", 150);
    await ada.page.evaluate(() => location.reload());
    await ada.page.locator(".sidebar").waitFor();
    await ada.enter("read-few");
    await message(ada, 240).waitFor();
    const { lastRead } = await lineOf("read-few");
    expect(lastRead).toBeLessThan(91);
    await ada.page.getByRole("button", { name: "99+ new" }).click();
    await until(async () => (await shown(ada.page)).includes(lastRead + 1));
    await ada.page.getByRole("button", { name: "Newest" }).click();
    await until(async () => (await shown(ada.page)).includes(240));
    expect((await lineOf("read-few")).lastRead).toBeLessThan(240);
    await ada.page.getByRole("button", { name: "Mark as read" }).click();
    await markIs("read-few", 240);
    await ada.page.getByRole("button", { name: "Mark as read" }).waitFor({ state: "detached" });
  });

  // Regression: under the pointer the button became the one for the next message, so a click went there.
  test("the button for the newest message stays what and where it is when messages come", async () => {
    const ada = await readRoom("read-steady", 60);
    await ada.page.mouse.move(700, 400);
    await ada.page.mouse.wheel(0, -600);
    const newest = ada.page.getByRole("button", { name: "Newest" });
    const box = await newest.boundingBox();
    await newest.hover();
    await ada.page.mouse.down();
    await post("read-steady", 60);
    await ada.page.getByRole("button", { name: "60 new" }).waitFor();
    expect(await newest.boundingBox()).toEqual(box);
    await ada.page.mouse.up();
    await until(async () => (await shown(ada.page)).includes(120));
    await newest.waitFor({ state: "detached" });
  });

  // Regression: the page of history that the first button had asked for took the reader away from the end again.
  test("someone who changes their mind and goes to the newest message stays there", async () => {
    await readRoom("read-mind", 40);
    await markIs("read-mind", 40);
    await post("read-mind", 250);
    const proxy = startProxy(home.server.port);
    const ada = await come("ada", "#/room/read-mind", {}, proxy.url);
    await message(ada, 290).waitFor();
    const first = ada.page.getByRole("button", { name: "99+ new" });
    await first.waitFor();
    proxy.delayMs = 1_000;
    await first.click();
    await ada.page.mouse.move(700, 400);
    await ada.page.mouse.wheel(0, -300);
    await ada.page.getByRole("button", { name: "Newest" }).click();
    // It comes over the same connection, behind what the first button asked for.
    await post("read-mind", 1);
    await until(async () => (await shown(ada.page)).includes(291));
    expect(await ada.page.getByRole("button", { name: "Newest" }).count()).toBe(0);
    proxy.delayMs = 0;
    proxy.stop();
  });

  test("messages can be marked as unread, on all devices, and stay so until the room is opened again", async () => {
    await post("read-back", 12);
    const [ada, other] = [await come("ada"), await come("ada")];
    await ada.enter("read-back");
    await message(ada, 12).waitFor();
    const row = message(ada, 9);
    await row.hover();
    await row.getByRole("button", { name: "Mark unread from here" }).click();
    expect(await ada.page.locator(".divider.new + [data-id]").getAttribute("data-id")).toBe("9");
    await markIs("read-back", 8);
    expect((await lineOf("read-back")).unread).toBe(4);
    await other.enter("read-elsewhere");
    await other.page.reload();
    await other.page.locator(".line", { hasText: "read-back" }).getByLabel("4 unread").waitFor();
    // What is on the screen anyway does not move the mark again.
    await post("read-back", 1);
    await message(ada, 13).waitFor();
    await ada.page.locator(".line", { hasText: "read-back" }).getByLabel("5 unread").waitFor();
    expect((await lineOf("read-back")).lastRead).toBe(8);
    await ada.enter("read-elsewhere");
    await ada.enter("read-back");
    await markIs("read-back", 13);
  });

  test("the title, the icon and the list of rooms say how much is unread", async () => {
    await post("read-badge", 1);
    await api(home.server, "POST /rooms/read-badge/messages/", {
      token: home.cy.token,
      body: { content: "Hello" },
    });
    const cy = await come("cy");
    const icon = () => cy.page.locator("link[rel=icon]").evaluate((link) => (link as HTMLLinkElement).href);
    await cy.page.locator(".sidebar .line").waitFor();
    const plain = await icon();
    await post("read-badge", 3);
    await cy.page.getByLabel("3 unread").waitFor();
    await cy.page.waitForFunction(() => document.title.startsWith("(3) "));
    // What writes it is loaded after the first view.
    await until(async () => (await icon()).startsWith("data:image/svg+xml,"));
    expect(decodeURIComponent(await icon())).toContain(">3</text>");
    await cy.enter("read-badge");
    await cy.page.getByLabel("3 unread").waitFor({ state: "detached" });
    await cy.page.waitForFunction(() => !document.title.startsWith("("));
    await until(async () => (await icon()) === plain);
  });
});

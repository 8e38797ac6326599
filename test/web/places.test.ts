import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { shown, topOf } from "./attention.ts";
import { fill } from "./crowd.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

const COUNT = 2_000;

needs("chromium")("places in a room", () => {
  let browser: Browser;
  let home: House;
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    home = await ownHouse();
    await fill(home.server, "places", [home.ada.token], 1);
    await fill(home.server, "places", [home.ben.token], COUNT - 1);
    await api(home.server, "DELETE /rooms/places/messages/1500/", { token: home.ben.token });
    browser = await sharedBrowser();
  });
  afterEach(async () => {
    for (const visitor of visitors.splice(0)) await visitor.close();
  });
  afterAll(() => home?.server.stop());

  const come = async (hash = "") => {
    const visitor = await visit(browser, `${home.server.url}/${hash}`);
    visitors.push(visitor);
    await visitor.signIn("ada");
    return visitor;
  };
  const go = ({ page }: Visitor, hash: string) => page.evaluate((next) => void (location.hash = next), hash);
  const found = ({ page }: Visitor, id: number) => page.locator(`[data-id='${id}'].found`).waitFor();

  // Regression: #/room/busy/20 opened the end of the room.
  test("a link that is opened before signing in leads to its message, however far back, in few requests", async () => {
    const visitor = await visit(browser, `${home.server.url}/#/room/places/20`);
    visitors.push(visitor);
    let asked = 0;
    visitor.page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        if (String(payload).includes('"history"')) asked++;
      }),
    );
    await visitor.signIn("ada");
    await found(visitor, 20);
    expect(await shown(visitor.page)).toEqual(expect.arrayContaining([19, 20, 21]));
    expect(await visitor.page.evaluate(() => (document.activeElement as HTMLElement).dataset.id)).toBe("20");
    expect(asked).toBeLessThan(8);

    // What lies between is loaded while one scrolls, without a gap.
    await visitor.page.mouse.move(700, 400);
    const ids = async () =>
      visitor.page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>("[data-id]")].map(({ dataset }) => Number(dataset.id)),
      );
    const isWhole = (list: number[]) => list.every((id, at) => at === 0 || id === (list[at - 1] ?? 0) + 1);
    await until(async () => {
      await visitor.page.mouse.wheel(0, 2_500);
      const list = await ids();
      expect(isWhole(list)).toBe(true);
      return list.at(-1) === COUNT;
    }, 90_000);
    await visitor.say("I read all of it");
    await visitor.sees("I read all of it");
  });

  test("changes of messages reach a part of the past that a link led to, and the newest is one click away", async () => {
    const ada = await come("#/room/places/300");
    await found(ada, 300);
    await api(home.server, "PATCH /rooms/places/messages/301/", {
      token: home.ben.token,
      body: { content: "Corrected long afterwards" },
    });
    await ada.sees("Corrected long afterwards");
    await ada.page.getByRole("button", { name: "Newest" }).click();
    await until(async () => (await shown(ada.page)).some((id) => id >= COUNT));
  });

  test("links to what is deleted, not there or not for this person say so", async () => {
    const ada = await come("#/room/places/1500");
    await found(ada, 1500);
    await ada.page.getByRole("alert").getByText("This message was deleted.").waitFor();
    await ada.page.getByRole("button", { name: "OK" }).click();
    await ada.page.getByText("This message was deleted.").waitFor({ state: "detached" });
    await go(ada, "#/room/places/999999");
    await ada.page.getByText("There is no message at this link.").waitFor();

    const { body: room } = await api(home.server, "POST /rooms/", {
      token: home.ben.token,
      body: { title: "Later", history: "joined" },
    });
    const { room: name } = room as { room: string };
    await fill(home.server, name, [home.ben.token], 5);
    await api(home.server, `PUT /rooms/${name}/members/@ada/`, { token: home.ben.token, body: {} });
    await go(ada, `#/room/${name}/3`);
    await ada.page.getByText("You cannot see this message").waitFor();
  });

  test("the time of a message is its link, and links in messages stay on the page", async () => {
    const ada = await come("#/room/places-links");
    await ada.say("The first");
    await ada.sees("The first");
    await ada.say(`Look at ${home.server.url}/#/room/places/700 please`);
    await ada.page.locator(".text a").waitFor();
    const href = await ada.page.locator("[data-id='1'] .at").getAttribute("href");
    expect(href).toBe("#/room/places-links/1");
    await ada.page.locator(".text a").click();
    await found(ada, 700);
    expect(ada.page.context().pages()).toHaveLength(1);
    await ada.page.goBack();
    await ada.page.locator("[data-id='1'] .at").click();
    await found(ada, 1);
    expect(await ada.page.evaluate(() => location.hash)).toBe("#/room/places-links/1");
  });

  // Regression: Back always led to the end of the room.
  test("Back and Forward lead to where one was in each room", async () => {
    await fill(home.server, "places-other", [home.ada.token], 200);
    const ada = await come("#/room/places/900");
    await found(ada, 900);
    await ada.page.mouse.move(700, 400);
    await ada.page.mouse.wheel(0, -1_500);
    await until(async () => ((await topOf(ada.page))?.id ?? 900) < 880);
    const before = await settled(ada);
    await ada.enter("places-other");
    await ada.page.locator("[data-id='200']").waitFor();
    await ada.page.mouse.wheel(0, -800);
    await ada.page.getByRole("button", { name: "Newest" }).waitFor();
    const other = await settled(ada);
    await ada.page.goBack();
    await isAt(ada, before);
    await ada.page.goForward();
    await isAt(ada, other);
  });

  /** Waits until the same message is in the same position, but for rounding. */
  const isAt = ({ page }: Visitor, place: Awaited<ReturnType<typeof topOf>>) =>
    until(async () => {
      const now = await topOf(page);
      return now?.id === place?.id && Math.abs((now?.top ?? 0) - (place?.top ?? 0)) <= 2;
    });

  /** Waits until the page has stopped scrolling and loading. */
  const settled = async ({ page }: Visitor) => {
    let last = "";
    await until(async () => {
      const now = JSON.stringify(await topOf(page));
      const same = now === last;
      last = now;
      return same;
    });
    return topOf(page);
  };
});

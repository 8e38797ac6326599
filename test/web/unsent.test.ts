import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { visitRoom } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("what was not sent", () => {
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
  const contents = async (room: string) => {
    const { body } = await api(home.server, `GET /history/${room}/?limit=1000`, { token: home.ada.token });
    return (body as { content: string }[]).map(({ content }) => content);
  };

  test("waits in its place, is counted, and can be taken back until it is sent", async () => {
    // The page noticed a lost network after 39 s, although the browser knew at once.
    const ada = await inRoom("ada", "unsent-offline");
    const { page } = ada;
    await ada.say("before");
    await ada.sees("before");
    const banner = page.locator(".banner.shown");
    const started = performance.now();
    await page.context().setOffline(true);
    await banner.getByText("You are offline.").waitFor();
    for (const text of ["one", "two", "three"]) await ada.say(text);
    await banner.getByText("You are offline. 3 messages waiting.").waitFor();
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(await page.locator(".waiting .text").allTextContents()).toEqual(["one", "two", "three"]);
    const two = page.locator(".waiting", { hasText: "two" });
    await two.getByText("waiting for the connection").waitFor();
    await two.getByRole("button", { name: "Do not send" }).click();
    await banner.getByText("2 messages waiting.").waitFor();
    const refused = page.locator(".refused", { hasText: "two" });
    await refused.getByText("Not sent. You took it back before it was sent.").waitFor();

    await page.context().setOffline(false);
    await banner.waitFor({ state: "detached" });
    await ada.sees("three");
    expect(await contents("unsent-offline")).toEqual(["before", "one", "three"]);
    await refused.getByRole("button", { name: "Try again" }).click();
    await ada.sees("two");
    expect(await contents("unsent-offline")).toEqual(["before", "one", "three", "two"]);
    await ada.close();
  });

  test("can be taken back after a reload, unless it was sent before, and is committed once", async () => {
    const ada = await inRoom("ada", "unsent-reload", proxy.url);
    const { page } = ada;
    // The server commits the message, but its ack never arrives.
    proxy.down = (text) => (/"type":"ok"[^}]*"version"|"on its way"/.test(text) ? "cut" : "pass");
    await ada.say("on its way");
    await until(async () => (await contents("unsent-reload")).length === 1);
    proxy.refuse = true;
    proxy.cut();
    await ada.say("never sent");
    await ada.say("sent later");
    await page.locator(".waiting", { hasText: "sent later" }).waitFor();
    // The page itself can be loaded, but there is no connection.
    proxy.down = () => "pass";
    proxy.refuse = false;
    await page.routeWebSocket(/\/ws\//, (socket) => void socket.close({ code: 1006 }).catch(() => {}));
    await page.reload();
    const waiting = (text: string) => page.locator(".waiting", { hasText: text });
    await waiting("sent later").waitFor();
    await waiting("on its way").getByText("sending…").waitFor();
    expect(await waiting("on its way").getByRole("button", { name: "Do not send" }).count()).toBe(0);
    await waiting("never sent").getByRole("button", { name: "Do not send" }).click();
    await page
      .locator(".refused", { hasText: "never sent" })
      .getByRole("button", { name: "Discard" })
      .click();
    await page.locator(".refused").waitFor({ state: "detached" });

    await page.unrouteAll();
    const next = await page.context().newPage();
    await next.goto(`${proxy.url}/#/room/unsent-reload`);
    await page.close();
    await next.locator("[data-id]", { hasText: "sent later" }).waitFor();
    expect(await contents("unsent-reload")).toEqual(["on its way", "sent later"]);
    await next.context().close();
  });

  test("stays when it is refused, in a room that was not open, over reloads, until someone deals with it", async () => {
    // A refusal was only shown by the page that had sent the message, while it was open.
    const ada = await inRoom("ada", "unsent-refused", proxy.url);
    const { page } = ada;
    proxy.refuse = true;
    proxy.cut();
    // The database cannot store this character.
    await ada.say("one\0two");
    await ada.say("fine");
    await page.locator(".waiting", { hasText: "fine" }).waitFor();
    await page.evaluate(() => void (location.hash = "#/"));
    proxy.refuse = false;
    await page.reload();
    await until(async () => (await contents("unsent-refused")).length === 1);
    await page.reload();
    await ada.enter("unsent-elsewhere");
    await page.getByText("Something was not sent in").getByRole("link", { name: "unsent-refused" }).click();
    const refused = page.locator(".refused");
    await refused.getByText("Not sent. The message must not contain").waitFor();
    // Another tab deals with it.
    const other = await page.context().newPage();
    await other.goto(`${proxy.url}/#/room/unsent-refused`);
    await other.locator(".refused").getByRole("button", { name: "Edit" }).click();
    await other.locator(".composer textarea").fill("one and two");
    await other.locator(".composer textarea").press("Enter");
    await refused.waitFor({ state: "detached" });
    await ada.sees("one and two");
    await page.reload();
    await ada.sees("one and two");
    expect(await refused.count()).toBe(0);
    expect(await contents("unsent-refused")).toEqual(["fine", "one and two"]);
    await other.close();
    await ada.close();
  });

  test("is still there after someone left the room and came back, and so is a refused edit", async () => {
    const room = "unsent-edit";
    const ada = await inRoom("ada", room);
    const { page } = ada;
    await ada.say("first");
    await ada.sees("first");
    await ada.composer.press("ArrowUp");
    await ada.say("a long and careful\0 edit");
    const refused = page.locator(".refused");
    await refused.getByText("Your edit was not saved.").waitFor();
    await page.reload();
    await refused.getByRole("button", { name: "Edit" }).click();
    await ada.say("a long and careful edit");
    await ada.sees("a long and careful edit");
    await refused.waitFor({ state: "detached" });
    expect(await contents(room)).toEqual(["a long and careful edit"]);

    await ada.say("another\0 message");
    await refused.waitFor();
    await page.getByRole("button", { name: "Room details" }).click();
    await page.getByRole("button", { name: "Leave room" }).click();
    await page.getByRole("button", { name: "Leave", exact: true }).click();
    await page.locator(".conversation").waitFor({ state: "detached" });
    await ada.enter(room);
    await page.locator(".refused", { hasText: "another" }).waitFor();
    await ada.close();
  });
});

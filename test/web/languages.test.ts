import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { photo, post as postFiles, text, tone } from "./filing.ts";
import { foreign } from "./foreign.ts";
import { noDialog } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("the page in other languages", () => {
  let browser: Browser;
  let home: House;
  let proxy: Proxy;
  let garden = "";
  beforeAll(async () => {
    home = await ownHouse();
    proxy = startProxy(home.server.port);
    browser = await sharedBrowser();
    const { ada, ben } = home;
    const post = (body: object, token = ben.token, room = "web-words") =>
      api(home.server, `POST /rooms/${room}/messages/`, { token, body });
    await post({ content: "Good morning" });
    await post({ content: "And to you", replyTo: 1 }, ada.token);
    await post({ content: "Gone" });
    await api(home.server, "DELETE /rooms/web-words/messages/3/", { token: ben.token });
    await api(home.server, "PATCH /rooms/web-words/messages/2/", {
      token: ada.token,
      body: { content: "And to you too" },
    });
    await api(home.server, `PUT /rooms/web-words/messages/1/reactions/${encodeURIComponent("🎉")}/`, {
      token: ada.token,
      body: {},
    });
    await post({ content: "Pictures" }, ada.token, "web-words-files");
    await postFiles(
      home.server,
      ben,
      "web-words-files",
      "",
      { name: "one.png", bytes: photo(60, 40, 1) },
      { name: "two.png", bytes: photo(60, 40, 2) },
      { name: "list.txt", bytes: text("a list") },
      { name: "tone.wav", bytes: tone(1) },
    );
    const { body } = await api(home.server, "POST /rooms/", {
      token: ada.token,
      body: { title: "Garden", people: ["@ben", "@cy"], clientId: crypto.randomUUID() },
    });
    garden = (body as { room: string }).room;
    await api(home.server, `POST /rooms/${garden}/messages/`, {
      token: ben.token,
      body: { content: "Seeds" },
    });
    await api(home.server, `PUT /rooms/${garden}/pins/2/`, { token: ada.token });
    await api(home.server, `PUT /rooms/${garden}/messages/2/saved/`, { token: ada.token });
    await api(home.server, `PUT /rooms/${garden}/members/@cy/`, {
      token: ada.token,
      body: { role: "moderator" },
    });
  });
  afterAll(async () => {
    proxy?.stop();
    await home?.server.stop();
  });

  for (const [locale, dir] of [
    ["en-XA", "ltr"],
    ["ar-XB", "rtl"],
  ] as const)
    for (const width of [1280, 320])
      test(`every text comes through the words, and every view fits: ${locale}, ${width} pixels wide`, async () => {
        const context = await browser.newContext({
          locale,
          viewport: { width, height: 800 },
          reducedMotion: "reduce",
        });
        const page = await context.newPage();
        await page.goto(proxy.url);
        const check = async (view: string) => {
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          expect([view, wide <= width, ...(await foreign(page))]).toEqual([view, true]);
        };
        const go = (hash: string) => page.evaluate((to) => void (location.hash = to), hash);
        await page.locator(".sign").waitFor();
        expect(
          await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]),
        ).toEqual([locale, dir]);
        await check("sign in");
        await page.locator(".other button").click();
        await page.locator("#email").fill("ada@example.com");
        await page.locator("#password").fill("short");
        await page.locator(".sign .main").click();
        await page.locator("small.alert").first().waitFor();
        await check("sign up, refused");
        await page.locator(".other button").click();
        await page.locator("#email").fill("ada@example.com");
        await page.locator("#password").fill("wrong indeed");
        await page.locator(".sign .main").click();
        await page.locator(".sign p.alert:not(:empty)").waitFor();
        await check("sign in, refused");
        await page.locator("#password").fill(PASSWORD);
        await page.locator(".sign .main").click();
        await page.locator(".line").nth(1).waitFor();
        await check("rooms");
        await go("#/room/web-words");
        await page.locator("[data-id='2']").waitFor();
        await check("a room");
        await page.locator("[data-id='2'] .text").click();
        await page.locator(".actions").waitFor();
        await check("actions");
        await views(page, check);
        await go("#/room/~nothing");
        await page.locator(".conversation .blank [role='alert']").waitFor();
        await check("no room");
        await go("#/account");
        await page.locator(".sessions li").first().waitFor();
        await check("account");
        await go("#/room/web-words");
        await page.locator("[data-id='2']").waitFor();
        proxy.refuse = true;
        proxy.cut();
        await page.locator(".banner.shown").waitFor();
        await check("offline");
        proxy.refuse = false;
        await context.close();
      });

  /** The dialogs and the other rooms. */
  async function views(page: Page, check: (view: string) => Promise<void>) {
    const dialog = page.locator("dialog[open]");
    const close = async () => {
      await page.keyboard.press("Escape");
      await noDialog(page);
    };
    await page.locator("[data-id='2'] .text").click();
    await page.locator("[data-id='2'] .actions button").nth(1).click();
    await page.locator(".composer .about").waitFor();
    await check("a reply");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("somewhere new");
    await dialog.getByRole("option").last().waitFor();
    await check("finding");
    await close();
    await page.locator("[data-id='2']").focus();
    await page.keyboard.press("?");
    await dialog.locator("dl").waitFor();
    await check("shortcuts");
    await close();
    await page.locator(".composer .field button:not(.attach)").first().click();
    await dialog.locator(".emoji-grid").waitFor();
    await check("emoji");
    await close();

    await page.evaluate(() => void (location.hash = "#/room/web-words-files"));
    await page.locator(".picture img").nth(1).waitFor();
    await page.locator(".player").waitFor();
    await check("files");
    await page.locator(".picture").first().click();
    await page.locator(".exhibit img").waitFor();
    await check("the gallery");
    await page.keyboard.press("Escape");
    await page.locator(".gallery").waitFor({ state: "detached" });
    await page.locator("input[type='file'][multiple]").setInputFiles([
      { name: "new.png", mimeType: "image/png", buffer: Buffer.from(photo(60, 40)) },
      { name: "empty.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) },
      { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("notes") },
    ]);
    await page.locator(".tray li").nth(1).waitFor();
    await check("files to send");
    await page.locator(".tray .picture").click();
    await page.locator("#describe-alt").waitFor();
    await check("describing a picture");
    await page.keyboard.press("Escape");
    await page.locator(".describing").waitFor({ state: "detached" });
    for (const _ of [1, 2]) await page.locator(".tray .off").first().click();
    await page.locator(".tray").waitFor({ state: "detached" });

    await page.evaluate((to) => void (location.hash = to), `#/room/${encodeURIComponent(garden)}`);
    await page.locator(".notices").first().waitFor();
    const seeds = page.locator("[data-id] .text").first();
    await seeds.waitFor();
    await check("a private room");
    await seeds.click();
    await page.locator(".actions button").last().click();
    await dialog.locator("#report-reason").waitFor();
    await check("reporting");
    await close();
    await page.locator(".conversation .bar .count").first().click();
    await dialog.locator(".kept li").waitFor();
    await check("pinned messages");
    await close();
    await page.locator(".conversation .bar button").last().click();
    await dialog.locator(".members li").nth(2).waitFor();
    await dialog.locator(".members li").last().locator("button").first().click();
    await check("details");
    await close();
    await page.evaluate(() => void (location.hash = "#/saved"));
    await page.locator(".kept li").waitFor();
    await check("saved messages");
    await page.evaluate(() => void (location.hash = "#/"));
    await page.locator(".at-rooms").waitFor();
    await check("welcome");
    await page.locator(".sidebar .bar button").click();
    await dialog.locator("#new-name").waitFor();
    await check("a new room");
    await close();
  }
});

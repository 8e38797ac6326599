import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { photo } from "./filing.ts";
import { visitRoom } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

// Files, threads and mentions meet: a message with files is posted by another way than a text, and must not lose the rest.

interface Message {
  readonly id: number;
  readonly content: string;
  readonly thread?: number;
  readonly alsoRoom?: boolean;
  readonly mentions?: readonly { readonly username: string }[];
  readonly files?: readonly unknown[];
}

needs("chromium")("files together with threads and mentions", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(() => home?.server.stop());

  const say = async (room: string, token: string, content: string) =>
    ((await api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content } })).body as Message)
      .id;
  const read = async (path: string) =>
    (await api(home.server, `GET ${path}`, { token: home.ben.token })).body as Message[] &
      Readonly<Record<"messages", Message[]>>;
  const picture = { name: "bread.png", mimeType: "image/png", buffer: Buffer.from(photo(400, 300)) };

  test("a picture is sent in a thread, and also to the room if one wants it", async () => {
    const room = "together-thread";
    const root = await say(room, home.ben.token, "Who brings bread?");
    const ada = await visitRoom(browser, home.server.url, "ada", room);
    const { page } = ada;
    await page.locator(`[data-id='${root}']`).hover();
    await page.getByRole("button", { name: "Reply in a thread" }).click();
    const panel = page.locator("aside.thread");
    const field = panel.locator(".composer textarea:visible");
    await field.waitFor();
    const send = async (text: string) => {
      await panel.locator("input[type='file'][multiple]").setInputFiles([picture]);
      await panel.locator(".tray li").waitFor();
      await field.fill(text);
      await field.press("Enter");
      await panel.locator("[data-id] .text", { hasText: text }).waitFor();
      await panel.locator(".tray li").waitFor({ state: "detached" });
    };
    await send("This one");
    await panel.locator("[data-id] .picture img").first().waitFor();
    expect(await page.locator("main .messages [data-id] .picture").count()).toBe(0);
    await panel.getByLabel(`Also send to ${room}`).check();
    await send("And this");
    await page.locator("main .messages [data-id] .picture").waitFor();
    const replies = async () =>
      (await read(`/rooms/${room}/threads/${root}/`)).messages.filter(({ files }) => files);
    await until(async () => (await replies()).length === 2);
    expect((await replies()).map(({ content, thread, alsoRoom }) => [content, thread, alsoRoom])).toEqual([
      ["This one", root, undefined],
      ["And this", root, true],
    ]);
    expect(await page.locator(".unsent, .refused").count()).toBe(0);
    await ada.close();
  });

  test("a picture whose text mentions someone notifies them", async () => {
    const room = "together-mention";
    await say(room, home.ben.token, "Good morning");
    const ada = await visitRoom(browser, home.server.url, "ada", room);
    await ada.sees("Good morning");
    await ada.page.locator("input[type='file'][multiple]").setInputFiles([picture]);
    await ada.page.locator(".tray li").waitFor();
    await ada.say("@ben, look");
    await ada.sees("@ben, look");
    const sent = async () => (await read(`/history/${room}/?limit=50`)).find(({ files }) => files);
    await until(async () => (await sent()) !== undefined);
    expect((await sent())?.mentions?.map(({ username }) => username)).toEqual(["ben"]);
    await ada.page.locator("[data-id] .mention", { hasText: "@ben" }).waitFor();
    const ben = await visitRoom(browser, home.server.url, "ben", "together-elsewhere");
    await ben.page.evaluate(() => void (location.hash = "#/mentions"));
    await ben.page.locator(".mention-line", { hasText: "@ben, look" }).waitFor();
    await ben.close();
    await ada.close();
  });
});

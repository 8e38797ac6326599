import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import type { User } from "../../src/client/index.ts";
import { mentionsIn, namesIn, typedAt } from "../../src/web/mentions/text.ts";
import { createNews, isWanted } from "../../src/web/notify/news.ts";
import { newLine } from "../../src/web/rooms/line.ts";
import type { RoomLine } from "../../src/web/rooms/rooms.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { violations } from "./axe.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

// Mentions on the page: in texts, in the composer, in the list and in notifications.

const people = new Map<string, User>(
  ["ada", "ben", "ben.k", "zoë"].map((username) => [username, { id: `u_${username}`, username }]),
);

describe("names in texts", () => {
  test.each<[string, string[]]>([
    ["@ada and @ben.", ["ada", "ben"]],
    ["@ben.k, not @ben.x", ["ben.k", "ben"]],
    ["mail ada@ada.org or see x/@ada", []],
    ["(@zoë) @nobody @ada_", ["zoë", "ada"]],
    ["@@ada @ ada", []],
  ])("%s", (text, names) => {
    expect(namesIn(text, (name) => people.has(name)).map(({ name }) => name)).toEqual(names);
  });

  test("mention people once each, and nobody in code", () => {
    expect(mentionsIn("@ada @ada `@ben` @everyone", people)).toEqual({ mentions: ["u_ada"], everyone: true });
    expect(mentionsIn("```\n@ada @everyone\n```", people)).toEqual({ mentions: [], everyone: false });
  });

  test("are completed from the @ on, but not in the middle of a word", () => {
    expect(typedAt("hi @be", 6)).toEqual({ name: "be", from: 3, to: 6 });
    expect(typedAt("@", 1)).toEqual({ name: "", from: 0, to: 1 });
    expect(typedAt("a@be", 4)).toBeUndefined();
    expect(typedAt("hi @be n", 8)).toBeUndefined();
  });

  test("take linear time, however many there are", () => {
    const text = "@a.b.c.d.e.f.g.h ".repeat(2_000);
    expect(namesIn(text, () => false)).toEqual([]);
  });
});

test("a room that notifies of mentions alone does so when more messages mention the person", () => {
  const line = (id: number, mentions: number): RoomLine => ({
    ...newLine("hall"),
    label: "hall",
    typing: false,
    notify: "mentions",
    unread: id,
    mentions,
    last: { id, username: "ben", user: { id: "u_ben" }, content: "x", timestamp: `2030-01-01T00:00:0${id}Z` },
  });
  const news = createNews();
  const wanted = (...one: Parameters<typeof line>) => news.take([line(...one)]).filter(isWanted).length;
  expect([wanted(1, 0), wanted(2, 0), wanted(3, 1), wanted(4, 1), wanted(5, 2)]).toEqual([0, 0, 1, 0, 1]);
  expect(isWanted({ notify: "none", mentioned: true })).toBe(false);
});

needs("chromium")("mentions on the page", () => {
  let browser: Browser;
  let home: House;
  let room = "";
  let visitor: Visitor;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
    const { body } = await api(home.server, "POST /rooms/", {
      token: home.ada.token,
      body: { title: "Crew", people: ["@ben"] },
    });
    ({ room } = body as { room: string });
    visitor = await visit(browser, home.server.url);
    await visitor.signIn("ben");
  });
  afterAll(async () => {
    await home?.server.stop();
  });
  const post = async (body: object) =>
    expect(
      await api(home.server, `POST /rooms/${encodeURIComponent(room)}/messages/`, {
        token: home.ada.token,
        body,
      }),
    ).toMatchObject({ status: 201 });
  const enter = async () => {
    const hash = `#/room/${encodeURIComponent(room)}`;
    await visitor.page.evaluate((to) => void (location.hash = to), hash);
    await visitor.page.locator(".conversation h1", { hasText: "Crew" }).waitFor();
  };
  const last = async () => {
    const path = `GET /history/${encodeURIComponent(room)}/?limit=1`;
    const { body } = await api(home.server, path, { token: home.ada.token });
    return (body as { content: string; mentions?: { username: string }[]; everyone?: true }[])[0];
  };

  test("someone who is mentioned sees it in the list, and jumps to the message from their mentions", async () => {
    const { page } = visitor;
    await post({ content: "@ben, *look* at this", mentions: ["@ben"] });
    await page.locator(".badge.at").waitFor();
    expect(await page.locator(".badge.at").getAttribute("aria-label")).toBe("1 message mentions you");
    const link = page.locator('a[href="#/mentions"]');
    expect(await link.getAttribute("aria-label")).toBe("1 message mentions you");
    await link.click();
    await page.locator(".mention-line.unread").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.locator(".mention-line").click();
    const mine = page.locator(".mention.mine", { hasText: "@ben" });
    await mine.waitFor();
    expect(await violations(page)).toEqual([]);
    await page.locator(".badge.at").waitFor({ state: "detached" });
  });

  test("a list at the @ completes names by keyboard, and the message mentions whom its text names", async () => {
    const { page } = visitor;
    await enter();
    const field = page.locator("form.composer textarea");
    await field.click();
    await field.pressSequentially("Hello @a");
    await page.getByRole("option", { name: "ada" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await field.press("Enter");
    expect(await field.inputValue()).toBe("Hello @ada ");
    await field.press("Enter");
    await page.locator(".mention", { hasText: "@ada" }).waitFor();
    expect(await last()).toMatchObject({ content: "Hello @ada", mentions: [{ username: "ada" }] });
  });

  test("mentioning everyone asks first, with the number of people", async () => {
    const { page } = visitor;
    await enter();
    const field = page.locator("form.composer textarea");
    await field.fill("@everyone, lunch!");
    await field.press("Enter");
    await page.getByRole("alertdialog").getByText("Notify all 2 people in this room?").waitFor();
    await page.getByRole("button", { name: "Notify everyone" }).click();
    await page.locator(".mention", { hasText: "@everyone" }).waitFor();
    expect(await last()).toMatchObject({ content: "@everyone, lunch!", everyone: true });
  });
});

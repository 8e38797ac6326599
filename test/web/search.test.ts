import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { excerptOf } from "../../src/web/search/excerpt.ts";
import { suggestionsFor, taken } from "../../src/web/search/suggestions.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { noDialog, visit } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

describe("the excerpt of a message", () => {
  const marked = (content: string, ...highlights: [number, number][]) =>
    excerptOf(content, highlights)
      .map(({ text, marked }) => (marked ? `[${text}]` : text))
      .join("");

  test("marks what was searched for", () => {
    expect(marked("two chairs", [4, 10])).toBe("two [chairs]");
    expect(marked("a a", [0, 1], [2, 3])).toBe("[a] [a]");
    expect(marked("nothing")).toBe("nothing");
  });

  test("begins near the first place, ends after a while, and cuts no character in two", () => {
    const long = `${"👍".repeat(100)} here ${"👍".repeat(200)}`;
    const text = marked(long, [201, 205]);
    expect(text).toStartWith("…👍");
    expect(text).toContain(" [here] ");
    expect(text).toEndWith("👍…");
    expect(text.isWellFormed()).toBe(true);
    expect(text.length).toBeLessThan(260);
  });
});

describe("the suggestions for a query", () => {
  const known = {
    people: [
      { id: "1", username: "ada", name: "Ada L." },
      { id: "2", username: "ben" },
    ],
    rooms: [
      { room: "lobby", label: "lobby" },
      { room: "~abc", label: "Order 7" },
    ],
    today: "2026-12-01",
  };
  const offered = (text: string) => suggestionsFor(text, known).map(({ insert }) => insert);

  test.each([
    ["", ["from:", "in:", "before:", "after:", "has:link ", "has:file "]],
    ["chairs f", ["from:"]],
    ["has:", ["has:link ", "has:file "]],
    ["from:", ["from:ada ", "from:ben "]],
    ["x from:@be", ["from:ben "]],
    ["in:order", ["in:~abc "]],
    ["before:", ["before:2026-12-01 "]],
    ["before:2025", []],
    ["chairs", []],
  ])("%j goes on with %j", (text, expected) => {
    expect(offered(text)).toEqual(expected);
  });

  test("a suggestion replaces the last word", () => {
    const [first] = suggestionsFor("two fr", known);
    expect(first && taken("two fr", first)).toBe("two from:");
  });
});

needs("chromium")("searching on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
    const say = (room: string, { token }: { token: string }, content: string) =>
      api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content } });
    await say("cellar", home.ada, "One lamp, two chairs");
    for (let n = 0; n < 30; n++) await say("cellar", home.ada, `filler ${n}`);
    await say("attic", home.ben, "More chairs in the attic");
    await say("attic", home.ada, "Good");
    await until(async () => {
      const { body } = await api(home.server, "GET /search/?q=good", { token: home.ada.token });
      return (body as { messages: unknown[] }).messages.length === 1;
    });
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  test("a shortcut opens it; words are found as they are typed; the keyboard leads to the message", async () => {
    const ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
    const { page } = ada;
    await page.locator(".line").first().waitFor();
    await page.keyboard.press("Control+Shift+f");
    const field = page.getByRole("combobox", { name: "Search messages" });
    await field.waitFor();
    expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.type("chairs");
    const results = page.locator(".results .found");
    await page.getByText("2 messages", { exact: true }).waitFor();
    expect(await results.locator("mark").allTextContents()).toEqual(["chairs", "chairs"]);
    expect(await results.locator(".of .name").allTextContents()).toEqual(["ben", "ada"]);
    expect(await violations(page)).toEqual([]);

    await field.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator(".conversation h1", { hasText: "cellar" }).waitFor();
    await page.getByText("One lamp, two chairs").waitFor();
    await noDialog(page);
    await ada.close();
  });

  test("filters are offered, a query that is wrong is explained, and nothing found is said", async () => {
    const ada = await visit(browser, home.server.url);
    await ada.signIn("ada");
    const { page } = ada;
    await ada.enter("attic");
    await page.getByRole("button", { name: "Search messages" }).click();
    const field = page.getByRole("combobox", { name: "Search messages" });
    await field.pressSequentially("fr");
    await page.getByRole("option", { name: "from: who wrote it" }).waitFor();
    await field.press("ArrowDown");
    await field.press("Enter");
    expect(await field.inputValue()).toBe("from:");
    await field.pressSequentially("be");
    await page.getByRole("option", { name: "ben" }).click();
    expect(await field.inputValue()).toBe("from:ben ");
    await field.pressSequentially("chairs");
    await page.getByText("1 message", { exact: true }).waitFor();

    await page.getByLabel("Only in attic").check();
    await field.fill("lamp");
    await page.getByText("No messages found.").waitFor();
    await page.getByLabel("Only in attic").uncheck();
    await page.getByText("1 message", { exact: true }).waitFor();

    await field.fill('"open');
    await field.press("Enter");
    await page.getByText("a quotation mark that is not closed").waitFor();
    await page.keyboard.press("Escape");
    await noDialog(page);
    await ada.close();
  });
});

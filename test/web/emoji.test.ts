import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import type { Browser } from "playwright-core";
import * as v from "valibot";
import { emoji as reaction } from "../../src/protocol/emoji.ts";
import { find, GROUPS, named, toned, withCode } from "../../src/web/emoji/names.ts";
import { createHabits, withRecent } from "../../src/web/emoji/recent.ts";
import { typedAt } from "../../src/web/emoji/typed.ts";
import { sharedBrowser } from "../support/browser.ts";
import { house, type House, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { noDialog, visit } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

const TONE = [1, 2, 3, 4, 5];
const RGI = /^\p{RGI_Emoji}$/v;

describe("the emoji to choose from", () => {
  const all = new Set(
    GROUPS.flat().flatMap(({ emoji }) => [
      emoji,
      ...TONE.flatMap((tone) => TONE.map((second) => toned(emoji, tone, second))),
    ]),
  );

  test("are all that Unicode 17 recommends, in its spelling, and the server accepts each", () => {
    for (const emoji of all)
      if (!RGI.test(emoji) || v.parse(reaction, emoji) !== emoji) throw new Error(emoji);
    expect(GROUPS).toHaveLength(9);
    // This many, without those that are only parts of others. They include each character that is one, with each tone.
    expect(all.size).toBe(3944);
    for (let point = 0x80; point < 0x1fb00; point++) {
      const letter = String.fromCodePoint(point);
      if (/^\p{Emoji_Component}$/u.test(letter)) continue;
      for (const one of [letter, `${letter}\u{fe0f}`, `${letter}🏽`])
        if (RGI.test(one) && !all.has(one)) throw new Error(one);
    }
    for (const one of "👩🏽‍⚕️ 🏃🏿‍♀️‍➡️ 👨‍👩‍👧‍👦 👩🏻‍🤝‍👨🏿 🧑🏻‍❤️‍💋‍🧑🏿 🫱🏼‍🫲🏾 🇦🇽 🏴󠁧󠁢󠁳󠁣󠁴󠁿 #️⃣ 🏳️‍⚧️ ❤️ ☕ 🧜‍♀️ 👁️‍🗨️ 🕵🏼‍♀️".split(" ")) expect(all).toContain(one);
  });

  test("have names, and shortcodes that lead back to them", () => {
    for (const each of GROUPS.flat()) {
      expect(each.name).toMatch(/^[a-z0-9]/i);
      expect(named(each.emoji)).toEqual(each);
      expect(each.codes.some((code) => withCode(code) === each)).toBe(true);
      for (const code of each.codes) expect(code).toMatch(/^[a-z\d_+*#-]+$/);
    }
    expect(named("👋🏽")?.name).toBe("waving hand");
    expect(named("👩🏻‍🤝‍👨🏿")?.name).toBe("woman and man holding hands");
    expect(named("x")).toBeUndefined();
  });

  test.each([
    ["tada", "🎉"],
    ["+1", "👍"],
    ["-1", "👎"],
    ["heart", "❤️"],
    ["joy", "😂"],
    ["smile", "😄"],
    ["thinking", "🤔"],
    ["rofl", "🤣"],
    ["pray", "🙏"],
    ["100", "💯"],
    ["white_check_mark", "✅"],
    ["eyes", "👀"],
    ["fire", "🔥"],
    ["flag_de", "🇩🇪"],
    ["mermaid", "🧜‍♀️"],
    ["woman_health_worker", "👩‍⚕️"],
    ["SHRUG", "🤷"],
  ])(":%s: is %s", (code, emoji) => {
    expect(withCode(code)?.emoji).toBe(emoji);
    expect(find(code, 1)[0]?.emoji).toBe(emoji);
  });

  test("are found by the beginnings of words", () => {
    const found = (text: string) => find(text, 50).map(({ emoji }) => emoji);
    expect(found("party")).toContain("🎉");
    expect(found("germ")).toContain("🇩🇪");
    expect(found("wav han")).toContain("👋");
    expect(found("woman health")).toEqual(["👩‍⚕️"]);
    expect(found("arty")).not.toContain("🎉");
    expect([found(""), found("  "), found("zzzz")]).toEqual([[], [], []]);
  });
});

describe("a shortcode before the caret", () => {
  const at = (text: string) => {
    const caret = text.indexOf("|");
    const typed = typedAt(text.replace("|", ""), caret);
    return typed && `${typed.code}${typed.closed ? ":" : ""}`;
  };

  test("begins with a colon and has two letters, or ends with a colon", () => {
    expect(["a :ta|", ":tada:|", "(:+1|", "你好:ta|b", "x\n:e-m|"].map(at)).toEqual([
      "ta",
      "tada:",
      "+1",
      "ta",
      "e-m",
    ]);
  });

  test("is none in prose and smileys", () => {
    for (const text of [
      ":|",
      ":D|",
      ":p|",
      ":) |",
      ": ta|",
      "10:30|",
      "https:ta|",
      "a:ta|",
      "::ta|",
      "std::ta|",
      "ta|:",
    ])
      expect([text, at(text)]).toEqual([text, undefined]);
  });

  test("is none in code", () => {
    for (const text of ["`:ta|", "```\n:ta|", "a `b` `:ta|`", "```js\na\n:ta|\n```"])
      expect(at(text)).toBeUndefined();
    for (const text of ["`a` :ta|", "```\na\n```\n:ta|", "`a\n:ta|"]) expect(at(text)).toBe("ta");
  });
});

test("what the browser stored about emoji is read as far as it makes sense", () => {
  const page = (stored: string) =>
    ({
      localStorage: { getItem: () => stored, setItem: () => {} },
      addEventListener: () => {},
    }) as unknown as Window;
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (stored) => {
      const { recent, tone, second } = createHabits(page(stored)).read();
      expect([Array.isArray(recent), tone, second]).toEqual([true, 0, 0]);
    }),
  );
  const stored = { recent: ["👍", 1, "🎉"], tone: 3, second: 9 };
  const habits = createHabits(page(JSON.stringify(stored))).read();
  expect(habits).toEqual({ recent: ["👍", "🎉"], tone: 3, second: 0 });
  expect(withRecent(habits, "🎉").recent).toEqual(["🎉", "👍"]);
  const blocked = createHabits({
    get localStorage(): Storage {
      throw new Error("blocked");
    },
    addEventListener: () => {},
  } as unknown as Window);
  blocked.write(habits);
  expect(blocked.read()).toEqual(habits);
});

needs("chromium")("emoji on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await house();
    browser = await sharedBrowser();
  });
  const inRoom = async (room: string) => {
    const ben = await visit(browser, home.server.url);
    await ben.signIn("ben");
    await ben.enter(room);
    return ben;
  };

  test("shortcodes are completed and replaced while a person types, and can be undone", async () => {
    const ben = await inRoom("web-shortcodes");
    const { page, composer } = ben;
    const holds = (text: string) => until(async () => (await composer.inputValue()) === text);
    const list = page.getByRole("listbox", { name: "Matching emoji" });
    await composer.pressSequentially("hello :tad");
    await list.getByRole("option", { name: ":tada:" }).waitFor();
    expect(await violations(page, ".composer")).toEqual([]);
    await composer.press("Enter");
    await holds("hello 🎉 ");
    expect(await list.count()).toBe(0);

    await composer.pressSequentially("and :+1:");
    await holds("hello 🎉 and 👍");
    await composer.press("Control+z");
    await holds("hello 🎉 and :+1:");

    // Escape closes the list, and typing on does not open it again. Then Enter sends.
    await composer.fill("");
    await composer.pressSequentially(":sm");
    await list.waitFor();
    await composer.press("ArrowDown");
    expect(await composer.getAttribute("aria-activedescendant")).toBe("emoji-options-1");
    await composer.press("Escape");
    await list.waitFor({ state: "detached" });
    await composer.pressSequentially("i");
    expect(await list.count()).toBe(0);
    await composer.press("Enter");
    await ben.sees(":smi");

    // A click leaves the caret behind the emoji. Code stays as it is.
    await composer.pressSequentially("`:tada:` :hea");
    await list.getByRole("option", { name: ":heart:" }).click();
    await holds("`:tada:` ❤️ ");
    await composer.press("Enter");
    await page.locator(".text code", { hasText: ":tada:" }).waitFor();
    await ben.close();
  });

  test("a composition is not disturbed", async () => {
    const ben = await inRoom("web-composing");
    const { page, composer } = ben;
    await composer.pressSequentially("a :");
    const session = await page.context().newCDPSession(page);
    await session.send("Input.imeSetComposition", { text: "tada:", selectionStart: 5, selectionEnd: 5 });
    await until(async () => (await composer.inputValue()) === "a :tada:");
    expect(await page.getByRole("listbox").count()).toBe(0);
    await session.send("Input.insertText", { text: "tada:" });
    await until(async () => (await composer.inputValue()) === "a 🎉");
    await ben.close();
  });

  test("the picker finds, remembers and tones emoji, for messages and reactions", async () => {
    const ben = await inRoom("web-picking");
    const { page, composer } = ben;
    await composer.fill("ab");
    await composer.press("ArrowLeft");
    await page.getByRole("button", { name: "Choose an emoji" }).click();
    const dialog = page.getByRole("dialog", { name: "Choose an emoji" });
    await dialog.getByRole("button", { name: "grinning face", exact: true }).waitFor();
    expect(await violations(page, ".emoji-picker")).toEqual([]);
    await dialog.getByRole("button", { name: "People" }).click();
    await dialog.getByLabel("Skin tone").first().selectOption("3");
    await dialog.getByRole("button", { name: "waving hand" }).getByText("👋🏽").waitFor();
    const find = dialog.getByLabel("Find an emoji");
    await find.fill("nothing like this");
    await dialog.getByText("Nothing found.").waitFor();
    await find.fill("waving");
    await dialog.getByRole("group", { name: "Found emoji" }).getByText("👋🏽").waitFor();
    await find.press("Enter");
    await until(async () => (await composer.inputValue()) === "a👋🏽b");
    expect(await dialog.count()).toBe(0);
    await composer.press("Control+z");
    await until(async () => (await composer.inputValue()) === "ab");
    await composer.press("Enter");
    await ben.sees("ab");

    // What was chosen is there at once, in every dialog.
    const message = page.locator("[data-id]", { hasText: "ab" });
    await message.hover();
    await message.getByRole("button", { name: "React" }).click();
    await message.getByRole("button", { name: "More emoji" }).click();
    await dialog
      .getByRole("group", { name: "Used last" })
      .getByRole("button", { name: "waving hand" })
      .click();
    await page.getByRole("button", { name: "👋🏽 1: ben" }).waitFor();

    // The keys alone: from the field into the grid, and out with Escape.
    await page.getByRole("button", { name: "Choose an emoji" }).focus();
    await page.keyboard.press("Enter");
    await dialog.getByRole("button", { name: "Food and drink" }).click();
    await find.focus();
    await find.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
    const second = await focused();
    await page.keyboard.press("ArrowUp");
    expect([await focused(), second === (await focused())]).toEqual(["melon", false]);
    await page.keyboard.press("Escape");
    await noDialog(page);
    expect(await focused()).toBe("Choose an emoji");

    // A click outside closes the dialog, too, and chooses nothing.
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.mouse.click(400, 300);
    await noDialog(page);
    expect(await composer.inputValue()).toBe("");
    await ben.close();
  });

  test("on a phone, the picker does not open the keyboard", async () => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const ben = await visit(browser, home.server.url, phone);
    const { page, composer } = ben;
    await ben.signIn("ben");
    await ben.enter("web-picking-touch");
    await page.getByRole("button", { name: "Choose an emoji" }).tap();
    const dialog = page.getByRole("dialog", { name: "Choose an emoji" });
    await dialog.getByRole("button", { name: "grinning face", exact: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("BUTTON");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await dialog.getByRole("button", { name: "grinning face", exact: true }).tap();
    await until(async () => (await composer.inputValue()) === "😀");
    await ben.close();
  });
});

import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { house, type House, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

const CODE = 'const greeting = "hello"; // for everyone\nlet count = 42;';
const MARKED = `**Bold**, *italic* and ~~gone~~: \`a * b * c\`
> quoted

- one
- [two](https://example.com/two)

\`\`\`ts
${CODE}
\`\`\``;

needs("chromium")("what people write", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await house();
    browser = await sharedBrowser();
  });

  const post = (room: string, content: string) =>
    api(home.server, "POST /rooms/:room/messages/".replace(":room", room) as never, {
      token: home.ben.token,
      body: { content },
    });

  test("is shown with its markup, previewed without, edited as written, and copied sensibly", async () => {
    await post("web-marked", MARKED);
    const ben = await visit(browser, home.server.url);
    const { page, composer } = ben;
    await ben.signIn("ben");
    // The list of rooms has one line for it, without marks.
    await page
      .locator(".line", { hasText: "web-marked" })
      .getByText("Bold, italic and gone: a * b * c")
      .waitFor();
    await ben.enter("web-marked");
    const text = page.locator("[data-id] .text").first();
    await text.locator("strong", { hasText: "Bold" }).waitFor();
    expect(await text.locator("em").textContent()).toBe("italic");
    expect(await text.locator("del").textContent()).toBe("gone");
    expect(await text.locator("blockquote").textContent()).toBe("quoted");
    expect(await text.locator("li").allTextContents()).toEqual(["• one", "• two"]);
    expect(await text.locator("li a").getAttribute("href")).toBe("https://example.com/two");
    // Colours come later, and change no letter.
    await text.locator(".keyword", { hasText: "const" }).waitFor();
    expect(await text.locator("pre").textContent()).toBe(CODE);
    expect(await text.locator("pre .comment").textContent()).toBe("// for everyone");
    expect(await violations(page, ".messages")).toEqual([]);

    const selected = await text.evaluate((element) => {
      getSelection()?.selectAllChildren(element);
      return getSelection()?.toString();
    });
    expect(selected?.replace(/\n+/g, "\n")).toBe(
      `Bold, italic and gone: a * b * c\nquoted\n• one\n• two\n${CODE}`,
    );

    await composer.press("ArrowUp");
    await until(async () => (await composer.inputValue()) === MARKED);
    await ben.close();
  });

  test("code is copied whole, with and without the browser's clipboard", async () => {
    await post("web-copied", `\`\`\`\n${CODE}\n\`\`\``);
    const ben = await visit(browser, home.server.url, { permissions: ["clipboard-read", "clipboard-write"] });
    const { page } = ben;
    await ben.signIn("ben");
    await ben.enter("web-copied");
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await copied()).toBe(CODE);
    // Over HTTP there is no clipboard for scripts, only the command.
    await page.evaluate(async () => {
      await navigator.clipboard.writeText("");
      navigator.clipboard.writeText = () => Promise.reject(new Error("not allowed"));
    });
    await page.locator(".composer textarea").focus();
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await copied()).toBe(CODE);
    await ben.close();
  });

  test("stays readable if the code for its markup cannot be loaded", async () => {
    await post("web-unmarked", "**bold** and `code`");
    const ben = await visit(browser, home.server.url, { serviceWorkers: "block" });
    const { page } = ben;
    await page.route(/text-\w+\.css$/, (route) => route.abort());
    await page.reload();
    await ben.signIn("ben");
    await ben.enter("web-unmarked");
    await ben.sees("**bold** and `code`");
    await page.unrouteAll();
    await ben.say("*again*");
    await page.locator(".text em", { hasText: "again" }).waitFor();
    await ben.close();
  });
});

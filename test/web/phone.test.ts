import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, BrowserContextOptions, CDPSession, Locator } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, house, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { visit, type Visitor } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  reducedMotion: "reduce",
};

type Point = readonly [x: number, y: number];

/** A finger on the screen. */
function fingerOn(devtools: CDPSession) {
  const send = (type: "touchStart" | "touchMove" | "touchEnd", points: readonly Point[]) =>
    devtools.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map(([x, y]) => ({ x, y })),
    });
  return {
    down: (at: Point) => send("touchStart", [at]),
    move: (to: Point) => send("touchMove", [to]),
    up: () => send("touchEnd", []),
  };
}

async function centre(of: Locator): Promise<Point> {
  const box = await of.boundingBox();
  if (!box) throw new Error("the element is not visible");
  return [box.x + box.width / 2, box.y + box.height / 2];
}

/** Whether nothing lies on the element's text, and all of it is on the screen. */
const isInView = (text: Locator) =>
  text.evaluate((node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()].every((line) => {
      const points = [line.left + 1, line.right - 1].map((x) => [x, line.top + line.height / 2] as const);
      return points.every(([x, y]) => node.contains(document.elementFromPoint(x, y)));
    });
  });

needs("chromium")("the page on a phone", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await house();
    browser = await sharedBrowser();
  });

  const onPhone = async (name: string, room: string, options = PHONE) => {
    const visitor = await visit(browser, home.server.url, options);
    await visitor.signIn(name);
    await visitor.enter(room);
    const finger = fingerOn(await visitor.page.context().newCDPSession(visitor.page));
    return { ...visitor, finger, sheet: visitor.page.getByRole("dialog", { name: "Message actions" }) };
  };
  const post = async (room: string, ...contents: readonly string[]) => {
    for (const content of contents)
      await api(home.server, `POST /rooms/${room}/messages/`, { token: home.ben.token, body: { content } });
  };
  const messageWith = ({ page }: Pick<Visitor, "page">, text: string) =>
    page.locator(".said[data-id]", { hasText: text });

  test("the Enter key sends, as its label says, with a keyboard on the screen and with a real one", async () => {
    const ada = await onPhone("ada", "phone-enter");
    expect(await ada.composer.getAttribute("enterkeyhint")).toBe("send");
    // A keyboard that reports the key.
    await ada.composer.tap();
    await ada.composer.fill("one");
    await ada.composer.press("Enter");
    await ada.sees("one");
    // A keyboard that only reports the line break: Safari's while it predicts, and some on Android.
    for (const [inputType, text] of [
      ["insertLineBreak", "two"],
      ["insertParagraph", "three"],
      ["insertText", "four"],
    ] as const) {
      await ada.composer.fill(text);
      const isPrevented = await ada.composer.evaluate(
        (field, [inputType, data]) =>
          !field.dispatchEvent(
            new InputEvent("beforeinput", { inputType, data, bubbles: true, cancelable: true }),
          ),
        [inputType, inputType === "insertText" ? "\n" : null] as const,
      );
      expect(isPrevented).toBe(true);
      await ada.sees(text);
    }
    // Keyboards on the screen have no Shift+Enter: there is a button.
    await ada.composer.fill("five");
    await ada.page.getByRole("button", { name: "New line" }).tap();
    await ada.composer.pressSequentially("lines");
    expect(await ada.composer.inputValue()).toBe("five\nlines");
    await ada.composer.press("Shift+Enter");
    await ada.composer.pressSequentially("more");
    await ada.composer.press("Enter");
    await ada.sees("five");
    expect((await ada.texts()).at(-1)).toBe("five\nlines\nmore");
    await ada.close();
  });

  test("a finger that stays on a message opens its actions, which hide nothing", async () => {
    const lines = Array.from({ length: 40 }, (_, number) => `line ${number} of the conversation`);
    await post("phone-hold", ...lines);
    const ada = await onPhone("ada", "phone-hold");
    await ada.sees("line 39");
    for (const number of [39, 30]) {
      const text = messageWith(ada, `line ${number} of`).locator(".text");
      await ada.finger.down(await centre(text));
      await ada.sheet.waitFor();
      await until(() => isInView(text));
      await ada.finger.up();
      // Lifting the finger presses nothing.
      expect(await ada.sheet.isVisible()).toBe(true);
      expect((await violations(ada.page)).filter((line) => line.includes("acts"))).toEqual([]);
      await ada.sheet.getByRole("button", { name: "Cancel" }).tap();
      await ada.sheet.waitFor({ state: "detached" });
      // The reader is at the end again.
      await until(() => isInView(messageWith(ada, "line 39 of").locator(".text")));
    }
    await ada.close();
  });

  test("the actions close on a press elsewhere, Back and Escape, and do nothing else then", async () => {
    await post("phone-close", "first", "second");
    const ada = await onPhone("ada", "phone-close");
    const hold = async () => {
      await ada.finger.down(await centre(messageWith(ada, "first").locator(".text")));
      await ada.sheet.waitFor();
      await ada.finger.up();
    };
    const ways: readonly (() => Promise<unknown>)[] = [
      () => ada.page.getByRole("button", { name: "Room details" }).tap(),
      () => ada.page.goBack(),
      () => ada.page.keyboard.press("Escape"),
    ];
    const address = ada.page.url();
    const entries = () => ada.page.evaluate(() => history.length);
    await hold();
    const open = await entries();
    for (const close of ways) {
      if (!(await ada.sheet.isVisible())) await hold();
      await close();
      await ada.sheet.waitFor({ state: "detached" });
      expect(ada.page.url()).toBe(address);
      expect(await ada.page.locator("dialog[open]").count()).toBe(0);
      expect(await entries()).toBe(open);
    }
    // What was below the sheet works again.
    await ada.page.getByRole("button", { name: "Room details" }).tap();
    await ada.page.locator("dialog[open]").waitFor();
    await ada.close();
  });

  test("each action of the sheet does what it says", async () => {
    const ada = await onPhone("ada", "phone-acts");
    await ada.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await post("phone-acts", "from Ben");
    await ada.say("from Ada");
    await ada.sees("from Ada");
    const act = async (on: string, name: string) => {
      await ada.finger.down(await centre(messageWith(ada, on).locator(".text")));
      await ada.sheet.waitFor();
      await ada.finger.up();
      await ada.sheet.getByRole("button", { name, exact: true }).tap();
    };
    await act("from Ben", "🎉");
    await ada.page.getByRole("button", { name: "🎉 1: ada" }).waitFor();
    await act("from Ben", "Copy text");
    await until(async () => (await ada.page.evaluate(() => navigator.clipboard.readText())) === "from Ben");
    await act("from Ben", "Reply");
    await ada.page.locator(".about", { hasText: "from Ben" }).waitFor();
    await ada.page.getByRole("button", { name: "Cancel reply" }).tap();
    await act("from Ada", "Edit");
    await until(async () => (await ada.composer.inputValue()) === "from Ada");
    await ada.page.getByRole("button", { name: "Stop editing" }).tap();
    await act("from Ada", "Delete");
    await ada.sheet.getByRole("button", { name: "Delete for everyone" }).tap();
    await ada.page.locator(".text.gone").waitFor();
    await act("from Ben", "Report");
    await ada.page.locator("dialog[open]").waitFor();
    await ada.close();
  });

  test("a message that is pulled to the side is replied to, and scrolling is no pull", async () => {
    await post("phone-pull", ...Array.from({ length: 40 }, (_, number) => `word ${number}.`));
    const ada = await onPhone("ada", "phone-pull");
    const about = ada.page.locator(".about");
    const text = messageWith(ada, "word 35.").locator(".text");
    await text.waitFor();
    const pull = async (across: number, along: number) => {
      const [x, y] = await centre(text);
      await ada.finger.down([x, y]);
      for (let step = 1; step <= 8; step++)
        await ada.finger.move([x + (across * step) / 8, y + (along * step) / 8]);
      await ada.finger.up();
    };
    for (const across of [120, -120]) {
      await pull(across, 4);
      await about.filter({ hasText: "word 35." }).waitFor();
      // Chromium takes a tap right after a quick movement for its end, so this is no tap.
      await ada.page.keyboard.press("Escape");
      await about.waitFor({ state: "detached" });
    }
    await pull(30, 0);
    await pull(10, 120);
    // The message is back in its place, and no sheet opened.
    expect(await about.count()).toBe(0);
    expect(await messageWith(ada, "word 35.").evaluate((row) => getComputedStyle(row).transform)).toBe(
      "none",
    );
    expect(await ada.sheet.count()).toBe(0);
    await ada.close();
  });

  test("a tap on a message covers nothing", async () => {
    await post("phone-tap", "tap me");
    const ada = await onPhone("ada", "phone-tap");
    const message = messageWith(ada, "tap me");
    await message.locator(".text").tap();
    await message.locator("header").tap();
    expect(await isInView(message.locator(".text"))).toBe(true);
    expect(await ada.page.locator(".actions").count()).toBe(0);
    await ada.close();
  });

  test("everything that can be pressed has 44 pixels", async () => {
    await post("phone-size", "one with a reaction");
    const react = `PUT /rooms/phone-size/messages/1/reactions/${encodeURIComponent("🎉")}/`;
    await api(home.server, react, { token: home.ada.token, body: {} });
    const cy = await onPhone("cy", "phone-size");
    const small = () =>
      cy.page.evaluate(() => {
        const controls = "a[href], button, input, select, textarea, summary, [role='button']";
        return [...document.querySelectorAll<HTMLElement>(controls)]
          .filter(
            (node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest(".text, .skip"),
          )
          .map((node) => ({ node, box: (node.closest("label") ?? node).getBoundingClientRect() }))
          .filter(({ box }) => box.width < 43.5 || box.height < 43.5)
          .map(({ node, box }) => `${node.outerHTML.slice(0, 90)}: ${box.width} × ${box.height}`);
      });
    await cy.sees("one with a reaction");
    expect(await small()).toEqual([]);
    await cy.finger.down(await centre(messageWith(cy, "one with").locator(".text")));
    await cy.sheet.waitFor();
    await cy.finger.up();
    expect(await small()).toEqual([]);
    await cy.page.goBack();
    await cy.page.getByRole("button", { name: "Room details" }).tap();
    await cy.page.locator("dialog[open]").getByText("You · Member").waitFor();
    expect(await small()).toEqual([]);
    await cy.page.keyboard.press("Escape");
    await cy.page.getByRole("link", { name: "Back to the rooms" }).tap();
    await cy.page.locator(".line").first().waitFor();
    expect(await small()).toEqual([]);
    await cy.page.getByRole("link", { name: "Account of cy" }).tap();
    await cy.page.getByText("This device", { exact: true }).waitFor();
    expect(await small()).toEqual([]);
    await cy.close();
  });

  test("a keyboard on the screen never covers the composer", async () => {
    await post("phone-keys", ...Array.from({ length: 30 }, (_, number) => `key ${number}.`));
    const ada = await onPhone("ada", "phone-keys");
    const bottom = async () => {
      const box = await ada.page.locator(".composer").boundingBox();
      return (box?.y ?? 0) + (box?.height ?? 0);
    };
    const last = messageWith(ada, "key 29.").locator(".text");
    await ada.sees("key 29.");
    // A browser that makes the page smaller.
    await ada.page.setViewportSize({ width: 390, height: 500 });
    await until(async () => (await bottom()) <= 500 && (await isInView(last)));
    await ada.page.setViewportSize({ width: 390, height: 844 });
    await until(async () => (await bottom()) > 800);
    // A browser that lays the keyboard over the page, as Safari does.
    const cover = (height: number) =>
      ada.page.evaluate((height) => {
        const { visualViewport } = window;
        Object.defineProperty(visualViewport, "height", { value: height, configurable: true });
        visualViewport?.dispatchEvent(new Event("resize"));
      }, height);
    await until(async () => {
      await cover(480); // Again until the part that listens is loaded.
      return (await bottom()) <= 480;
    });
    await until(() => isInView(last));
    await cover(844);
    await until(async () => (await bottom()) > 800);
    await ada.close();
  });

  test("nothing lies under the edges that a display cuts off", async () => {
    await post("phone-notch", "in the middle");
    const options = { ...PHONE, viewport: { width: 844, height: 390 } };
    const ada = await onPhone("ada", "phone-notch", options);
    const devtools = await ada.page.context().newCDPSession(ada.page);
    const insets = { top: 20, left: 47, right: 47, bottom: 21 };
    await devtools.send(
      "Emulation.setSafeAreaInsetsOverride" as "Emulation.clearIdleOverride",
      {
        insets,
      } as object,
    );
    await ada.sees("in the middle");
    const outside = () =>
      ada.page.evaluate(({ top, left, right, bottom }) => {
        const controls = [...document.querySelectorAll("a[href], button, textarea, input, h1, .text")];
        return controls
          .filter((node) => node.checkVisibility() && !node.closest(".skip, .unseen"))
          .map((node) => {
            const scrolls = node.closest(".messages, nav") !== null;
            return [node.outerHTML.slice(0, 60), node.getBoundingClientRect(), scrolls] as const;
          })
          .filter(([, box, scrolls]) => {
            if (box.left < left || box.right > innerWidth - right) return true;
            return !scrolls && (box.top < top || box.bottom > innerHeight - bottom);
          })
          .map(([html]) => html);
      }, insets);
    await until(async () => (await outside()).length === 0);
    await ada.close();
  });
});

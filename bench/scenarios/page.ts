import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../../test/support/browser.ts";
import { chromiumPath } from "../../test/support/needs.ts";
import { percentileOf } from "../report.ts";
import type { Scenario } from "../scenario.ts";

const PAINTS = 10;
const MESSAGES = 100;
const PASSWORD = "correct horse battery";

/** The page in a browser: how soon a room is there, and how soon the other side shows what one says. */
export const page: Scenario = {
  name: "page",
  does: `Chromium opens the room of someone who is signed in, ${PAINTS} times; then one of two people says ${MESSAGES} things, one after the other, and the other's page shows them.`,
  kinds: ["parley"],
  sockets: 2,
  bars: [],
  async measure(stage, kind) {
    if (!chromiumPath()) return { figures: {}, problems: [], notes: ["left out: there is no Chromium here"] };
    return stage.play({ kind }, async ({ port }) => {
      const url = `http://127.0.0.1:${port}`;
      const browser = await startBrowser();
      try {
        const [ada, ben] = [await enter(browser, url, "ada"), await enter(browser, url, "ben")];
        await say(ada, "hello");
        await ada.locator("[data-id]").waitFor();
        const paints = [];
        while (paints.length < (stage.quick ? 3 : PAINTS)) paints.push(await paint(ada));
        const shown = [];
        for (let count = 0; count < (stage.quick ? 10 : MESSAGES); count++)
          shown.push(await timeToShow(ada, ben, `number ${count}.`));
        return {
          figures: {
            roomPaintedP50: percentileOf(paints, 0.5),
            shownP50: percentileOf(shown, 0.5),
            shownP99: percentileOf(shown, 0.99),
          },
          problems: [],
        };
      } finally {
        await browser.close();
      }
    });
  },
};

async function enter(browser: Browser, url: string, name: string): Promise<Page> {
  const tab = await (await browser.newContext()).newPage();
  await tab.goto(`${url}/#/room/bench`);
  await tab.getByRole("button", { name: "Make an account" }).click();
  await tab.getByLabel("Email").fill(`${name}@example.com`);
  await tab.getByLabel("Password").fill(PASSWORD);
  await tab.getByRole("button", { name: "Sign up" }).click();
  await tab.locator(".composer textarea").waitFor();
  return tab;
}

async function say(tab: Page, text: string): Promise<void> {
  await tab.locator(".composer textarea").fill(text);
  await tab.locator(".composer textarea").press("Enter");
}

/** From the beginning of the navigation to the frame in which a message is painted, in milliseconds. */
async function paint(tab: Page): Promise<number> {
  await tab.reload({ waitUntil: "commit" });
  await tab.locator("[data-id]").first().waitFor();
  return tab.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now()))),
  );
}

/** From the key that sends it to the frame in which the other side has it, in milliseconds. */
async function timeToShow(from: Page, to: Page, text: string): Promise<number> {
  const shown = to.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const look = () => {
          const last = [...document.querySelectorAll("[data-id] .text")].at(-1)?.textContent;
          if (last === wanted) resolve(performance.timeOrigin + performance.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
    text,
  );
  const sent = from.evaluate(
    () =>
      new Promise<number>((resolve) =>
        addEventListener("keydown", () => resolve(performance.timeOrigin + performance.now()), {
          once: true,
          capture: true,
        }),
      ),
  );
  await say(from, text);
  return (await shown) - (await sent);
}

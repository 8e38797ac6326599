import { expect } from "bun:test";
import type { BrowserContext, Page } from "playwright-core";
import { sharedBrowser } from "../support/browser.ts";

/** People with a browser of their own each. */
export function tabs() {
  const contexts: BrowserContext[] = [];
  return {
    /** Opens a page in a new browser context. Script errors fail the test. */
    async visit(url: string): Promise<Page> {
      const context = await (await sharedBrowser()).newContext();
      contexts.push(context);
      const tab = await context.newPage();
      tab.on("pageerror", (error) => expect(error).toBeUndefined());
      await tab.goto(url);
      return tab;
    },
    /** Closes what was opened so far. */
    async close(): Promise<void> {
      await Promise.all(contexts.splice(0).map((context) => context.close()));
    },
  };
}

/** Resolves when an element that the selector finds shows exactly this text. */
export const has = (tab: Page, selector: string, text: string): Promise<void> =>
  tab.locator(selector).getByText(text, { exact: true }).waitFor();

/** Sends a message with the form of the examples. */
export async function say(tab: Page, text: string): Promise<void> {
  await tab.getByLabel("Message").fill(text);
  await tab.getByRole("button", { name: "Send" }).click();
}

import { expect } from "bun:test";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { PASSWORD } from "../support/people.ts";

/** A person with the page open in a browser of their own. */
export interface Visitor {
  readonly page: Page;
  readonly composer: Locator;
  signIn(name: string): Promise<void>;
  /** Opens a room from any view. */
  enter(room: string): Promise<void>;
  say(text: string): Promise<void>;
  /** Waits until the room shows a committed message with this text. */
  sees(text: string): Promise<void>;
  /** Returns the texts of the messages on the page, in order. */
  texts(): Promise<string[]>;
  /** Starts recording layout shifts outside the messages. */
  watchShifts(): Promise<void>;
  shifted(): Promise<string[]>;
  /** Closes the page. Fails if it had an error or violated its Content-Security-Policy. */
  close(): Promise<void>;
}

declare global {
  /** Violations of the Content-Security-Policy. */
  var violations: string[];
  var shifted: string[];
}

export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  await page.goto(url);

  const composer = page.locator(".composer textarea");
  return {
    page,
    composer,
    async signIn(name) {
      await page.getByLabel("Email").fill(`${name}@example.com`);
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator(".sidebar").waitFor();
    },
    async enter(room) {
      await page.evaluate((hash) => void (location.hash = hash), `#/room/${encodeURIComponent(room)}`);
      await page.locator(".conversation h1", { hasText: room }).waitFor();
      await page.locator(".count:has-text('–')").waitFor({ state: "detached" });
    },
    async say(text) {
      await composer.fill(text);
      await composer.press("Enter");
    },
    sees: (text) => page.locator("[data-id] .text", { hasText: text }).first().waitFor(),
    texts: () => page.locator("[data-id] .text").allTextContents(),
    watchShifts: () => page.evaluate(watchShifts),
    shifted: () => page.evaluate(() => globalThis.shifted),
    async close() {
      expect(await page.evaluate(() => globalThis.violations)).toEqual([]);
      expect(errors).toEqual([]);
      await context.close();
    },
  };
}

/**
 * Waits until no dialog is on the page but that of the switcher, which is always there. A closed one has no role any more, and
 * is removed a moment later.
 */
export const noDialog = (page: Page) => page.locator("dialog:not(.switcher)").waitFor({ state: "detached" });

/** Opens the page in a browser of its own, signs in and enters a room. */
export async function visitRoom(browser: Browser, url: string, name: string, room: string): Promise<Visitor> {
  const visitor = await visit(browser, url);
  await visitor.signIn(name);
  await visitor.enter(room);
  return visitor;
}

interface LayoutShift extends PerformanceEntry {
  /** The shift follows an input of the person. */
  readonly hadRecentInput: boolean;
  readonly sources: readonly { readonly node: Element | null }[];
}

function watchShifts(): void {
  globalThis.shifted = [];
  new PerformanceObserver((list) => {
    for (const { sources, hadRecentInput } of list.getEntries() as LayoutShift[])
      for (const { node } of sources) {
        const element = node instanceof Element ? node : (node as Node | null)?.parentElement;
        if (element && !hadRecentInput && !element.closest(".messages"))
          globalThis.shifted.push(element.className || element.tagName);
      }
  }).observe({ type: "layout-shift" });
}

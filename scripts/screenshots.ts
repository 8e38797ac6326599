import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../test/support/browser.ts";
import { startTestServer } from "../test/support/server.ts";
import { type Actor, createScene, playScene } from "./scene.ts";

// Takes the README's screenshots: docs/desktop.png, docs/desktop-dark.png and docs/phone.png.

const DOCS = join(import.meta.dir, "../docs");
const PICTURES = [
  { file: "desktop.png", width: 1120, height: 700, colorScheme: "light" },
  { file: "desktop-dark.png", width: 1120, height: 700, colorScheme: "dark" },
  { file: "phone.png", width: 390, height: 760, colorScheme: "light" },
] as const;

const server = await startTestServer({ LOGIN_RATE: "0", MESSAGE_RATE: "0", BUDGETS: "0" });
const scene = await createScene(server.url);
await playScene(scene);
const browser = await startBrowser();
const { ada, ben, emeka } = scene.actors;
// These people appear online in the screenshots.
for (const actor of [ben, emeka]) if (actor) await enter(browser, actor, { width: 1120, height: 700 });
await scene.say("ben", "football", "I bring the ball");
for (const { file, width, height, colorScheme } of PICTURES) {
  if (!ada) throw new Error("the scene has no ada");
  const page = await enter(browser, ada, { width, height }, colorScheme);
  await page.screenshot({ path: join(DOCS, file) });
  console.log(`docs/${file}: ${Math.round(Bun.file(join(DOCS, file)).size / 1024)} KB`);
  await page.context().close();
}
await browser.close();
await server.stop();

async function enter(
  browser: Browser,
  { email, password }: Actor,
  viewport: { width: number; height: number },
  colorScheme: "light" | "dark" = "light",
): Promise<Page> {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  await page.goto(`${server.url}/#/room/lobby`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(".reaction").last().waitFor();
  await page.locator(".count:has-text('–')").waitFor({ state: "detached" });
  const newest = page.getByRole("button", { name: "Newest" });
  if (await newest.isVisible()) await newest.click();
  await newest.waitFor({ state: "detached" });
  await page.mouse.move(0, 0);
  await page.locator(".line[aria-current] .badge").waitFor({ state: "detached" });
  return page;
}

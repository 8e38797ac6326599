import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { hueOf, spread } from "../../src/web/parts/hues.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(2 * START_MS);

const apart = (a: number, b: number) => Math.min(Math.abs(a - b), 360 - Math.abs(a - b));

test("six people of a conversation have six colours, far apart, whoever they are", () => {
  for (let group = 0; group < 200; group++) {
    const people = Array.from({ length: 6 }, (_, index) => `u_${group}_${index}`);
    spread(people, true);
    const hues = people.map(hueOf);
    for (const [index, hue] of hues.entries())
      for (const other of hues.slice(index + 1)) expect(apart(hue, other)).toBeGreaterThanOrEqual(60);
  }
});

test("people keep their colour when someone joins them; only a clash moves one of them", () => {
  spread(["a1", "a2", "a3"], true);
  const before = ["a1", "a2", "a3"].map(hueOf);
  spread(["a1", "a2", "a3", "a4", "a5", "a6"], true);
  expect(["a1", "a2", "a3"].map(hueOf)).toEqual(before);
  // Twelve people have twelve colours; more have to share.
  const many = Array.from({ length: 30 }, (_, index) => `many ${index}`);
  spread(many.slice(0, 12), true);
  expect(new Set(many.slice(0, 12).map(hueOf)).size).toBe(12);
  spread(many, true);
  expect(new Set(many.map(hueOf)).size).toBe(12);
});

needs("chromium")("the pictures of people", () => {
  let browser: Browser;
  let server: TestServer;
  let people: Person[];
  beforeAll(async () => {
    server = await startTestServer({ LOGIN_RATE: "0", PICTURE_ORIGINS: "https://cdn.example.com" });
    people = await Promise.all(["ada", "ben"].map((name) => register(server, name)));
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await server?.stop();
  });

  test("are shown from the origins that the operator allows, and initials in all other cases", async () => {
    const [ada, ben] = people as [Person, Person];
    const set = (token: string, body: object) => api(server, "PATCH /account/me/", { token, body });
    await set(ada.token, { name: "Ada Byron Lovelace", picture: "https://cdn.example.com/ada.svg" });
    await set(ben.token, { picture: "https://elsewhere.example.com/ben.svg" });
    for (const { token } of [ada, ben])
      await api(server, "POST /rooms/web-faces/messages/", { token, body: { content: "hello" } });
    const visitor = await visit(browser, server.url);
    const { page } = visitor;
    const asked: string[] = [];
    await page.route(/example\.com/, (route) => {
      asked.push(route.request().url());
      return route.fulfill({
        contentType: "image/svg+xml",
        body: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>',
      });
    });
    await visitor.signIn("ben");
    await visitor.enter("web-faces");
    const faces = page.locator(".messages .avatar");
    await faces.first().locator("img").waitFor();
    await until(() =>
      faces
        .first()
        .locator("img")
        .evaluate((image) => (image as HTMLImageElement).naturalWidth > 0),
    );
    expect(await faces.allTextContents()).toEqual(["AL", "B"]);
    expect(await page.locator(".messages .avatar img").count()).toBe(1);
    expect(new Set(asked)).toEqual(new Set(["https://cdn.example.com/ada.svg"]));
    await visitor.close();
  });

  test("are on six colours if six people talk, also if some of them are in the list of rooms already", async () => {
    const six = await Promise.all(["dora", "emil", "fay", "gus"].map((name) => register(server, name)));
    const [ada, ben] = people as [Person, Person];
    for (const { token } of six) {
      await api(server, "PUT /direct/", { token, body: { people: ["@ben"] } });
      await api(server, "POST /rooms/web-six/messages/", { token, body: { content: "hello" } });
    }
    for (const { token } of [ada, ben])
      await api(server, "POST /rooms/web-six/messages/", { token, body: { content: "hello" } });
    const visitor = await visit(browser, server.url);
    const { page } = visitor;
    await page.route(/cdn\.example\.com/, (route) => route.abort());
    await visitor.signIn("ben");
    await page.locator(".line .avatar").nth(3).waitFor();
    await visitor.enter("web-six");
    await page.locator(".messages .avatar").nth(5).waitFor();
    const huesOf = (avatars: string) =>
      page
        .locator(avatars)
        .evaluateAll((all) => all.map((avatar) => (avatar as HTMLElement).style.getPropertyValue("--hue")));
    await until(async () => new Set(await huesOf(".messages .avatar")).size === 6);
    // Everyone has one colour everywhere.
    const inList = new Set(await huesOf(".line .avatar"));
    expect([...inList].filter((hue) => hue !== "").length).toBe(4);
    await visitor.close();
  });

  test("leave the initials readable if they cannot be loaded, in light and dark", async () => {
    const visitor = await visit(browser, server.url);
    const { page } = visitor;
    await page.route(/cdn\.example\.com/, (route) => route.abort());
    await visitor.signIn("ben");
    await visitor.enter("web-faces");
    await page.locator(".messages .avatar").first().waitFor();
    await page.locator(".messages .avatar img").first().waitFor({ state: "hidden" });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate(worstContrast)).toBeGreaterThan(4.5);
    }
    await visitor.close();
  });
});

/** Returns the lowest contrast of initials on any of the colours (WCAG 2.2, contrast ratio). */
function worstContrast(): number {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const avatar = document.querySelector<HTMLElement>(".messages .avatar");
  if (!context || !avatar) return 0;
  const luminance = (colour: string) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0] = [...context.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let worst = 21;
  for (let hue = 0; hue < 360; hue += 30) {
    avatar.style.setProperty("--hue", String(hue));
    const { color, backgroundColor } = getComputedStyle(avatar);
    const [light = 0, dark = 0] = [luminance(color), luminance(backgroundColor)].toSorted((a, b) => b - a);
    worst = Math.min(worst, (light + 0.05) / (dark + 0.05));
  }
  return worst;
}

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD, register } from "../support/people.ts";
import { violations } from "./axe.ts";
import { noDialog, visit } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("the account on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  /** Someone new, at their account. */
  const atAccount = async (name: string) => {
    const { token } = await register(home.server, name);
    const visitor = await visit(browser, home.server.url);
    await visitor.signIn(name);
    await visitor.page.evaluate(() => void (location.hash = "#/account"));
    await visitor.page.getByText("This device", { exact: true }).waitFor();
    const press = (label: string) => visitor.page.getByRole("button", { name: label, exact: true }).click();
    return { ...visitor, token, press };
  };
  const login = (name: string, password: string) =>
    api(home.server, "POST /account/login/", { body: { email: `${name}@example.com`, password } });

  test("a person changes their password, and stays signed in while their other devices are signed out", async () => {
    const { page, press, token, close } = await atAccount("pat");
    await page.getByLabel("Current password").fill("not this one");
    await page.getByLabel("New password").fill("a few other words");
    await press("Change password");
    await page.getByText("The password is not the current one.").waitFor();
    await page.getByLabel("Current password").fill(PASSWORD);
    await page.getByLabel("New password").fill("short");
    await press("Change password");
    await page.getByText("The new password must have at least 8 characters.").waitFor();
    await page.getByLabel("New password").fill("a few other words");
    await press("Change password");
    await page.getByText("Changed. Your other devices are signed out.").waitFor();
    expect(await page.getByLabel("New password").inputValue()).toBe("");
    expect(await page.locator(".sessions li").count()).toBe(1);
    expect((await api(home.server, "GET /account/me/", { token })).status).toBe(401);
    expect((await login("pat", "a few other words")).status).toBe(200);
    await page.reload();
    await page.getByText("This device", { exact: true }).waitFor();
    await close();
  });

  test("a person downloads what they wrote, room by room and oldest first, and what they saved", async () => {
    const { page, press, token, close } = await atAccount("quin");
    const say = (room: string, content: string) =>
      api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content } });
    for (let index = 0; index < 120; index++) await say("web-mine", `one ${index}`);
    for (let index = 0; index < 120; index++) await say("web-mine-too", `two ${index}`);
    await api(home.server, "PUT /rooms/web-mine/messages/7/saved/", { token });
    const [download] = await Promise.all([page.waitForEvent("download"), press("Download your messages")]);
    expect(download.suggestedFilename()).toMatch(/^parley-quin-\d{4}-\d\d-\d\d\.jsonl$/);
    await page.getByText("Done: the file has 240 messages.").waitFor();
    const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
    expect(JSON.parse(lines.pop() ?? "")).toMatchObject({ saved: { room: "web-mine", id: 7 } });
    const texts = lines.map((line) => (JSON.parse(line) as { content: string }).content);
    expect(texts).toEqual([
      ...Array.from({ length: 120 }, (_, index) => `one ${index}`),
      ...Array.from({ length: 120 }, (_, index) => `two ${index}`),
    ]);
    await close();
  });

  test("a person deletes their account only after reading what stays, and with their password", async () => {
    const { page, press, token, close } = await atAccount("rae");
    await api(home.server, "POST /rooms/web-stays/messages/", { token, body: { content: "I was here" } });
    await press("Delete account…");
    const dialog = page.getByRole("dialog", { name: "Delete your account?" });
    await dialog.getByText("Your messages stay where they are.").waitFor();
    expect(await violations(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Keep the account" }).click();
    await noDialog(page);

    await press("Delete account…");
    await dialog.getByLabel("Your password").fill("not this one");
    await dialog.getByRole("button", { name: "Delete account" }).click();
    await dialog.getByText("The password is not the current one.").waitFor();
    await dialog.getByLabel("Your password").fill(PASSWORD);
    await dialog.getByRole("button", { name: "Delete account" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    expect((await login("rae", PASSWORD)).status).not.toBe(200);
    const { body } = await api(home.server, "GET /history/web-stays/", { token: home.ada.token });
    expect(body).toMatchObject([{ content: "I was here" }]);
    await close();
  });
});

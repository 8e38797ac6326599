import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { allow, change, HOOK_SECRET, refuse, startChecker } from "../hooks/checker.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { visitRoom } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("the page, if messages are checked", () => {
  const checker = startChecker();
  let browser: Browser;
  let server: TestServer;
  let ada: Person;
  beforeAll(async () => {
    checker.respond = ({ body: { data } }) => {
      if (data.content.includes("rude")) return refuse("Be kind to each other.");
      return data.content === "damn" ? change("d**n") : allow();
    };
    server = await startTestServer({
      ...{ LOGIN_RATE: "0", MESSAGE_RATE: "0", BUDGETS: "0" },
      ...{ MESSAGE_HOOK_URL: checker.url, MESSAGE_HOOK_SECRET: HOOK_SECRET, MESSAGE_HOOK_TIMEOUT: "5s" },
    });
    ada = await register(server, "ada");
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await server?.stop();
    await checker.die();
  });
  const texts = async (room: string) => {
    const { body } = await api(server, `GET /history/${room}/`, { token: ada.token });
    return (body as { content: string }[]).map(({ content }) => content);
  };

  test("shows the reason beside a refused text, which can be changed and sent, and a changed text as it was committed", async () => {
    const who = await visitRoom(browser, server.url, "ada", "den");
    const { page } = who;
    await who.say("a rude text");
    const refused = page.locator(".refused");
    await refused.getByText("Not sent. Be kind to each other.").waitFor();
    await refused.getByText("a rude text").waitFor();
    await refused.getByRole("button", { name: "Edit" }).click();
    expect(await who.composer.inputValue()).toBe("a rude text");
    await who.composer.fill("a kind text");
    await who.composer.press("Enter");
    await who.sees("a kind text");
    await who.say("damn");
    await who.sees("d**n");
    expect(await page.getByText("damn", { exact: true }).count()).toBe(0);
    expect(await texts("den")).toEqual(["a kind text", "d**n"]);
    await who.close();
  });
});

import { expect, setDefaultTimeout, test } from "bun:test";
import { sharedBrowser } from "../support/browser.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { register } from "../support/people.ts";
import { startProxy } from "../support/proxy.ts";
import { startTestServer } from "../support/server.ts";
import { visit } from "./visitor.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("a server that restarts", () => {
  test("gets messages written meanwhile once and in order, even if the page was reloaded", async () => {
    const data = temporaryFolder();
    const settings = { DATA_DIR: data.path, LOGIN_RATE: "0" };
    const first = await startTestServer(settings);
    const proxy = startProxy(first.port);
    const browser = await sharedBrowser();
    await register(first, "ada");
    await register(first, "ben");
    const [ada, ben] = [await visit(browser, proxy.url), await visit(browser, proxy.url)];
    for (const [visitor, name] of [
      [ada, "ada"],
      [ben, "ben"],
    ] as const) {
      await visitor.signIn(name);
      await visitor.enter("restart");
    }
    await ada.say("before");
    await ben.sees("before");

    await first.stop();
    await ada.page.getByText("Connection lost.").waitFor();
    for (const text of ["one", "two", "three"]) await ada.say(text);
    await ada.page.getByText("3 messages waiting.").waitFor();

    const second = await startTestServer(settings);
    proxy.target = second.port;
    // The reloaded page has the messages that the old one stored.
    await ada.page.reload();
    await ada.sees("three");
    await ben.page.evaluate(() => dispatchEvent(new Event("online")));
    await ben.sees("three");
    expect(await ben.texts()).toEqual(["before", "one", "two", "three"]);
    expect(await ada.texts()).toEqual(["before", "one", "two", "three"]);

    await Promise.all([ada.close(), ben.close()]);
    proxy.stop();
    await second.stop();
    data.remove();
  });
});

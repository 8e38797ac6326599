import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Firefox, firefoxPath, startFirefox } from "../support/firefox.ts";
import { type House, house, START_MS } from "../support/house.ts";
import { PASSWORD } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";

setDefaultTimeout(2 * START_MS);

const path = firefoxPath();
// No machine has to have it, so it is skipped in the checks too.
if (!path) test.skip("the page in Firefox (skipped: needs firefox-esr)", () => {});
else
  describe("the page in Firefox", () => {
    let home: House;
    let proxy: Proxy;
    let firefox: Firefox;
    beforeAll(async () => {
      home = await house();
      proxy = startProxy(home.server.port);
      firefox = await startFirefox(path);
    });
    afterAll(async () => {
      await firefox?.close();
      proxy?.stop();
    });
    const says = (text: string) =>
      `[...document.querySelectorAll("[data-id] .text")].some((row) => row.textContent === ${JSON.stringify(text)})`;

    test("a person signs in and talks", async () => {
      await firefox.open(proxy.url);
      await firefox.holds("document.querySelector('[name=email]') !== null");
      await firefox.value("document.querySelector('[name=email]').focus()");
      await firefox.type("ada@example.com");
      await firefox.value("document.querySelector('[name=password]').focus()");
      await firefox.type(`${PASSWORD}\uE007`);
      await firefox.holds("document.querySelector('.sidebar') !== null");
      await firefox.value("void (location.hash = '#/room/web-firefox')");
      await firefox.holds("document.querySelector('.composer textarea') !== null");
      await firefox.value("document.querySelector('.composer textarea').focus()");
      await firefox.type("from a fox\uE007");
      await firefox.holds(says("from a fox"));
      expect(await firefox.value("document.querySelector('.composer textarea').value")).toBe("");
      expect(firefox.errors).toEqual([]);
    });

    test("the page opens without a connection, with the messages that were there", async () => {
      await firefox.holds("navigator.serviceWorker.controller?.state === 'activated'");
      await firefox.holds(
        `caches.keys().then(async (names) => (await Promise.all(names.map(async (name) =>
          (await (await caches.open(name)).match("/kept/room/web-firefox"))?.text()))).some((text) => text?.includes("a fox")))`,
      );
      proxy.refuse = true;
      proxy.cut();
      await firefox.open(`${proxy.url}/#/`);
      await firefox.value("location.reload()");
      await firefox.holds("document.querySelector('.sidebar') !== null");
      await firefox.value("void (location.hash = '#/room/web-firefox')");
      await firefox.holds(says("from a fox"));
      proxy.refuse = false;
    });
  });

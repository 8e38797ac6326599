import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, CDPSession, Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { visitRoom } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("writing on the page", () => {
  let browser: Browser;
  let home: House;
  let proxy: Proxy;
  beforeAll(async () => {
    home = await ownHouse();
    proxy = startProxy(home.server.port);
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    proxy?.stop();
    await home?.server.stop();
  });

  const inRoom = (name: string, room: string, url = home.server.url) => visitRoom(browser, url, name, room);
  /** The messages of a person that the server has, in order. */
  const committed = async (room: string, { username, token } = home.ada) => {
    const { body } = await api(home.server, `GET /history/${room}/?limit=1000`, { token });
    const messages = body as { username: string; content: string }[];
    return messages.filter((message) => message.username === username).map(({ content }) => content);
  };

  test("what is typed during a long task goes where it belongs: sent, or in the field", async () => {
    // The field was compared with what was rendered last: after "ok", Enter and "!", the message "ok" was sent and the field
    // held "ok!".
    const ada = await inRoom("ada", "write-long-task");
    await ada.composer.focus();
    const keys = await cdp(ada.page);
    for (let round = 0; round < 5; round++) {
      await ada.page.evaluate(() => {
        setTimeout(() => {
          for (const end = performance.now() + 400; performance.now() < end;);
        });
      });
      await type(keys, "ok\n!\n");
      await until(async () => (await committed("write-long-task")).length === 2 * (round + 1));
      expect(await ada.composer.inputValue()).toBe("");
    }
    expect(await committed("write-long-task")).toEqual(Array(5).fill(["ok", "!"]).flat());
    await ada.close();
  });

  for (const delayMs of [10, 800])
    test(`a fast writer on a slow device in a busy room loses nothing at ${delayMs} ms of delay`, async () => {
      const room = `write-busy-${delayMs}`;
      const ada = await inRoom("ada", room, proxy.url);
      const keys = await cdp(ada.page);
      await ada.composer.focus();
      proxy.delayMs = delayMs;
      await keys.send("Emulation.setCPUThrottlingRate", { rate: 6 });
      let isBusy = true;
      const crowd = (async () => {
        for (let n = 0; isBusy; n++) {
          await api(home.server, `POST /rooms/${room}/messages/`, {
            token: home.ben.token,
            body: { content: `noise ${n} https://example.com/${n}` },
          });
          await Bun.sleep(30);
        }
      })();
      const texts = Array.from({ length: 8 }, (_, n) => `${n} quick brown`);
      for (const text of texts) await type(keys, `${text}\n`, 50);
      await type(keys, "and a draft", 50);
      isBusy = false;
      await crowd;
      await keys.send("Emulation.setCPUThrottlingRate", { rate: 1 });
      await until(async () => (await committed(room)).length >= texts.length);
      expect(await committed(room)).toEqual(texts);
      expect(await ada.composer.inputValue()).toBe("and a draft");
      proxy.delayMs = 0;
      await ada.close();
    });

  test("the Enter that chooses a word of an input method sends nothing, in any browser's order of events", async () => {
    const ada = await inRoom("ada", "write-ime");
    const keys = await cdp(ada.page);
    await ada.composer.focus();
    // Recorded orders: what happens before `compositionend`, and after it.
    const orders = {
      chromium: [enter({ isComposing: true, keyCode: 229 }), "compositionend", "keyup"],
      firefox: [enter({ isComposing: true, keyCode: 229 }), "compositionend", "keyup"],
      safari: ["compositionend", enter({ isComposing: false, keyCode: 229 }), "keyup"],
    } as const;
    for (const [name, order] of Object.entries(orders)) {
      await ada.composer.fill(`にほん ${name}`);
      const prevented = await ada.page.evaluate((steps) => {
        const area = document.querySelector(".composer textarea") as HTMLTextAreaElement;
        area.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
        return steps.map((step) => {
          const init = { bubbles: true, cancelable: true };
          const event =
            typeof step !== "string"
              ? new KeyboardEvent("keydown", { ...init, ...step })
              : step === "keyup"
                ? new KeyboardEvent(step, { ...init, key: "Enter" })
                : new CompositionEvent(step, init);
          return !area.dispatchEvent(event);
        });
      }, order);
      expect([name, prevented]).toEqual([name, [false, false, false]]);
      expect(await ada.composer.inputValue()).toBe(`にほん ${name}`);
    }
    // A real composition: the letters are replaced by the word that Enter chooses.
    await ada.composer.fill("");
    for (const text of ["に", "にほ", "にほん"])
      await keys.send("Input.imeSetComposition", {
        text,
        selectionStart: text.length,
        selectionEnd: text.length,
      });
    await keys.send("Input.dispatchKeyEvent", {
      type: "rawKeyDown",
      key: "Enter",
      code: "Enter",
      windowsVirtualKeyCode: 229,
    });
    await keys.send("Input.insertText", { text: "日本" });
    expect(await ada.composer.inputValue()).toBe("日本");
    expect(await committed("write-ime")).toEqual([]);
    await ada.composer.press("Enter");
    await ada.sees("日本");
    await type(keys, "next");
    expect([await committed("write-ime"), await ada.composer.inputValue()]).toEqual([["日本"], "next"]);
    await ada.close();
  });

  test("an edit does not touch the draft, Escape goes back to it, and Undo works in both", async () => {
    const ada = await inRoom("ada", "write-edit");
    const { page, composer } = ada;
    await ada.say("first");
    await ada.sees("first");
    await composer.pressSequentially("my draft");
    await page.locator("[data-id='1']").hover();
    await page.locator("[data-id='1']").getByRole("button", { name: "Edit" }).click();
    // The keys go into the edit at once.
    await page.keyboard.type(" edited");
    expect(await composer.inputValue()).toBe("first edited");
    await page.keyboard.press("Control+z");
    expect(await composer.inputValue()).not.toContain("draft");
    await page.keyboard.press("Escape");
    expect(await composer.inputValue()).toBe("my draft");
    await page.keyboard.type("!");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await page.keyboard.press("Control+z");
    expect(await composer.inputValue()).toBe("my draft!");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");

    // An unfinished edit survives a reload, and the up arrow and fast typing do not mix with the draft.
    const keys = await cdp(page);
    await type(keys, ["ArrowUp", ..." again"]);
    await until(async () => (await composer.inputValue()) === "first again");
    await page.reload();
    await until(async () => (await composer.inputValue().catch(() => "")) === "first again");
    await composer.press("Enter");
    await ada.sees("first again");
    expect([await committed("write-edit"), await composer.inputValue()]).toEqual([["first again"], ""]);
    await ada.close();
  });

  test("a message can have no more characters than the server takes, and the field says so before it is sent", async () => {
    const ada = await inRoom("ada", "write-long");
    await ada.composer.fill("😀".repeat(3_900));
    await ada.page.getByText("100 characters left").waitFor();
    await ada.composer.fill("x".repeat(4_001));
    await ada.page.getByText("This message is 1 character too long.").waitFor();
    await ada.composer.press("Enter");
    expect((await ada.composer.inputValue()).length).toBe(4_001);
    await ada.composer.press("Backspace");
    await ada.page.getByText("0 characters left").waitFor();
    await ada.composer.press("Enter");
    await ada.page.getByText("characters left").waitFor({ state: "detached" });
    await until(async () => (await committed("write-long"))[0]?.length === 4_000);
    await ada.close();
  });
});

const enter = (fields: { isComposing: boolean; keyCode: number }) => ({ key: "Enter", ...fields });

const cdp = (page: Page): Promise<CDPSession> => page.context().newCDPSession(page);

/** Presses keys without waiting for the page between them, like a person does. */
async function type(keys: CDPSession, text: Iterable<string>, paceMs = 0): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (const one of text) {
    const key = one === "\n" ? "Enter" : one;
    const code = key === "Enter" ? 13 : key === "ArrowUp" ? 38 : key.toUpperCase().charCodeAt(0);
    const more = key.length === 1 ? { text: key } : key === "Enter" ? { text: "\r" } : {};
    const fields = { key, windowsVirtualKeyCode: code };
    sent.push(keys.send("Input.dispatchKeyEvent", { type: "keyDown", ...fields, ...more }));
    sent.push(keys.send("Input.dispatchKeyEvent", { type: "keyUp", ...fields }));
    if (paceMs > 0) await Bun.sleep(paceMs);
  }
  await Promise.all(sent);
}

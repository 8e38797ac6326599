import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { memoryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { photo, text } from "./filing.ts";
import { visit, type Visitor, visitRoom } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("sending files", () => {
  let browser: Browser;
  let server: TestServer;
  let proxy: Proxy;
  let ada: Person;
  beforeAll(async () => {
    server = await startTestServer({
      LOGIN_RATE: "0",
      MESSAGE_RATE: "0",
      BUDGETS: "0",
      FILE_MAX: "2MiB",
    });
    proxy = startProxy(server.port);
    [ada] = await Promise.all([register(server, "ada"), register(server, "ben")]);
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    proxy?.stop();
    await server?.stop();
  });

  interface Message {
    readonly content: string;
    readonly clientId: string;
    readonly files?: readonly { readonly name: string; readonly alt?: string; readonly width?: number }[];
  }
  const inRoom = async (name: string, room: string, url = server.url) => {
    await api(server, `POST /rooms/${room}/messages/`, { token: ada.token, body: { content: "hello" } });
    return visitRoom(browser, url, name, room);
  };
  const messages = async (room: string) =>
    (await api(server, `GET /history/${room}/?limit=100`, { token: ada.token })).body as Message[];
  /** The messages of the room that have files. */
  const filed = async (room: string) => (await messages(room)).filter(({ files }) => files);
  const picture = (seed: number, [width, height] = [400, 300]) => ({
    name: `picture-${seed}.png`,
    mimeType: "image/png",
    buffer: Buffer.from(photo(width ?? 0, height ?? 0, seed)),
  });
  const note = (name: string, content = "a note") => ({
    name,
    mimeType: "text/plain",
    buffer: Buffer.from(text(content)),
  });
  /** Noise, which the network cannot compress. */
  const large = (name: string, bytes = 1_500_000) => ({
    name,
    mimeType: "application/octet-stream",
    buffer: Buffer.from(
      crypto
        .getRandomValues(new Uint8Array(60_000))
        .toHex()
        .repeat(Math.ceil(bytes / 120_000)),
    ),
  });
  const pick = ({ page }: Visitor, ...files: ReturnType<typeof note>[]) =>
    page.locator("input[type='file'][multiple]").setInputFiles(files);
  const tray = ({ page }: Visitor) => page.locator(".tray li");
  const holds = (who: Visitor, count: number) => until(async () => (await tray(who).count()) === count);
  /** The names of the draft's files in the browser's database. */
  const stored = (page: Page) =>
    page.evaluate(
      () =>
        new Promise<number>((resolve, reject) => {
          const opening = indexedDB.open("parley files");
          opening.onerror = () => reject(opening.error);
          opening.onsuccess = () => {
            const database = opening.result;
            if (!database.objectStoreNames.contains("files")) return resolve(0);
            const count = database.transaction("files").objectStore("files").count();
            count.onsuccess = () => {
              database.close();
              resolve(count.result);
            };
          };
        }),
    );

  test("by the button, a paste and a drop: shown before, removed, described and sent with a text", async () => {
    const room = "send-ways";
    const who = await inRoom("ada", room);
    const { page } = who;
    const ben = await visitRoom(browser, server.url, "ben", room);
    await pick(who, picture(1), note("list.txt"));
    await holds(who, 2);
    await page.locator(".tray canvas").first().waitFor();
    await until(() =>
      page.locator(".tray canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).width > 100),
    );
    await page.getByRole("button", { name: "Remove list.txt" }).click();
    await holds(who, 1);

    // A real paste.
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const bytes = [...photo(200, 100, 2)];
    await page.evaluate(async (bytes) => {
      const blob = new Blob([new Uint8Array(bytes)], { type: "image/png" });
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    }, bytes);
    await who.composer.focus();
    await page.keyboard.press("ControlOrMeta+v");
    await holds(who, 2);

    // A real drop, with a folder among the files.
    const folder = memoryFolder();
    mkdirSync(join(folder.path, "a folder"), { recursive: true });
    writeFileSync(join(folder.path, "dropped.txt"), "dropped");
    const devtools = await page.context().newCDPSession(page);
    const drag = (type: "dragEnter" | "dragOver" | "drop") =>
      devtools.send("Input.dispatchDragEvent", {
        type,
        x: 600,
        y: 300,
        data: {
          items: [],
          files: [join(folder.path, "dropped.txt"), join(folder.path, "a folder")],
          dragOperationsMask: 1,
        },
      });
    await drag("dragEnter");
    await drag("dragOver");
    await page.getByText(`Drop files to send them to ${room}`).waitFor();
    await drag("drop");
    await holds(who, 3);
    await page.locator(".drop").waitFor({ state: "detached" });
    await page.getByText("Folders cannot be sent.").waitFor();

    await page.getByRole("button", { name: "Describe picture-1.png" }).click();
    await page.getByLabel("What it shows").fill("  A   boat ");
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("What it shows").press("Enter");
    await page.locator(".describing").waitFor({ state: "detached" });
    expect(await violations(page)).toEqual([]);
    await who.composer.fill("Three files");
    await who.composer.press("Enter");
    await holds(who, 0);
    await ben.page.getByRole("button", { name: "Open the picture: A boat" }).waitFor();
    await ben.page.locator(".file", { hasText: "dropped.txt" }).waitFor();
    expect(await filed(room)).toMatchObject([
      {
        content: "Three files",
        files: [
          { name: "picture-1.png", alt: "A boat", width: 400 },
          { width: 200 },
          { name: "dropped.txt" },
        ],
      },
    ]);
    // What was sent is kept no longer.
    await until(async () => (await stored(page)) === 0);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("picture-1");
    folder.remove();
    await who.close();
    await ben.close();
  });

  test("text that was copied with a picture of it is pasted as text", async () => {
    const who = await inRoom("ada", "send-office");
    await who.composer.focus();
    const isPrevented = await who.composer.evaluate((field) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", "a cell");
      clipboardData.setData("text/html", "<td>a cell</td>");
      clipboardData.items.add(new File(["x"], "image.png", { type: "image/png" }));
      const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
      return !field.dispatchEvent(paste);
    });
    expect(isPrevented).toBe(false);
    expect(await tray(who).count()).toBe(0);
    await who.close();
  });

  test("says at once what cannot be sent: too large, empty, too many", async () => {
    const who = await inRoom("ada", "send-limits");
    const { page } = who;
    const asked: string[] = [];
    page.on("request", (request) => request.method() === "PUT" && asked.push(request.url()));
    await pick(who, large("film.bin", 2_200_000), note("empty.txt", ""), note("fine.txt"));
    await holds(who, 1);
    await page
      .getByText("“film.bin” is too large. Files can have at most 2 MB. “empty.txt” is empty.")
      .waitFor();
    await pick(who, ...Array.from({ length: 10 }, (_, at) => note(`${at}.txt`)));
    await holds(who, 10);
    await page.getByText("A message can have 10 files at most.").waitFor();
    expect(asked).toEqual([]);
    await who.composer.press("Enter");
    await until(async () => (await filed("send-limits"))[0]?.files?.length === 10);
    await who.close();
  });

  test("shows progress, can be taken back and tried again, and nothing moves when it is committed", async () => {
    const room = "send-slow";
    const who = await inRoom("ada", room);
    const { page } = who;
    const devtools = await page.context().newCDPSession(page);
    const throttle = (uploadThroughput: number) =>
      devtools.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: 20,
        downloadThroughput: -1,
        uploadThroughput,
      });
    await throttle(150_000);
    await pick(who, picture(1, [300, 400]), large("slow.bin"));
    await holds(who, 2);
    await who.composer.fill("It takes a while");
    await who.composer.press("Enter");
    const row = page.locator(".said.waiting");
    const bar = page.getByRole("progressbar", { name: "Uploading slow.bin" });
    await until(async () => Number(await bar.getAttribute("value")) > 0.1);
    // A later text does not wait for it.
    await who.say("meanwhile");
    await who.sees("meanwhile");
    await row.getByRole("button", { name: "Do not send" }).click();
    const refused = page.locator(".refused");
    await refused.getByText("You took it back before it was sent.").waitFor();
    await refused.locator("canvas").waitFor();
    expect(await filed(room)).toEqual([]);
    await throttle(-1);
    const height = async (of: string) => Math.round((await page.locator(of).boundingBox())?.height ?? 0);
    const before = await height(".refused .files");
    await refused.getByRole("button", { name: "Try again" }).click();
    await page.locator("[data-id] .file", { hasText: "slow.bin" }).waitFor();
    expect(await height("[data-id] .files")).toBe(before);
    expect(await filed(room)).toMatchObject([{ content: "It takes a while" }]);
    await page.locator(".waiting, .refused").waitFor({ state: "detached" });
    await who.close();
  });

  test("survives a cut connection, and is stored and committed once", async () => {
    const room = "send-cut";
    const who = await inRoom("ada", room, proxy.url);
    const { page } = who;
    const puts: string[] = [];
    page.on("request", (request) => request.method() === "PUT" && puts.push(new URL(request.url()).pathname));
    await pick(who, large("cut.bin"));
    await holds(who, 1);
    // The browser itself repeats a request some times, if its connection was used before.
    let passed = 0;
    proxy.up = (_, size) => {
      passed += size;
      if (passed < 400_000 || puts.length > 1) return "pass";
      passed = 0;
      return "cut";
    };
    await who.composer.press("Enter");
    await until(async () => (await filed(room)).length === 1);
    proxy.up = () => "pass";
    expect(puts.length).toBeGreaterThanOrEqual(2);
    expect(new Set(puts).size).toBe(1);
    await page.locator("[data-id] .file", { hasText: "cut.bin" }).waitFor();
    expect((await filed(room)).length).toBe(1);
    await who.close();
  });

  test("continues after a reload under the same ids, and after the browser lost the answer", async () => {
    const room = "send-reload";
    const who = await inRoom("ada", room);
    const { page } = who;
    const puts: string[] = [];
    const posts: string[] = [];
    page.on("request", (request) => {
      if (request.method() === "PUT") puts.push(new URL(request.url()).pathname);
      if (request.method() === "POST") posts.push(request.postData() ?? "");
    });
    await page.route(/\/rooms\/.*\/files\//, () => {}); // never answered
    await pick(who, picture(1), note("list.txt"));
    await holds(who, 2);
    await who.composer.fill("after all");
    await who.composer.press("Enter");
    await until(() => puts.length === 2);
    await until(async () => (await stored(page)) === 2);
    await page.unrouteAll();
    // The message is committed, but the page never hears of it.
    let lost = 0;
    await page.route(/\/messages\//, async (route) => {
      if (lost++ > 0) return route.continue();
      await route.fetch();
    });
    await page.reload();
    await until(() => lost > 0);
    await until(async () => (await filed(room)).length === 1);
    await page.reload();
    await until(() => lost > 1);
    await page.locator("[data-id]", { hasText: "after all" }).locator(".picture").waitFor();
    await until(async () => (await stored(page)) === 0);
    expect(new Set(puts).size).toBe(2);
    expect(new Set(posts.filter((body) => body.includes("after all"))).size).toBe(1);
    expect(await filed(room)).toMatchObject([
      { content: "after all", files: [{ name: "picture-1.png" }, { name: "list.txt" }] },
    ]);
    await page.locator(".waiting, .refused").waitFor({ state: "detached" });
    await who.close();
  });

  test("another tab goes on with it if the one that began is closed", async () => {
    const room = "send-tabs";
    const who = await inRoom("ada", room);
    let asked = 0;
    await who.page.route(/\/rooms\/.*\/files\//, () => void asked++); // never answered
    await pick(who, note("list.txt"));
    await holds(who, 1);
    await who.composer.press("Enter");
    await who.page.locator(".said.waiting").waitFor();
    await until(async () => asked > 0 && (await stored(who.page)) === 1);
    // The other tab comes later, or it could be the first to send, and waits for its turn.
    const other = await who.page.context().newPage();
    await other.goto(`${server.url}/#/room/${room}`);
    await other.locator(".composer textarea").waitFor();
    await until(() =>
      other.evaluate(async () => {
        const { pending = [] } = await navigator.locks.query();
        return pending.some(({ name }) => name?.startsWith("parley sending"));
      }),
    );
    expect(await filed(room)).toEqual([]);
    await who.page.close();
    await until(async () => (await filed(room)).length === 1);
    await other.locator("[data-id] .file", { hasText: "list.txt" }).waitFor();
    await other.context().close();
  });

  test("a draft keeps its files over reloads, until the person removes them or signs out", async () => {
    const room = "send-draft";
    const who = await inRoom("ada", room);
    const { page } = who;
    await pick(who, picture(1), note("list.txt"));
    await holds(who, 2);
    await who.composer.fill("not yet");
    await until(async () => (await stored(page)) === 2);
    await page.reload();
    await holds(who, 2);
    await until(() =>
      page.locator(".tray canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).width > 100),
    );
    expect(await who.composer.inputValue()).toBe("not yet");
    // A browser that has lost the bytes.
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const opening = indexedDB.open("parley files");
          opening.onsuccess = () => {
            const transaction = opening.result.transaction("files", "readwrite");
            transaction.objectStore("files").clear();
            transaction.oncomplete = () => resolve(opening.result.close());
          };
        }),
    );
    await page.reload();
    await page.getByText("2 files of your draft are not in this browser any more.").waitFor();
    await holds(who, 0);
    await pick(who, note("again.txt"));
    await until(async () => (await stored(page)) === 1);
    await page.evaluate(() => void (location.hash = "#/account"));
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.locator(".sign").waitFor();
    await until(async () => (await stored(page)) === 0);
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("again.txt");
    await who.close();
  });

  test("says that a file is not there any more if it was moved before it could be kept", async () => {
    const room = "send-moved";
    const who = await inRoom("ada", room);
    const { page } = who;
    await page.addInitScript(() => {
      Object.defineProperty(window, "indexedDB", { value: undefined });
    });
    await page.reload();
    await who.composer.waitFor();
    const folder = memoryFolder();
    mkdirSync(folder.path, { recursive: true });
    writeFileSync(join(folder.path, "moved.txt"), "moved");
    await page.locator("input[type='file'][multiple]").setInputFiles(join(folder.path, "moved.txt"));
    await holds(who, 1);
    folder.remove();
    await who.composer.fill("with a file");
    await who.composer.press("Enter");
    const refused = page.locator(".refused", { hasText: "with a file" });
    await refused.getByText("A file is not there any more. Add it again.").waitFor();
    await refused.getByRole("button", { name: "Discard" }).click();
    await refused.waitFor({ state: "detached" });
    await who.close();
  });

  test("works without the browser's database, and says that the files do not outlive the page", async () => {
    const room = "send-memory";
    const who = await inRoom("ada", room);
    const { page } = who;
    await page.addInitScript(() => {
      Object.defineProperty(window, "indexedDB", { value: undefined });
    });
    await page.reload();
    await who.composer.waitFor();
    await pick(who, note("memory.txt"));
    await holds(who, 1);
    await page.getByText("This browser cannot keep the files.").waitFor();
    await who.composer.press("Enter");
    await until(async () => (await filed(room)).length === 1);
    await who.close();
  });

  test("on a phone, the camera is one way, and everything has 44 pixels", async () => {
    const room = "send-phone";
    await api(server, `POST /rooms/${room}/messages/`, { token: ada.token, body: { content: "hello" } });
    const context = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const who = await visit(browser, server.url, context);
    await who.signIn("ada");
    await who.enter(room);
    const { page } = who;
    await page.getByRole("button", { name: "Add files" }).tap();
    const choosing = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Take a photo" }).tap();
    const chooser = await choosing;
    expect(await chooser.element().getAttribute("capture")).toBe("environment");
    await chooser.setFiles([picture(1)]);
    await holds(who, 1);
    await page.getByRole("button", { name: "Add files" }).tap();
    const picking = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Choose files" }).tap();
    await (await picking).setFiles([picture(2), note("list.txt")]);
    await holds(who, 3);
    const small = await page.locator(".composer button, .composer textarea").evaluateAll((all) =>
      all
        .filter((node) => node.checkVisibility())
        .map((node) => node.getBoundingClientRect())
        .filter(({ width, height }) => width < 43.5 || height < 43.5),
    );
    expect(small).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Send" }).tap();
    await until(async () => (await filed(room))[0]?.files?.length === 3);
    await who.close();
  });
});

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page, Route } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { register } from "../support/people.ts";
import { startTestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { photo, post, text, tone } from "./filing.ts";
import { visit, type Visitor, visitRoom } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("files in messages", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(() => home?.server.stop());

  const inRoom = (name: string, room: string) => visitRoom(browser, home.server.url, name, room);
  const say = (room: string, content: string, ...files: Parameters<typeof post>[4][]) =>
    post(home.server, home.ben, room, content, ...files);
  /** Creates a room: files can be uploaded to rooms that are there. */
  const open = (room: string) => say(room, "Good morning");
  const picture = (seed = 1, [width, height] = [320, 240]) => ({
    name: `picture-${seed}.png`,
    bytes: photo(width ?? 0, height ?? 0, seed),
  });
  const isShown = ({ page }: Pick<Visitor, "page">, id: string | undefined) =>
    until(() =>
      page
        .locator(`[data-picture='${id}'] img`)
        .evaluateAll(
          ([image]) => image instanceof HTMLImageElement && image.complete && image.naturalWidth > 0,
        ),
    );
  /** Keeps what matches until the returned function is called. */
  const hold = async (page: Page, pattern: RegExp) => {
    const held: Route[] = [];
    let isHeld = true;
    await page.route(pattern, (route) => void (isHeld ? held.push(route) : route.continue()));
    return async () => {
      isHeld = false;
      for (const route of held) await route.continue();
    };
  };
  /** Where the messages on the screen are, and how high each is. */
  const layout = (page: Page) =>
    page.locator(".messages [data-id]").evaluateAll((rows) =>
      rows.map((row) => {
        const { top, height } = row.getBoundingClientRect();
        return `${(row as HTMLElement).dataset.id}: ${Math.round(top)}, ${Math.round(height)}`;
      }),
    );

  test("have their place before they are loaded: nothing moves, at the end and in the middle", async () => {
    const room = "files-still";
    for (let number = 1; number <= 30; number++)
      await (number % 3 === 0
        ? say(room, "", picture(number, number % 2 === 0 ? [900, 300] : [300, 700]))
        : say(room, `line ${number}`));
    const several = await say(room, "several", picture(1), picture(2), picture(3, [200, 900]), picture(4));
    const last = await say(room, "small", picture(5, [20, 20]));
    const ada = await visit(browser, home.server.url);
    const release = await hold(ada.page, /\/files\//);
    await ada.signIn("ada");
    await ada.enter(room);
    await ada.page.locator(`[data-picture='${last.files[0]}']`).waitFor();
    const before = await layout(ada.page);
    expect(before.length).toBeGreaterThan(20);
    await release();
    for (const id of [...several.files, ...last.files]) await isShown(ada, id);
    expect(await layout(ada.page)).toEqual(before);
    // What is further up is loaded when it comes near.
    const again = await hold(ada.page, /\/files\//);
    await ada.page.locator("[data-id='10']").evaluate((row) => row.scrollIntoView({ block: "start" }));
    await ada.page.locator("[data-id='9'] .picture").waitFor();
    await ada.page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    const middle = await layout(ada.page);
    await again();
    const near = ada.page.locator("[data-id='12'] .picture img");
    await until(() => near.evaluate((image) => (image as HTMLImageElement).naturalWidth > 0));
    expect(await layout(ada.page)).toEqual(middle);
    await ada.close();
  });

  test("are asked for in batches, and keep their addresses for a while", async () => {
    const room = "files-batch";
    await open(room);
    for (let number = 1; number <= 25; number++)
      await say(room, "", picture(number, [30, 20]), picture(100 + number, [30, 20]));
    await say(room, "", { name: "notes.txt", bytes: text("one") });
    const ada = await visit(browser, home.server.url);
    const asked: number[] = [];
    ada.page.on("request", (request) => {
      const ids = new URL(request.url()).searchParams.get("ids");
      if (ids) asked.push(ids.split(",").length);
    });
    await ada.signIn("ada");
    await ada.enter(room);
    await until(async () => (await ada.page.locator(".picture img").count()) === 50);
    expect(asked).toEqual([50]);
    await ada.enter("files-elsewhere");
    await ada.enter(room);
    await until(async () => (await ada.page.locator(".picture img").count()) === 50);
    expect(asked.length).toBeLessThanOrEqual(2);
    await ada.close();
  });

  test("ask once for another address if one fails, and say what became of them", async () => {
    const room = "files-renew";
    await open(room);
    const { files } = await say(room, "", picture(1));
    const ada = await visit(browser, home.server.url);
    const { page } = ada;
    let failures = 1;
    const asked: string[] = [];
    await page.route(/\/files\/[^/]+\/preview/, (route) =>
      failures-- > 0 ? route.fulfill({ status: 403, body: "{}" }) : route.continue(),
    );
    page.on("request", (request) => request.url().includes("ids=") && asked.push(request.url()));
    await ada.signIn("ada");
    await ada.enter(room);
    await isShown(ada, files[0]);
    expect(asked.length).toBe(2);

    failures = 2;
    await page.reload();
    await page.getByText("This could not be loaded.").waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await isShown(ada, files[0]);

    await page.route(/ids=/, (route) => route.fulfill({ json: [] }));
    await page.reload();
    await page.getByText("This file is no longer there.").waitFor();
    await ada.close();
  });

  test("are saved under their names, and say their kind and size", async () => {
    const room = "files-cards";
    await open(room);
    const given = [
      { name: "minutes.txt", bytes: text("Present: Ada") },
      { name: "plan.docx", bytes: Buffer.from("504b0304000000000000000000000000", "hex") },
    ];
    await say(room, "Two files", ...given);
    const ada = await inRoom("ada", room);
    const { page } = ada;
    await page.getByText("TXT · 12 bytes").waitFor();
    await page.getByText("DOCX · 16 bytes").waitFor();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download minutes.txt TXT · 12 bytes" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe("minutes.txt");
    expect(await Bun.file(await download.path()).text()).toBe("Present: Ada");
    await ada.close();
  });

  test("audio plays in its place, in ranges, and goes on when its address has ended", async () => {
    const room = "files-audio";
    await open(room);
    await say(room, "", { name: "tone.wav", bytes: tone(60) });
    const ada = await inRoom("ada", room);
    const { page } = ada;
    const audio = page.locator("audio");
    const at = () => audio.evaluate((element) => (element as HTMLAudioElement).currentTime);
    await until(() => audio.evaluate((element) => (element as HTMLAudioElement).readyState > 0));
    await audio.evaluate((element) => {
      const player = element as HTMLAudioElement;
      player.muted = true;
      player.currentTime = 30;
      return player.play();
    });
    await until(async () => (await at()) > 30);
    expect(await page.getByText("WAV · 469 KB").count()).toBe(1);
    await ada.close();
  });

  test("are named where there is no room for them: in quotes, in the list and to screen readers", async () => {
    const room = "files-named";
    await open(room);
    const { id } = await say(room, "", { ...picture(1), alt: "A boat on a lake" });
    const { body } = await api(home.server, `POST /rooms/${room}/messages/`, {
      token: home.ada.token,
      body: { content: "Lovely", replyTo: id },
    });
    expect(body).toMatchObject({ id: id + 1 });
    const ada = await inRoom("ada", room);
    const { page } = ada;
    await page.locator("[data-id='3'] .quote", { hasText: "Picture" }).waitFor();
    expect(await page.locator("[data-id='2']").getAttribute("aria-label")).toMatch(
      /^ben, .*: Picture: A boat on a lake$/,
    );
    await page.getByRole("button", { name: "Open the picture: A boat on a lake" }).waitFor();
    await say(room, "", picture(2), picture(3), { name: "a.txt", bytes: text("a") });
    await page
      .locator(".unseen [role='log'] p, [role='log'].unseen p", { hasText: "3 files: picture-2.png" })
      .waitFor();
    await page.locator(".line", { hasText: room }).getByText("3 files").waitFor();
    await ada.close();
  });

  test("disappear with their message, and with the messages of people whom one blocks", async () => {
    const room = "files-gone";
    await open(room);
    const first = await say(room, "", picture(1));
    const second = await say(room, "", picture(2));
    const cy = await inRoom("cy", room);
    const { page } = cy;
    await isShown(cy, second.files[0]);
    await api(home.server, `DELETE /rooms/${room}/messages/${first.id}/`, { token: home.ben.token });
    await page.locator(`[data-picture='${first.files[0]}']`).waitFor({ state: "detached" });
    await page.locator("[data-id='2'] .gone").waitFor();
    await api(home.server, "PUT /blocks/@ben/", { token: home.cy.token, body: {} });
    await page.reload();
    await page.locator(".folded").first().waitFor();
    expect(await page.locator(".picture").count()).toBe(0);
    await page.getByRole("button", { name: "Show it" }).last().click();
    await isShown(cy, second.files[0]);
    await cy.close();
  });

  test("open in a gallery of the whole conversation, with keys, and the focus comes back", async () => {
    const room = "files-gallery";
    await open(room);
    const ids = [
      ...(await say(room, "", { ...picture(1, [1600, 900]), alt: "First" })).files,
      ...(await say(room, "", { ...picture(2), alt: "Second" }, { ...picture(3), alt: "Third" })).files,
    ];
    const ada = await inRoom("ada", room);
    const { page } = ada;
    const dialog = page.getByRole("dialog", { name: "Pictures" });
    const shows = async (alt: string) => {
      await dialog.getByRole("img", { name: alt }).waitFor();
      await until(() =>
        dialog
          .getByRole("img", { name: alt })
          .evaluate((image) => (image as HTMLImageElement).naturalWidth > 0),
      );
    };
    await isShown(ada, ids[1]);
    await page.locator(`[data-picture='${ids[1]}']`).focus();
    await page.keyboard.press("Enter");
    await shows("Second");
    await dialog.getByText("2 of 3").waitFor();
    expect(await page.locator(".gallery:modal").count()).toBe(1);
    await page.keyboard.press("ArrowLeft");
    await shows("First");
    // The larger form is for the gallery only.
    expect(await dialog.getByRole("img").getAttribute("src")).toContain("/large/");
    expect(await page.locator(`[data-picture='${ids[0]}'] img`).getAttribute("src")).toContain("/preview/");
    expect(await dialog.getByRole("button", { name: "Previous picture" }).count()).toBe(0);
    await page.keyboard.press("End");
    await shows("Third");
    expect(await violations(page, ".gallery")).toEqual([]);
    await page.keyboard.press("+");
    await dialog.locator(".closer").waitFor();
    await page.keyboard.press("0");
    await dialog.locator(".closer").waitFor({ state: "detached" });
    const downloading = page.waitForEvent("download");
    await dialog.getByRole("button", { name: "Download picture-3.png" }).click();
    expect((await downloading).suggestedFilename()).toBe("picture-3.png");
    // A picture that is deleted while it is shown gives way to its neighbour.
    await api(home.server, `DELETE /rooms/${room}/messages/3/`, { token: home.ben.token });
    await shows("First");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.locator(`[data-picture='${ids[0]}']`).click();
    await shows("First");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.picture)).toBe(
      ids[0],
    );
    await ada.close();
  });

  test("on a phone: a tap opens the gallery, a finger swipes, Back closes it, and a finger that stays saves", async () => {
    const room = "files-phone";
    await open(room);
    const first = await say(room, "", { ...picture(1), alt: "First" });
    const second = await say(room, "", { ...picture(2), alt: "Second" });
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
    const ada = await visit(browser, home.server.url, { ...phone, reducedMotion: "reduce" });
    await ada.signIn("ada");
    await ada.enter(room);
    const { page } = ada;
    await isShown(ada, first.files[0]);
    const address = page.url();
    await page.locator(`[data-picture='${first.files[0]}']`).tap();
    const dialog = page.getByRole("dialog", { name: "Pictures" });
    await dialog.getByRole("img", { name: "First" }).waitFor();
    const devtools = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...points: (readonly [number, number])[]) =>
      devtools.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
    const swipe = async (across: number) => {
      await touch("touchStart", [195, 420]);
      for (let step = 1; step <= 6; step++) await touch("touchMove", [195 + (across * step) / 6, 422]);
      await touch("touchEnd");
    };
    await swipe(-150);
    await dialog.getByRole("img", { name: "Second" }).waitFor();
    await swipe(150);
    await dialog.getByRole("img", { name: "First" }).waitFor();
    // Two fingers enlarge.
    await touch("touchStart", [180, 420], [210, 420]);
    for (let step = 1; step <= 5; step++)
      await touch("touchMove", [180 - step * 15, 420], [210 + step * 15, 420]);
    await touch("touchEnd");
    await dialog.locator(".closer").waitFor();
    await page.goBack();
    await dialog.waitFor({ state: "detached" });
    expect(page.url()).toBe(address);

    const box = await page.locator(`[data-picture='${second.files[0]}']`).boundingBox();
    await touch("touchStart", [(box?.x ?? 0) + 40, (box?.y ?? 0) + 40]);
    const sheet = page.getByRole("dialog", { name: "Message actions" });
    await sheet.waitFor();
    await touch("touchEnd");
    expect(await dialog.count()).toBe(0);
    const downloading = page.waitForEvent("download");
    await sheet.getByRole("button", { name: "Download" }).tap();
    expect((await downloading).suggestedFilename()).toBe("picture-2.png");
    await ada.close();
  });

  test("axe-core finds no violation among them, and the names of pictures are printed", async () => {
    const room = "files-look";
    await open(room);
    await say(
      room,
      "All kinds",
      picture(1),
      picture(2),
      { name: "notes.txt", bytes: text("notes") },
      {
        name: "tone.wav",
        bytes: tone(1),
      },
    );
    const ada = await inRoom("ada", room);
    const { page } = ada;
    await page.locator(".picture img").nth(1).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ media: "print" });
    await page.locator(".printed", { hasText: "picture-2.png" }).waitFor();
    await ada.close();
  });
});

needs("chromium")("files of another origin", () => {
  test("are shown and played, and nothing else of it is allowed", async () => {
    const server = await startTestServer({ LOGIN_RATE: "0", FILES_ORIGIN: "https://files.example.com" });
    const ada = await register(server, "ada");
    await api(server, "POST /rooms/files-origin/messages/", { token: ada.token, body: { content: "hello" } });
    const { files } = await post(
      server,
      ada,
      "files-origin",
      "",
      { name: "a.png", bytes: photo(60, 40) },
      { name: "tone.wav", bytes: tone(1) },
    );
    const visitor = await visit(await sharedBrowser(), server.url);
    const { page } = visitor;
    await page.route(/^https:\/\/files\.example\.com\//, async (route) => {
      const { pathname, search } = new URL(route.request().url());
      const response = await fetch(server.url + pathname + search);
      await route.fulfill({
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: Buffer.from(await response.arrayBuffer()),
      });
    });
    await visitor.signIn("ada");
    await visitor.enter("files-origin");
    const image = page.locator(`[data-picture='${files[0]}'] img`);
    await until(() => image.evaluate((shown) => (shown as HTMLImageElement).naturalWidth > 0));
    const audio = page.locator("audio");
    await until(() => audio.evaluate((player) => (player as HTMLAudioElement).readyState > 0));
    await visitor.close();
    await server.stop();
  });
});

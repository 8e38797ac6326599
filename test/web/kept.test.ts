import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { violations } from "./axe.ts";
import { fill } from "./crowd.ts";
import { noDialog, visit, visitRoom } from "./visitor.ts";

setDefaultTimeout(4 * START_MS);

needs("chromium")("messages that are pinned or saved, on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(() => home?.server.stop());

  /** Does something with a message through its actions. */
  const act = async (page: Page, id: number, name: string) => {
    await page.locator(`[data-id='${id}']`).hover();
    await page.locator(`[data-id='${id}']`).getByRole("button", { name, exact: true }).click();
  };

  test("a moderator pins a message, everyone finds it in the list and goes there, and a deletion ends the pin", async () => {
    const { body } = await api(home.server, "POST /rooms/", {
      token: home.ada.token,
      body: { title: "Harbour", people: ["@ben"] },
    });
    const { room } = body as { room: string };
    const path = `/rooms/${encodeURIComponent(room)}`;
    await fill(home.server, room, [home.ben.token], 150);
    const [ada, ben] = [await visit(browser, home.server.url), await visit(browser, home.server.url)];
    for (const [visitor, name] of [
      [ada, "ada"],
      [ben, "ben"],
    ] as const) {
      await visitor.signIn(name);
      await visitor.page.locator(".line", { hasText: "Harbour" }).click();
      await visitor.page.locator("[data-id='151']").waitFor();
    }
    await act(ada.page, 150, "Pin in the room");
    await ben.page.locator(".notices", { hasText: "ada pinned a message" }).waitFor();
    await ben.page.getByRole("button", { name: "1 pinned message" }).waitFor();
    // Ben may not pin.
    await ben.page.locator("[data-id='151']").hover();
    await ben.page.locator("[data-id='151']").getByRole("button", { name: "Reply", exact: true }).waitFor();
    expect(await ben.page.getByRole("button", { name: "Pin in the room" }).count()).toBe(0);

    await api(home.server, `PUT ${path}/pins/3/`, { token: home.ada.token });
    await ben.page.getByRole("button", { name: "2 pinned messages" }).click();
    const dialog = ben.page.getByRole("dialog", { name: "Pinned messages" });
    await dialog.getByText("Message 1,").waitFor();
    const texts = await dialog.locator(".kept .text").allTextContents();
    expect(texts.map((text) => text.split(",")[0])).toEqual(["Message 1", "Message 148"]);
    expect(await violations(ben.page)).toEqual([]);
    // Far back, so it is loaded first.
    await dialog.getByRole("link", { name: "Go to the message" }).first().click();
    await noDialog(ben.page);
    await ben.page.locator("[data-id='3'].found").waitFor();

    await act(ada.page, 150, "Unpin");
    await ada.page.getByRole("button", { name: "1 pinned message" }).click();
    const own = ada.page.getByRole("dialog", { name: "Pinned messages" });
    await own.getByText("Message 1,").waitFor();
    await api(home.server, `DELETE ${path}/messages/3/`, { token: home.ben.token });
    await own.getByText("Nothing is pinned in this room.").waitFor();
    await ada.page.keyboard.press("Escape");
    await noDialog(ada.page);
    await ada.page.getByRole("button", { name: /pinned message/ }).waitFor({ state: "detached" });
    for (const visitor of [ada, ben]) await visitor.close();
  });

  test("a person saves messages for later, finds them in one list, goes there and removes them", async () => {
    const posted = async (room: string, content: string) =>
      api(home.server, `POST /rooms/${room}/messages/`, { token: home.ben.token, body: { content } });
    for (const room of ["kept-one", "kept-two"]) await posted(room, `something in ${room}`);
    const cy = await visitRoom(browser, home.server.url, "cy", "kept-one");
    await act(cy.page, 1, "Save for later");
    await cy.page.locator("[data-id='1'] .actions .on").waitFor();
    await cy.enter("kept-two");
    await act(cy.page, 1, "Save for later");
    await cy.page.locator("[data-id='1'] .actions .on").waitFor();
    // After a reload, the page knows what was saved.
    await cy.page.reload();
    await cy.page.locator("[data-id='1']").hover();
    await cy.page.getByRole("button", { name: "Remove from saved" }).waitFor();

    await cy.page.getByRole("link", { name: "Saved messages" }).click();
    await cy.page.getByRole("heading", { name: "Saved messages" }).waitFor();
    await cy.page.locator(".kept .text", { hasText: "kept-one" }).waitFor();
    expect(await cy.page.locator(".kept .text").allTextContents()).toEqual([
      "something in kept-two",
      "something in kept-one",
    ]);
    expect(await violations(cy.page)).toEqual([]);
    await cy.page.getByRole("button", { name: "Remove from saved" }).first().click();
    await cy.page.locator(".kept .text", { hasText: "kept-two" }).waitFor({ state: "detached" });
    await cy.page.getByRole("link", { name: "Go to the message" }).click();
    await cy.page.locator("[data-id='1'].found", { hasText: "something in kept-one" }).waitFor();
    // What is gone does not stay in the list.
    await api(home.server, "DELETE /rooms/kept-one/messages/1/", { token: home.ben.token });
    await cy.page.getByRole("link", { name: "Saved messages" }).click();
    await cy.page.getByText("You have not saved any messages yet.").waitFor();
    await cy.close();
  });
});

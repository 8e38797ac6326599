import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Browser } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { noDialog, visit, type Visitor } from "./visitor.ts";
import { violations } from "./axe.ts";

setDefaultTimeout(3 * START_MS);

needs("chromium")("people in rooms on the page", () => {
  let browser: Browser;
  let home: House;
  beforeAll(async () => {
    home = await ownHouse();
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await home?.server.stop();
  });

  const signedIn = async (name: string, options = {}) => {
    const visitor = await visit(browser, home.server.url, { reducedMotion: "reduce", ...options });
    await visitor.signIn(name);
    return visitor;
  };
  const line = ({ page }: Visitor, text: string) => page.locator(".line", { hasText: text });
  const press = ({ page }: Visitor, name: string) => page.getByRole("button", { name, exact: true }).click();
  const says = ({ page }: Visitor, text: string) => page.locator(".notices", { hasText: text }).waitFor();

  test("someone starts a private room with the keyboard; roles, mutes, archiving and removal show at once", async () => {
    await api(home.server, "POST /rooms/web-people/messages/", {
      token: home.ben.token,
      body: { content: "I am ben" },
    });
    await api(home.server, "POST /rooms/web-people/messages/", {
      token: home.ada.token,
      body: { content: "I am ada" },
    });
    const [ada, ben] = [await signedIn("ada"), await signedIn("ben")];
    const { page } = ada;
    await line(ada, "web-people").waitFor();
    await page.getByRole("button", { name: "New conversation" }).press("Enter");
    const field = page.getByRole("combobox", { name: "With" });
    // By the name of someone in the same room, and by a username that nobody has.
    await field.pressSequentially("be");
    await page.getByRole("option", { name: "ben @ben" }).waitFor();
    await page.keyboard.press("Enter");
    await field.pressSequentially("@nobody");
    await page.keyboard.press("Enter");
    await page.getByLabel("Title").fill("Garden");
    await page.keyboard.press("Enter");
    await page.getByText("names somebody who is not known here").waitFor();
    await field.press("Backspace");
    await field.pressSequentially("@cy");
    await page.keyboard.press("Enter");
    expect(await violations(page)).toEqual([]);
    await press(ada, "Start");
    await page.getByRole("heading", { name: "Garden" }).waitFor();
    await says(ada, "You created the room with ben and cy");

    await line(ben, "Garden").click();
    await says(ben, "ada created the room with you and cy");
    await page.getByRole("button", { name: "Room details" }).press("Enter");
    await press(ada, "Actions for ben");
    await press(ada, "Mute for an hour");
    await ben.page.locator(".silent", { hasText: "You are muted until" }).waitFor();
    expect(await ben.composer.count()).toBe(0);
    await press(ada, "Actions for ben");
    await press(ada, "Unmute");
    await ben.composer.waitFor();
    await press(ada, "Actions for ben");
    await press(ada, "Make moderator");
    await says(ben, "ada made you a moderator");
    await page.getByRole("dialog", { name: "Garden" }).getByLabel("Title").fill("Garden and house");
    await press(ada, "Save");
    await line(ben, "Garden and house").waitFor();
    const choice = (name: string) => page.getByRole("button", { name, exact: true, pressed: true });
    await choice("all messages").waitFor();
    await choice("moderators").waitFor();
    await press(ada, "only later messages");
    await choice("only later messages").waitFor();
    await press(ada, "all messages");
    await choice("all messages").waitFor();
    await press(ada, "Archive the room");
    await ben.page.getByText("This room is archived. Nobody can write in it.").waitFor();
    await press(ada, "Restore the room");
    await ben.composer.waitFor();
    expect(await violations(page)).toEqual([]);

    await page.getByText("Nobody is banned.").waitFor();
    await press(ada, "Actions for cy");
    await press(ada, "Ban");
    await page.getByRole("button", { name: "Unban cy" }).waitFor();
    await page.locator(".members li", { hasText: "By ada" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await press(ada, "Unban cy");
    await page.getByText("Nobody is banned.").waitFor();

    await press(ada, "Actions for ben");
    await press(ada, "Remove");
    await ben.page.getByRole("alert").getByText("You were removed from this room.").waitFor();
    await line(ben, "Garden").waitFor({ state: "detached" });
    await page.getByRole("combobox", { name: "Add people" }).pressSequentially("@ben");
    await page.keyboard.press("Enter");
    await press(ada, "Add");
    // The room is back in the list, and the conversation that was open goes on.
    await line(ben, "Garden and house").waitFor();
    await ben.composer.waitFor();

    await press(ada, "Leave room");
    await page.getByLabel("You are its last owner.").selectOption({ label: "ben" });
    await press(ada, "Leave");
    await line(ada, "Garden").waitFor({ state: "detached" });
    await says(ben, "ada left; you are an owner now");
    for (const visitor of [ada, ben]) await visitor.close();
  });

  test("someone joins by a link, reports a message and blocks its sender; a moderator deletes the message", async () => {
    const [ada, cy] = [
      await signedIn("ada"),
      await signedIn("cy", { viewport: { width: 390, height: 760 } }),
    ];
    await press(ada, "New conversation");
    await ada.page.getByLabel("Title").fill("Reading");
    await press(ada, "Start");
    await says(ada, "You created the room");
    await ada.say("Something rude");
    await press(ada, "Room details");
    await press(ada, "Create a link");
    const link = await ada.page.getByLabel("The new link").inputValue();

    await cy.page.evaluate((address) => void (location.href = address), link);
    await press(cy, "Join");
    await says(cy, "You joined");
    expect(await cy.page.evaluate(() => location.href)).not.toContain("join");
    await cy.page.locator("[data-id]", { hasText: "Something rude" }).click();
    await press(cy, "Report");
    await cy.page.getByLabel("Reason").fill("This is rude");
    expect(await violations(cy.page)).toEqual([]);
    await cy.page.getByRole("dialog").getByRole("button", { name: "Report" }).click();
    await noDialog(cy.page);
    await press(cy, "Room details");
    await press(cy, "Actions for ada");
    await press(cy, "Block");
    await cy.page.getByText("Owner · Blocked").waitFor();
    expect(await violations(cy.page)).toEqual([]);
    await press(cy, "Close the details");
    await cy.page.getByText("A message of someone whom you block.").waitFor();
    await press(cy, "Show it");
    await cy.sees("Something rude");

    // The open dialog shows reports when it is opened again.
    await press(ada, "Close the details");
    await press(ada, "Room details");
    await ada.page.getByText("Reason: This is rude").waitFor();
    await press(ada, "Delete the message");
    await ada.page.getByText("There are no open reports.").waitFor();
    await cy.page.locator(".gone").waitFor();

    await cy.page.evaluate(() => void (location.hash = "#/account"));
    await press(cy, "Unblock ada");
    await cy.page.getByText("You block nobody.").waitFor();
    for (const visitor of [ada, cy]) await visitor.close();
  });

  test("a direct conversation is called after the other person; it can be pinned, and hidden until they write", async () => {
    const [ada, ben] = [await signedIn("ada"), await signedIn("ben", { colorScheme: "dark" })];
    await press(ada, "New conversation");
    await ada.page.getByRole("combobox", { name: "With" }).fill("@ben");
    await ada.page.keyboard.press("Enter");
    await press(ada, "Start");
    await ada.page.getByRole("heading", { name: "ben" }).waitFor();
    await ada.say("Only for you");
    await line(ben, "ada: Only for you").getByRole("img", { name: "1 unread" }).waitFor();
    await line(ben, "Only for you").click();
    await ben.sees("Only for you");
    await ada.page.getByText("Seen", { exact: true }).waitFor();
    // Also if it was read before the page opened.
    await ada.page.reload();
    await ada.page.getByText("Seen", { exact: true }).waitFor();
    expect(await ben.page.title()).toContain("ada");
    await press(ben, "Room details");
    expect(await ben.page.getByRole("button", { name: "Leave room" }).count()).toBe(0);
    await press(ben, "Pin to the top");
    await line(ben, "Only for you").getByRole("img", { name: "Pinned" }).waitFor();
    await press(ben, "Hide until there is a new message");
    await line(ben, "Only for you").waitFor({ state: "detached" });
    await press(ben, "Close the details");
    await press(ben, "Show hidden rooms");
    await line(ben, "Only for you").waitFor();
    await press(ben, "Put hidden rooms away");
    await ben.page.evaluate(() => void (location.hash = "#/account"));
    await ada.say("And again");
    await line(ben, "And again").waitFor();
    for (const visitor of [ada, ben]) await visitor.close();
  });
});

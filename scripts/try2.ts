import { ownHouse } from "../test/support/house.ts";
import { startBrowser } from "../test/support/browser.ts";
import { visit } from "../test/web/visitor.ts";
const home = await ownHouse();
const browser = await startBrowser();
const ada = await visit(browser, home.server.url);
await ada.signIn("ada");
const { page } = ada;
page.setDefaultTimeout(6000);
page.on("console", (m) => console.log(m.text()));
page.on("response", (r) => r.status() >= 400 && console.log(r.status(), r.url()));
try {
  await page.getByRole("button", { name: "New conversation" }).press("Enter");
  const field = page.getByRole("combobox", { name: "With" });
  await field.pressSequentially("@ben");
  await page.keyboard.press("Enter");
  await field.pressSequentially("@nobody");
  await page.keyboard.press("Enter");
  await page.getByLabel("Title").fill("Garden");
  await page.keyboard.press("Enter");
  await page.getByText("names somebody who is not known here").waitFor();
  await field.press("Backspace");
  await field.pressSequentially("@cy");
  await page.keyboard.press("Enter");
  await page.screenshot({ path: "/tmp/pp/t1.png" });
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByRole("heading", { name: "Garden" }).waitFor();
} catch (e) {
  console.log(String(e).slice(0, 300));
}
await page.screenshot({ path: "/tmp/pp/t2.png" });
await browser.close();
await home.server.stop();
process.exit(0);

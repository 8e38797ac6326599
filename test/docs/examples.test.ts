import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { homedir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD } from "../support/people.ts";
import { freePort } from "../support/port.ts";
import { startTestServer } from "../support/server.ts";
import { paste } from "./paste.ts";
import { startShell } from "./shell.ts";
import { has, say, tabs } from "./tabs.ts";
import { checkOut } from "./checkout.ts";
import { blocksOf } from "./transcripts.ts";

// The examples as their reader uses them: copied to an empty home folder, with packages from the registry.

setDefaultTimeout(120_000);

const ROOT = join(import.meta.dir, "../..");
const blocksUnder = async (page: string, heading: string): Promise<string[]> =>
  blocksOf(await Bun.file(join(ROOT, "docs", page)).text())
    .filter((block) => block.kind === "sh" && block.heading === heading)
    .map(({ lines }) => lines.join("\n"));

/** Package managers, and how the commands of the documents look with each. */
const MANAGERS = {
  npm: (commands: string) => commands,
  bun: (commands: string) => commands.replace("npm install", "bun add").replace("npm start", "bun start"),
};

for (const manager of ["npm", "bun"] as const)
  needs("chromium", "TEST_REGISTRY")(`the examples in folders of their own, with ${manager}`, () => {
    const home = temporaryFolder();
    const { visit, close } = tabs();
    const settings = { BUN_INSTALL_CACHE_DIR: join(homedir(), ".bun/install/cache") };
    const within = (commands: string, cwd = home.path) =>
      paste(MANAGERS[manager](commands), { cwd, settings: { ...settings, HOME: home.path } });
    beforeAll(async () => {
      await checkOut(home.path, { installed: true });
    });
    afterEach(close);
    afterAll(() => home.remove());

    test("two people talk on the plain page, which any web server can serve", async () => {
      const [install = ""] = await blocksUnder("GETTING-STARTED.md", "A page of your own");
      await within(install.replace(/^mkdir .*$/m, "cp -r ~/parley/examples/page ~/my-page && cd ~/my-page"));
      const server = await startTestServer();
      const own = join(home.path, "my-page");
      const script = await Bun.file(join(own, "chat.js")).text();
      await Bun.write(join(own, "chat.js"), script.replace("http://127.0.0.1:3000", server.url));
      const files = Bun.serve({
        port: 0,
        reusePort: false,
        async fetch({ url }) {
          const file = Bun.file(join(own, new URL(url).pathname));
          return (await file.exists()) ? new Response(file) : new Response("", { status: 404 });
        },
      });
      const [ada, ben] = [await visit(`${files.url}index.html`), await visit(`${files.url}index.html`)];
      for (const [tab, name] of [
        [ada, "ada"],
        [ben, "ben"],
      ] as const) {
        await tab.getByLabel("Email").fill(`${name}@example.com`);
        await tab.getByLabel("Password").fill(PASSWORD);
        await tab.getByRole("button", { name: "Create an account" }).click();
        await has(tab, "main", `${name}: open`);
      }
      await say(ada, "Hello <b>Ben</b>");
      await has(ben, "#messages", "ada: Hello <b>Ben</b>");
      await ben.reload();
      await has(ben, "#messages", "ada: Hello <b>Ben</b>");
      await ben.getByRole("button", { name: "Log out" }).click();
      await ben.getByLabel("Email").fill("ben@example.com");
      await ben.getByLabel("Password").fill("not my password");
      await ben.getByRole("button", { name: "Log in" }).click();
      await ben.getByRole("alert").getByText("Invalid Credentials").waitFor();
      await files.stop(true);
      await server.stop();
    });

    test("buyer, seller and support talk in the shop, with the commands of docs/PRODUCT.md", async () => {
      const [make = "", serve = "", place = "", then = "", ...none] = await blocksUnder(
        "PRODUCT.md",
        "Try it",
      );
      expect(none).toEqual([]);
      const [port, chatPort] = [await freePort(), await freePort()];
      const here = (commands: string) => commands.replaceAll(":8000", `:${port}`);
      const [, install = "", start = ""] = /^(.*)\n(.*)$/s.exec(make) ?? [];
      await within(install);
      await using shop = startShell({
        ...settings,
        HOME: home.path,
        PORT: String(port),
        CHAT_URL: `http://127.0.0.1:${chatPort}`,
      });
      shop.type(`cd ~/shop && ${MANAGERS[manager](start)}`);
      await shop.shows("Listening on");
      const given = here(serve).matchAll(/\b([A-Z_]+)=(\S+)/g);
      const server = await startTestServer({
        ...Object.fromEntries([...given].map(([, name, value]) => [name, value])),
        PORT: String(chatPort),
      });

      await within(here(place));
      const [ada, ben, sue] = await Promise.all(
        ["buyer", "seller", "support"].map((person) => visit(`http://127.0.0.1:${port}/login/${person}`)),
      );
      if (!ada || !ben || !sue) throw new Error("somebody is missing");
      for (const tab of [ada, ben]) {
        await tab.getByRole("link", { name: "Order 7" }).click();
        await has(tab, "#state", "live");
      }
      await say(ada, "When does it come?");
      await has(ben, "li.message", "Ada Lovelace: When does it come?");

      const [enter = "", leave = "", ship = "", end = ""] = here(then).split("\n");
      await within(enter);
      await sue.getByRole("link", { name: "Order 7" }).click();
      await has(sue, "li.message", "Ada Lovelace: When does it come?");
      await within(leave);
      await has(ada, "li.notice", "Sue (support) left the conversation.");
      await within(ship);
      await has(ben, "li.message .card", "Order 7: shipped");
      await within(end);
      await has(ada, "li.notice", "This conversation is closed.");
      await server.stop();
    });
  });

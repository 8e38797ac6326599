import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { checkOut } from "../test/docs/checkout.ts";
import { REGISTRY } from "../test/docs/registry.ts";
import { startShell } from "../test/docs/shell.ts";
import { blocksOf } from "../test/docs/transcripts.ts";
import { startBrowser } from "../test/support/browser.ts";
import { temporaryFolder } from "../test/support/folder.ts";
import { freePort } from "../test/support/port.ts";
import { until } from "../test/support/until.ts";

// Follows docs/GETTING-STARTED.md up to a page on which two people talk, as its reader does: in an empty home folder with
// a clean checkout, no Bun, no packages and empty caches. Fails after five minutes. Reading and typing do not count.

const LIMIT_MS = 5 * 60_000;
const ROOT = join(import.meta.dir, "..");

const document = await Bun.file(join(ROOT, "docs/GETTING-STARTED.md")).text();
const blockOf = (heading: string, kind: string, at = 0): string => {
  const block = blocksOf(document).filter((one) => one.heading === heading && one.kind === kind)[at];
  if (!block) throw new Error(`the page has no block ${kind} ${at + 1} under ${heading}`);
  return `${block.lines.join("\n")}\n`;
};

const folder = temporaryFolder();
const home = folder.path;
await checkOut(home, { installed: false });
const [port, pagePort] = [await freePort(), await freePort()];
const here = (text: string) =>
  text.replaceAll("127.0.0.1:3000", `127.0.0.1:${port}`).replaceAll("8000", String(pagePort));
const settings = {
  ...REGISTRY,
  HOME: home,
  NPM_CONFIG_PREFIX: join(home, "npm"),
  PATH: `${join(home, "npm/bin")}:${process.env.PATH}`,
};

const terminals = [startShell({ ...settings, PORT: String(port) }), startShell(settings)] as const;
let browser: Browser | undefined;
const began = performance.now();
let before = began;
const done = (what: string) => {
  const now = performance.now();
  console.log(`${what}: ${((now - before) / 1000).toFixed(1)} s`);
  before = now;
};
const responds = (url: string) =>
  until(async () => (await fetch(url).catch(() => undefined))?.ok === true, LIMIT_MS);

try {
  const [server, terminal] = terminals;
  server.type(`cd ~/parley\n${blockOf("The server", "")}`);
  await responds(`http://127.0.0.1:${port}/healthz`);
  if (!(await Bun.file(join(home, "npm/bin/bun")).exists())) throw new Error("Bun was not installed");
  done("the server");

  const page = "A page of your own";
  const client = join(home, "my-page/node_modules/@parley-chat/client/index.js");
  terminal.type(blockOf(page, "sh"));
  await until(() => Bun.file(client).exists(), LIMIT_MS);
  done("the client");

  await Bun.write(join(home, "my-page/index.html"), here(blockOf(page, "html")));
  await Bun.write(join(home, "my-page/chat.js"), here(blockOf(page, "js")));
  terminal.type(here(blockOf(page, "sh", 1)));
  await responds(`http://localhost:${pagePort}`);
  browser = await startBrowser();
  const [ada, ben] = [await enter(browser, "ada"), await enter(browser, "ben")];
  await say(ada, "Is anybody there?");
  await sees(ben, "ada: Is anybody there?");
  await say(ben, "Yes, both of us");
  await sees(ada, "ben: Yes, both of us");
  done("a page on which two people talk");

  const took = performance.now() - began;
  if (took > LIMIT_MS) throw new Error("it took longer than five minutes");
  console.log(`${Math.round(took / 1000)} s from nothing to chat`);
} catch (error) {
  for (const { output } of terminals) console.error(`A terminal shows:\n${output}`);
  throw error;
} finally {
  await browser?.close();
  for (const terminal of terminals) await terminal[Symbol.asyncDispose]();
  folder.remove();
}

/** Opens the page as somebody new, and creates their account. */
async function enter(browser: Browser, name: string): Promise<Page> {
  const tab = await (await browser.newContext()).newPage();
  await tab.goto(`http://localhost:${pagePort}`);
  await tab.getByLabel("Email").fill(`${name}@example.com`);
  await tab.getByLabel("Password").fill("correct horse battery");
  await tab.getByRole("button", { name: "Create an account" }).click();
  return tab;
}

async function say(tab: Page, text: string): Promise<void> {
  await tab.getByLabel("Message").fill(text);
  await tab.getByRole("button", { name: "Send" }).click();
}

function sees(tab: Page, text: string): Promise<void> {
  return tab.getByText(text, { exact: true }).waitFor();
}

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { builtClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { house, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { hasNode, installedNode, NODE } from "../support/node.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { run } from "../support/run.ts";

setDefaultTimeout(3 * START_MS);

const ROOT = join(import.meta.dir, "../..");
/** A project that has the built package and `ws`. */
const project = temporaryFolder();

beforeAll(async () => {
  await builtClient();
  await cp(join(import.meta.dir, "runtimes"), project.path, { recursive: true });
  await mkdir(join(project.path, "node_modules/@parley-chat"), { recursive: true });
  await symlink(join(ROOT, "dist/client"), join(project.path, "node_modules/@parley-chat/client"));
  await symlink(join(ROOT, "node_modules/ws"), join(project.path, "node_modules/ws"));
});
afterAll(() => project.remove());

/** Whether the runtime can send files, and say how much of one was sent. */
type FileUse = "none" | "uncounted" | "counted";
const FILE = { name: "list.txt", alt: "What is in the cellar", size: 105_000, isWhole: true };

/**
 * Lets `talk` have the conversation of `runtimes/talk.mjs` through connections that keep breaking, in an account and a room
 * with this name. Checks that it saw exactly what the server has. Returns what it saw.
 */
async function converse(name: string, talk: (proxy: Proxy) => Promise<unknown>, files: FileUse = "counted") {
  const { server, ada } = await house();
  const proxy = startProxy(server.port);
  let chunks = 0;
  proxy.up = proxy.down = () => (++chunks % 19 === 0 ? "cut" : "pass");
  const saw = (await talk(proxy)) as { messages: unknown };
  const ids = Array.from({ length: 30 }, (_, n) => n + 1);
  expect(saw).toMatchObject({
    account: { username: name, email: `${name}@example.com` },
    acks: ids,
    received: ids,
    refused: "invalid",
    aborted: "never mind",
    around: [3, 4, 5, 6],
    ...(files !== "none" && { files: { ...FILE, ...(files === "counted" && { loaded: FILE.size }) } }),
    sessions: 1,
    rooms: [name],
    state: "open",
  });
  const { body } = await api(server, `GET /history/${name}/?limit=100`, { token: ada.token });
  expect(saw.messages).toEqual((body as { room: string }[]).map(({ room: _, ...message }) => message));
  expect(proxy.total).toBeGreaterThan(3);
  proxy.stop();
  return saw;
}

/** Has the conversation in a process, which must end by itself. */
async function inProcess(name: string, command: string[], files?: FileUse) {
  const talk = async (proxy: Proxy) => {
    const { stdout, stderr, code } = await run([...command, proxy.url, name], { cwd: project.path });
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    return JSON.parse(stdout);
  };
  return converse(name, talk, files);
}

const version = async (node: string) =>
  Number.parseInt((await run([node, "-p", "process.versions.node"], { cwd: "." })).stdout, 10);

/** CommonJS that creates a chat, and prints the error if there is one. */
const REQUIRED = `const { createChat } = require("@parley-chat/client");
  try { console.log(typeof createChat({ url: "http://127.0.0.1" }).room) } catch (error) { console.log(error.message) }`;

describe("the built client", () => {
  test("works in Bun", async () => {
    await inProcess("in_bun", [process.execPath, "process.mjs"]);
    const { stdout } = await run([process.execPath, "-e", REQUIRED], { cwd: project.path });
    expect(stdout).toBe("function\n");
  });

  const name = "works in Node 22, with import and require";
  test.if(hasNode)(hasNode ? name : `${name} (skipped: needs NODE)`, async () => {
    expect(await version(NODE)).toBeGreaterThanOrEqual(22);
    await inProcess("in_node", [NODE, "process.mjs"]);
    const { stdout, stderr } = await run([NODE, "-e", REQUIRED], { cwd: project.path });
    expect({ stdout, stderr }).toEqual({ stdout: "function\n", stderr: "" });
  });

  const bare = "works without anything that not every runtime has";
  test.if(hasNode)(hasNode ? bare : `${bare} (skipped: needs NODE)`, async () => {
    const flags = ["--experimental-vm-modules", "--no-warnings"];
    const saw = await inProcess("in_realm", [NODE, ...flags, "bare.mjs"], "none");
    const { lacks, closed } = saw as unknown as { lacks: string[]; closed: string };
    expect(closed).toBe("closed");
    expect(lacks).toEqual([
      "WebSocket",
      "Blob",
      "crypto",
      "document",
      "localStorage",
      "location",
      "navigator",
      "performance",
      "Promise.withResolvers",
      "Symbol.asyncDispose",
      "[].toSorted",
    ]);
  });

  needs("TEST_REGISTRY")("in other versions of Node", () => {
    const noWebSocket = "This runtime has no WebSocket. Add it, or pass it to createChat.";
    test.each([
      [20, noWebSocket],
      [24, "function"],
    ])("works in Node %d, with import and require", async (major, printed) => {
      const node = await installedNode(major);
      expect(await version(node)).toBe(major);
      await inProcess(`in_node${major}`, [node, "process.mjs"]);
      const { stdout, stderr } = await run([node, "-e", REQUIRED], { cwd: project.path });
      expect({ stdout, stderr }).toEqual({ stdout: `${printed}\n`, stderr: "" });
    });
  });
});

needs("chromium")("the built client in Chromium", () => {
  let site: Bun.Server<undefined>;
  let without: string;

  beforeAll(async () => {
    const here = join(import.meta.dir, "runtimes");
    without = await Bun.file(join(here, "without.js")).text();
    site = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      reusePort: false,
      fetch(request) {
        const { pathname } = new URL(request.url);
        const [, inPackage, name] = /^\/(client\/)?([\w.-]+js)$/.exec(pathname) ?? [];
        const file = join(inPackage ? join(ROOT, "dist/client") : here, name ?? "");
        if (name) return new Response(Bun.file(file), { headers: { "content-type": "text/javascript" } });
        return new Response("<!doctype html><title>A page</title>", {
          headers: { "content-type": "text/html" },
        });
      },
    });
  });
  afterAll(async () => site?.stop(true));

  async function onPage(name: string, act: (page: Page, url: string) => Promise<unknown>, script?: string) {
    const context = await (await sharedBrowser()).newContext();
    if (script) await context.addInitScript(script);
    const page = await context.newPage();
    page.on("pageerror", (error) => expect(error).toBeUndefined());
    await page.goto(site.url.href);
    await converse(
      name,
      (proxy) => act(page, proxy.url),
      name === "in_service_worker" ? "uncounted" : "counted",
    );
    await context.close();
  }

  const talkOnPage = (page: Page, url: string, name: string) =>
    page.evaluate(
      async ([url, name]) => {
        const [client, { talk }] = await Promise.all([
          import(`${location.origin}/client/index.js`),
          import(`${location.origin}/talk.mjs`),
        ]);
        return talk(client, { url, storage: localStorage }, name);
      },
      [url, name],
    );

  test("works on a page", () => onPage("on_page", (page, url) => talkOnPage(page, url, "on_page")));

  test("works on a page of a browser without what was added after 2022", () =>
    onPage(
      "on_old_page",
      async (page, url) => {
        expect(await page.evaluate(() => "withResolvers" in Promise || "any" in AbortSignal)).toBe(false);
        return talkOnPage(page, url, "on_old_page");
      },
      without,
    ));

  test.each(["worker", "service_worker"])("works in a %s", (kind) =>
    onPage(`in_${kind}`, (page, url) =>
      page.evaluate(
        async ({ kind, url, name }) => {
          const channel = new MessageChannel();
          const reply = new Promise<{ saw: unknown; error?: string }>(
            (resolve) => (channel.port1.onmessage = ({ data }) => resolve(data)),
          );
          const call = [{ url, name }, [channel.port2]] as [unknown, Transferable[]];
          if (kind === "worker") new Worker("/worker.js", { type: "module" }).postMessage(...call);
          else {
            const registration = await navigator.serviceWorker.register("/service-worker.js", {
              type: "module",
            });
            await navigator.serviceWorker.ready;
            registration.active?.postMessage(...call);
          }
          const { saw, error } = await reply;
          if (error) throw new Error(error);
          return saw;
        },
        { kind, url, name: `in_${kind}` },
      ),
    ),
  );
});

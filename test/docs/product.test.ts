import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { api } from "../support/api.ts";
import { builtClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { startProvider } from "../support/provider.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startProgram } from "./program.ts";
import { has, say, tabs } from "./tabs.ts";
import { blocksOf } from "./transcripts.ts";

setDefaultTimeout(2 * START_MS);

const CHAT_KEY = "the-key-of-the-backend";
const ROOT = join(import.meta.dir, "../..");
const blocks = blocksOf(await Bun.file(join(ROOT, "docs/PRODUCT.md")).text());

/** A copy of the example, with links in place of installed packages. */
const folder = temporaryFolder();
const product = join(folder.path, "product");

beforeAll(async () => {
  await builtClient();
  await cp(join(ROOT, "examples/product"), product, { recursive: true });
  const { dependencies } = await Bun.file(join(product, "package.json")).json();
  const link = async (target: string, name: string) => {
    const path = join(product, "node_modules", name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(ROOT, target), path);
  };
  for (const name of [...Object.keys(dependencies), "@types"]) await link(`node_modules/${name}`, name);
  await link("dist/client", "@parley-chat/client");
});
afterAll(() => folder.remove());

describe("the example product", () => {
  test("has no type errors with its own dependencies", async () => {
    const tsc = Bun.spawn([process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", product], {
      stdout: "pipe",
    });
    expect(await new Response(tsc.stdout).text()).toBe("");
    expect(await tsc.exited).toBe(0);
  });

  test("contains all code that docs/PRODUCT.md shows", async () => {
    const flush = (code: string) => code.replaceAll(/^ +/gm, "");
    const shown = blocks
      .filter(({ kind }) => kind === "ts" || kind === "tsx")
      .map(({ lines }) => flush(lines.join("\n")));
    const names = (await readdir(product)).filter((name) => /\.tsx?$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => flush(await Bun.file(join(product, name)).text())),
    );
    expect(shown.length).toBeGreaterThan(8);
    expect(shown.filter((code) => !files.some((file) => file.includes(code)))).toEqual([]);
  });
});

test("on a server the page renders, and nothing is requested", async () => {
  await Bun.write(
    join(product, "server.tsx"),
    `import { createChat } from "@parley-chat/client";
    import { ChatProvider } from "@parley-chat/client/react";
    import { renderToString } from "react-dom/server";
    import { Conversation } from "./Conversation.tsx";
    import { Conversations } from "./Conversations.tsx";
    globalThis.fetch = globalThis.WebSocket = function () { throw new Error("a request"); } as never;
    const chat = createChat({ url: "/", tokens: () => { throw new Error("a token"); } });
    console.log(renderToString(
      <ChatProvider chat={chat}><Conversations current="order-7" /><Conversation name="order-7" /></ChatProvider>,
    ));`,
  );
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "server.tsx"], { cwd: product });
  expect([stderr.toString(), exitCode]).toEqual(["", 0]);
  expect(stdout.toString()).toContain("<h2>Your conversations </h2><ul></ul>");
  expect(stdout.toString()).toContain('<p id="state">idle</p>');
});

test("the claim that docs/PRODUCT.md shows allows what the page says, and nothing else", async () => {
  const provider = await startProvider();
  const server = await startTestServer({ ...provider.settings, ROOM_ACCESS: "claims" });
  const [block] = blocks.filter(({ kind }) => kind === "json");
  const token = await provider.tokenOf("ada", JSON.parse(block?.lines.join("\n") ?? ""));
  const statuses = async (room: string) => [
    (await api(server, `POST /rooms/${room}/messages/`, { token, body: { content: "Hello" } })).status,
    (await api(server, `GET /history/${room}/`, { token })).status,
  ];
  expect(await statuses("help-7")).toEqual([201, 200]);
  expect(await statuses("news")).toEqual([403, 200]);
  expect(await statuses("staff")).toEqual([403, 403]);
  await server.stop();
  await provider.stop();
});

needs("chromium")("the example product in a browser", () => {
  const { visit, close } = tabs();
  let server: TestServer;
  let proxy: Proxy;
  let shop: Awaited<ReturnType<typeof startProgram>>;
  let url: string;
  const ask = (method: string, path: string) => fetch(`${url}${path}`, { method });
  /** Logs somebody in and opens a conversation, by default that of order 7. */
  const enter = async (person: string, room = "order-7"): Promise<Page> => {
    const tab = await visit(`${url}login/${person}`);
    await tab.goto(`${url}?room=${room}`);
    return tab;
  };
  const texts = async (tab: Page) =>
    (await tab.locator("li.message > span").allTextContents()).map((text) => text.trim());

  beforeAll(async () => {
    proxy = startProxy(0);
    shop = await startProgram([process.execPath, "backend.ts"], product, {
      PORT: "0",
      CHAT_URL: proxy.url,
      CHAT_KEY,
    });
    url = await shop.url();
    server = await startTestServer({
      AUTH_JWKS_URL: `${url}jwks.json`,
      AUTH_ISSUER: "https://shop.example.com",
      AUTH_AUDIENCE: "chat",
      ROOM_ACCESS: "members",
      REGISTRATION: "off",
      ADMIN_TOKEN: CHAT_KEY,
    });
    proxy.target = server.port;
    for (const [order, status] of [
      [7, 201],
      [7, 200],
      [8, 201],
    ] as const)
      expect((await ask("POST", `orders/${order}`)).status).toBe(status);
  });
  // What somebody has open elsewhere counts as read.
  afterEach(close);
  afterAll(async () => {
    await shop?.[Symbol.asyncDispose]();
    proxy?.stop();
    await server?.stop();
  });

  test("buyer and seller talk about their order, the shop posts once, and a lost connection loses nothing", async () => {
    const ada = await enter("buyer");
    const ben = await enter("seller");
    for (const tab of [ada, ben]) await has(tab, "#state", "live");

    await ada.getByLabel("Message").fill("When does it come?");
    await has(ben, "#typing", "Ada Lovelace …");
    await ada.getByRole("button", { name: "Send" }).click();
    await has(ben, "li.message", "Ada Lovelace: When does it come?");

    for (const status of [201, 200]) expect((await ask("POST", "orders/7/ship")).status).toBe(status);
    await has(ada, "li.message .card", "Order 7: shipped");

    proxy.refuse = true;
    proxy.cut();
    await has(ben, "#state", "offline");
    await say(ben, "Good");
    await has(ben, "li.waiting", "Good …");
    proxy.refuse = false;
    const all = [
      "Ada Lovelace: When does it come?",
      "parley: Your order is on its way. Order 7: shipped",
      "Bob's Shop & Co.: Good",
    ];
    for (const tab of [ada, ben]) {
      await has(tab, "li.message", "Bob's Shop & Co.: Good");
      expect(await texts(tab)).toEqual(all);
    }
  });

  test("support comes, sees what was said, and sees nothing more once it is gone", async () => {
    const ada = await enter("buyer");
    await say(ada, "Can somebody help?");
    const sue = await enter("support");
    await sue.getByRole("alert").getByText("You do not have permission to do this.").waitFor();
    expect((await ask("PUT", "orders/7/support")).status).toBe(200);
    await has(ada, "li.notice", "Sue (support) joined the conversation.");
    await has(sue, "li.message", "Ada Lovelace: Can somebody help?");
    await say(sue, "May I help?");
    await has(ada, "li.message", "Sue (support): May I help?");

    expect((await ask("DELETE", "orders/7/support")).status).toBe(200);
    await has(ada, "li.notice", "Sue (support) left the conversation.");
    await sue.getByRole("alert").first().waitFor();
    await say(ada, "Between us");
    await has(ada, "li.message", "Ada Lovelace: Between us");
    expect(await sue.getByText("Between us").count()).toBe(0);
    await sue.reload();
    await sue.getByRole("alert").getByText("You do not have permission to do this.").waitFor();
  });

  test("the seller's list has every conversation and what is unread, and follows what happens", async () => {
    const ben = await visit(`${url}login/seller`);
    await has(ben, "nav a", "Order 7");
    await has(ben, "nav a", "Order 8");
    await ben.getByRole("link", { name: "Order 7" }).click();
    await has(ben, "li.message", "Ada Lovelace: Between us");
    await ben.getByRole("link", { name: "Order 8" }).click();
    await ben.locator(".badge").waitFor({ state: "detached" });
    const ada = await enter("buyer");
    await say(ada, "Still there?");
    await has(ben, "nav li", "1 new");
    await has(ben, "nav h2", "1");
    await ben.getByRole("link", { name: "Order 7" }).click();
    await has(ben, "li.message", "Ada Lovelace: Still there?");
    await ben.locator(".unread").waitFor({ state: "detached" });
  });

  test("a message is reported, its sender blocked, and the shop deletes it", async () => {
    const ada = await enter("buyer");
    const ben = await enter("seller");
    await say(ben, "Pay me outside the shop");
    const line = ada.locator("li.message", { hasText: "Pay me outside the shop" });
    await line.getByRole("button", { name: "Report" }).click();
    await has(ada, "li.message", "Reported.");
    const reports = (await (await ask("GET", "reports")).json()) as {
      id: string;
      room: string;
      message: { id: number; content: string };
    }[];
    expect(reports.map(({ room, message }) => [room, message.content])).toEqual([
      ["order-7", "Pay me outside the shop"],
    ]);
    const [report] = reports;
    const path = `reports/${report?.id}/${report?.room}/${report?.message.id}`;
    expect((await ask("DELETE", path)).status).toBe(204);
    await has(ben, "li.message", "Bob's Shop & Co.: (deleted)");
    expect(await (await ask("GET", "reports")).json()).toEqual([]);

    await ada.locator("li.message", { hasText: "Good" }).getByRole("button", { name: "Block" }).click();
    await ada.getByText("A message of someone you block").first().waitFor();
    expect((await texts(ada)).filter((text) => text.startsWith("Bob"))).toEqual([]);
  });

  test("nobody enters the room of somebody else's order, and nobody gets a token without a login", async () => {
    const ada = await enter("buyer", "order-8");
    await ada.getByRole("alert").getByText("You do not have permission to do this.").waitFor();
    const ben = await enter("seller", "order-8");
    await has(ben, "#state", "live");
    expect((await fetch(`${url}chat/token`)).status).toBe(401);
  });

  test("while the shop has no tokens, the page says so, and goes on by itself once it has", async () => {
    const ben = await visit("about:blank");
    await ben.goto(`${url}login/seller`);
    await ben.route("**/chat/token", (route) => route.fulfill({ status: 502, body: "<h1>Bad gateway</h1>" }));
    await ben.goto(`${url}?room=order-7`);
    await has(ben, "body", "No connection. What you send is kept.");
    await say(ben, "Is this kept?");
    await has(ben, "li.waiting", "Is this kept? …");
    await ben.unroute("**/chat/token");
    await has(ben, "li.message", "Bob's Shop & Co.: Is this kept?");

    await ben.route("**/chat/token", (route) => route.fulfill({ status: 401, body: "Log in first." }));
    await ben.reload();
    await ben.getByRole("alert").getByText("Log in first.").waitFor();
  });

  test("a closed conversation can be read, and nobody can write in it", async () => {
    const ben = await enter("seller", "order-8");
    await has(ben, "#state", "live");
    expect((await ask("POST", "orders/8/close")).status).toBe(200);
    await has(ben, "li.notice", "This conversation is closed.");
    await ben.getByLabel("Message").waitFor({ state: "detached" });
  });

  test("a person who is erased is gone at once, with everything that they wrote", async () => {
    const ada = await enter("buyer");
    const ben = await enter("seller");
    await say(ada, "Where is it now?");
    await has(ben, "li.message", "Ada Lovelace: Where is it now?");
    for (const again of [false, true])
      expect([again, (await ask("DELETE", "people/buyer")).status]).toEqual([again, 200]);
    await ada.getByRole("alert").first().waitFor();
    await ben.getByText("Where is it now?").waitFor({ state: "detached" });
    expect(
      (await texts(ben)).filter((text) => text.startsWith("Ada Lovelace: ") && !text.endsWith("(deleted)")),
    ).toEqual([]);
  });
});

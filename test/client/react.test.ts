import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import type { Browser, Page as Tab } from "playwright-core";
import { createElement } from "react";
import { renderToPipeableStream, renderToReadableStream, renderToString } from "react-dom/server";
import { createChat } from "../../src/client/index.ts";
import { useChat } from "../../src/client/react/index.ts";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { type House, house, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import type { Person } from "../support/people.ts";
import { until } from "../support/until.ts";
import { type App, Page, SPEED } from "./react/app.tsx";

setDefaultTimeout(2 * START_MS);

declare global {
  var app: App;
  /** The frames that the page's sockets sent. */
  var sentFrames: string[];
}

/** A page on a server, where nothing may be requested. */
function serverPage(rooms: readonly string[]) {
  const never = () => {
    throw new Error("not on a server");
  };
  const chat = createChat({ url: "/", tokens: never, ports: { open: never, fetch: never } });
  return createElement(Page, { chat, rooms, list: true });
}

describe("on a server", () => {
  test("a page is rendered without a token, a socket or an error, in each way", async () => {
    const page = () => serverPage(["hall", "attic"]);
    const html = renderToString(page());
    expect(html).toContain("hall<!-- --> is <!-- -->idle");
    expect(html).toContain("nobody<!-- --> is <!-- -->idle<!-- -->, list <!-- -->idle");
    expect(await new Response(await renderToReadableStream(page())).text()).toBe(html);
    const piped = new PassThrough();
    renderToPipeableStream(page()).pipe(piped);
    expect(await text(piped)).toBe(html);
  });

  test("a component without a provider fails with what is missing", () => {
    const Lost = () => createElement("p", null, useChat().room("hall").name);
    expect(() => renderToString(createElement(Lost))).toThrow(
      "Hooks of the chat need a <ChatProvider chat={chat}> around their component.",
    );
  });
});

needs("chromium")("hooks in Chromium", () => {
  let browser: Browser;
  let home: House;
  let site: Bun.Server<undefined>;
  const tabs: Tab[] = [];
  /** Errors of the pages, and warnings of React. */
  const complaints: string[] = [];

  beforeAll(async () => {
    const built = await Bun.build({
      entrypoints: [join(import.meta.dir, "react/main.tsx")],
      target: "browser",
      define: { "process.env.NODE_ENV": '"development"' },
    });
    const script = (await built.outputs[0]?.text()) ?? "";
    site = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      reusePort: false,
      fetch(request) {
        const { pathname, searchParams } = new URL(request.url);
        if (pathname === "/main.js")
          return new Response(script, { headers: { "content-type": "text/javascript" } });
        const rooms = searchParams.get("rooms")?.split(",") ?? [];
        const html = searchParams.has("server") ? renderToString(serverPage(rooms)) : "";
        return new Response(
          `<!doctype html><meta charset="utf-8"><title>Chat</title><div id="root">${html}</div><script src="/main.js"></script>`,
          { headers: { "content-type": "text/html" } },
        );
      },
    });
    home = await house();
    browser = await sharedBrowser();
  });
  afterEach(async () => {
    await Promise.all(tabs.splice(0).map((tab) => tab.context().close()));
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(() => site?.stop(true));

  let rooms = 0;
  const newRoom = () => `hooks-${++rooms}`;

  /** Opens a page. */
  async function open(
    query: { readonly rooms?: readonly string[]; readonly list?: true; readonly server?: true } = {},
    { token } = home.ada,
  ): Promise<Tab> {
    const tab = await (await browser.newContext()).newPage();
    tabs.push(tab);
    tab.on("pageerror", (error) => void complaints.push(String(error)));
    tab.on("console", (line) => {
      if (line.type() === "error" || line.type() === "warning") complaints.push(line.text());
    });
    await tab.addInitScript(() => {
      globalThis.sentFrames = [];
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (data) {
        globalThis.sentFrames.push(String(data));
        send.call(this, data);
      };
    });
    const search = new URLSearchParams({ chat: home.server.url, token });
    if (query.rooms) search.set("rooms", query.rooms.join());
    for (const name of ["list", "server"] as const) if (query[name]) search.set(name, "");
    await tab.goto(`${site.url}?${search}`);
    return tab;
  }

  /** What the page sent about rooms: `join hall`. */
  const sent = async (tab: Tab, ...types: string[]): Promise<string[]> => {
    const frames = await tab.evaluate(() => globalThis.sentFrames);
    return frames
      .map((frame) => JSON.parse(frame) as { type: string; room?: string })
      .filter(({ type }) => types.includes(type))
      .map(({ type, room }) => `${type} ${room}`);
  };
  const has = (tab: Tab, content: string) => tab.getByText(content, { exact: true }).first().waitFor();
  const show = (tab: Tab, ...names: string[]) =>
    tab.evaluate((those) => globalThis.app.show(...those), names);
  const stateOf = (tab: Tab, name: string) =>
    tab.evaluate((room) => globalThis.app.chat.room(room).snapshot().state, name);
  const post = (room: string, content: string, { token } = home.ben) =>
    api(home.server, `POST /rooms/${room}/messages/`, { token, body: { content } });

  test("StrictMode mounts twice and joins once, and messages appear", async () => {
    const room = newRoom();
    const tab = await open({ rooms: [room] });
    await has(tab, `${room} is live`);
    await tab.getByRole("button", { name: `Send in ${room}` }).click();
    await has(tab, "ada: Hello");
    await post(room, "Good morning");
    await has(tab, "ben: Good morning");
    expect(await sent(tab, "join", "leave")).toEqual([`join ${room}`]);
  });

  test("two components share a room, and the last one to go leaves it after 10 seconds", async () => {
    const room = newRoom();
    const tab = await open({ rooms: [room, room] });
    await has(tab, `${room} is live`);
    await post(room, "Hello");
    await until(async () => (await tab.getByText("ben: Hello", { exact: true }).count()) === 2);
    await show(tab, room);
    await tab.waitForTimeout(12_000 / SPEED);
    expect(await stateOf(tab, room)).toBe("live");
    await show(tab);
    await show(tab, room);
    await show(tab);
    expect(await stateOf(tab, room)).toBe("live");
    await until(async () => (await stateOf(tab, room)) === "idle");
    expect(await sent(tab, "join", "leave")).toEqual([`join ${room}`, `leave ${room}`]);
  });

  test("switching rooms 100 times leaves nothing behind", async () => {
    const names = Array.from({ length: 30 }, newRoom);
    const tab = await open({ rooms: [names[0] ?? ""] });
    for (let turn = 1; turn <= 100; turn++) await show(tab, names[turn % names.length] ?? "");
    const last = names[100 % names.length] ?? "";
    await has(tab, `${last} is live`);
    const states = () =>
      tab.evaluate((those) => those.map((name) => globalThis.app.chat.room(name).snapshot().state), names);
    await until(async () => (await states()).filter((state) => state !== "idle").length === 1);
    const inside = new Map<string, number>();
    for (const frame of await sent(tab, "join", "leave")) {
      const [type, room = ""] = frame.split(" ");
      inside.set(room, (inside.get(room) ?? 0) + (type === "join" ? 1 : -1));
    }
    // Each was left as often as it was joined, except the one that is shown.
    expect([...inside].filter(([, times]) => times !== 0)).toEqual([[last, 1]]);
    expect(inside.size).toBe(names.length);
    await show(tab);
    await until(async () => (await states()).every((state) => state === "idle"));
  });

  test("replacing a component, as hot reloading does, keeps the room", async () => {
    const room = newRoom();
    const tab = await open({ rooms: [room] });
    await has(tab, `${room} is live`);
    await tab.evaluate(() => globalThis.app.replace());
    await post(room, "Still there?");
    await has(tab, "ben: Still there?");
    expect(await sent(tab, "join", "leave")).toEqual([`join ${room}`]);
  });

  test("a room that refuses the person shows its error, and another one is not affected", async () => {
    const { body } = await api(home.server, "POST /rooms/", {
      token: home.ben.token,
      body: { title: "Secret", clientId: crypto.randomUUID() },
    });
    const { room: secret } = body as { room: string };
    const room = newRoom();
    const tab = await open({ rooms: [secret, room] });
    await has(tab, `${secret} is out`);
    await tab.getByRole("alert").getByText("not_found").waitFor();
    await has(tab, `${room} is live`);
  });

  test("who is typing and who is there have names, and nothing else renders them", async () => {
    const room = newRoom();
    const tab = await open({ rooms: [room] });
    const other = await open({ rooms: [room] }, home.ben);
    await has(tab, `${room} is live`);
    await has(other, `${room} is live`);
    await has(tab, "2 ada,ben");
    const renders = () => tab.evaluate((name) => globalThis.app.rendered[`typing ${name}`], room);
    const before = (await renders()) ?? 0;
    for (const content of ["one", "two", "three"]) await post(room, content, home.cy);
    await has(tab, "cy: three");
    expect(await renders()).toBe(before);
    await other.evaluate((name) => globalThis.app.chat.room(name).typing(), room);
    await has(tab, "ben true");
  });

  test("the list, the person and the connection are there, and come back after a cut", async () => {
    const room = newRoom();
    await post(room, "Hello", home.cy);
    const tab = await open({ list: true }, home.cy);
    await has(tab, "cy is open, list live");
    await has(tab, `${room}: 0`);
    const me = await tab.evaluateHandle(() => globalThis.app.chat.me.snapshot());
    await tab.context().setOffline(true);
    await tab.context().setOffline(false);
    await has(tab, "cy is open, list live");
    expect(await tab.evaluate((before) => before === globalThis.app.chat.me.snapshot(), me)).toBe(true);
    expect(await sent(tab, "join")).toEqual([]);
  });

  test("mentions, threads and saved messages are lists that follow what happens", async () => {
    const post = async (person: Person, content: string, more: object = {}) => {
      const { body } = await api(home.server, "POST /rooms/kept/messages/", {
        token: person.token,
        body: { content, ...more },
      });
      return (body as { id: number }).id;
    };
    const root = await post(home.ben, "The root");
    const tab = await open({ list: true }, home.ben);
    await has(tab, "ben is open, list live");
    await post(home.cy, "Look, Ben", { mentions: ["@ben"] });
    await has(tab, "mention: Look, Ben");
    await post(home.cy, "A reply", { thread: root });
    await has(tab, "thread: The root");
    await tab.evaluate((id) => globalThis.app.chat.saved.add("kept", id), root);
    await has(tab, "saved: The root");
  });

  test("a page from the server is hydrated without a warning, and then lives", async () => {
    const room = newRoom();
    await post(room, "Hello");
    const tab = await open({ rooms: [room], list: true, server: true });
    await has(tab, "ben: Hello");
    await has(tab, "ada is open, list live");
    expect(await sent(tab, "join")).toEqual([`join ${room}`]);
  });
});

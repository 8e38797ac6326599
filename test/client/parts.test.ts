import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, rename } from "node:fs/promises";
import { join } from "node:path";
import { createChat } from "../../src/client/index.ts";
import { parts } from "../../src/client/parts.ts";
import { sharedBrowser } from "../support/browser.ts";
import { builtClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { hasNode, NODE } from "../support/node.ts";
import { run } from "../support/run.ts";
import { json, jwt } from "./rig.ts";

// Parts of the client that are loaded when they are first used.

setDefaultTimeout(2 * START_MS);

const ROOT = join(import.meta.dir, "../..");
const NOT_LOADED = { name: "ChatError", code: "not_loaded", retryable: true };
const MEMBER = { id: "u_ben", username: "ben", role: "member", joinedAt: "2026-11-24T12:00:00Z", version: 0 };

const createIdle = () =>
  createChat({
    url: "https://chat.example.com",
    tokens: () => jwt("token"),
    ports: { open: () => ({ send() {}, close() {} }), fetch: async () => json([MEMBER]) },
  });

describe("a part that cannot be loaded", () => {
  const load = parts.people;
  afterEach(() => void (parts.people = load));
  const breakIt = () => (parts.people = () => Promise.reject(new TypeError("Failed to fetch")));

  test("rejects what needs it with not_loaded, and the same call succeeds once it can be loaded", async () => {
    const chat = createIdle();
    const room = chat.room("hall");
    breakIt();
    const calls = [
      () => chat.create(),
      () => chat.sessions.endOthers(),
      () => room.invite({ expiresIn: 60 }),
      () => room.members.read(),
      () => chat.blocks.load(),
    ];
    for (const call of calls) expect(await call().catch((error) => error)).toMatchObject(NOT_LOADED);
    parts.people = load;
    expect((await room.members.read()).items).toMatchObject([MEMBER]);
    await chat.close();
  });

  test("shows in a list as its error, and the next subscriber makes it load", async () => {
    const chat = createIdle();
    const { members } = chat.room("hall");
    breakIt();
    const failed = new Promise<void>((resolve) => {
      const stop = members.subscribe(() => {
        stop();
        resolve();
      });
    });
    expect(members.snapshot()).toEqual({ items: [], more: true, error: undefined });
    await failed;
    expect(members.snapshot()).toMatchObject({ items: [], more: true, error: NOT_LOADED });

    parts.people = load;
    const loaded = new Promise<void>((resolve) => {
      const stop = members.subscribe(() => {
        if (members.snapshot().items.length === 0) return;
        stop();
        resolve();
      });
    });
    await loaded;
    expect(members.snapshot()).toEqual({ items: [MEMBER], more: false, error: undefined } as never);
    await chat.close();
  });

  test("is not loaded for a list whose only subscriber has left", async () => {
    const chat = createIdle();
    let loads = 0;
    parts.people = () => {
      loads++;
      return load();
    };
    chat.room("hall").members.subscribe(() => {})();
    expect(chat.room("hall").members.snapshot().items).toEqual([]);
    await chat.blocks.load();
    expect(loads).toBe(1);
    await chat.close();
  });
});

describe("the built client", () => {
  const project = temporaryFolder();
  let part = "";

  beforeAll(async () => {
    await builtClient();
    await cp(join(ROOT, "dist/client"), join(project.path, "client"), { recursive: true });
    part = [...new Bun.Glob("people-*.js").scanSync(join(project.path, "client"))][0] ?? "";
    await Bun.write(
      join(project.path, "use.mjs"),
      `import { ChatError, createChat } from "./client/index.js";
      export async function use() {
        const fetch = async () => Response.json({ code: "forbidden", retryable: false }, { status: 403 });
        const chat = createChat({ url: "http://127.0.0.1:1", tokens: () => "e30.e30.sig", ports: { fetch } });
        const error = await chat.create().catch((error) => error);
        return error instanceof ChatError ? error.code : String(error);
      }`,
    );
  });
  afterAll(() => project.remove());

  const runtimes: [string, string][] = [
    ["Bun", process.execPath],
    ...(hasNode ? [["Node", NODE] as [string, string]] : []),
  ];
  test.each(runtimes)(
    "finds its parts in %s once they are there, with the same ChatError",
    async (_, runtime) => {
      const program = `import { rename } from "node:fs/promises";
      import { use } from "./use.mjs";
      await rename("./client/${part}", "./client/away.js");
      console.log(await use());
      await rename("./client/away.js", "./client/${part}");
      console.log(await use());`;
      await Bun.write(join(project.path, "retry.mjs"), program);
      const { stdout, stderr } = await run([runtime, "retry.mjs"], { cwd: project.path });
      expect({ stdout, stderr }).toEqual({ stdout: "not_loaded\nforbidden\n", stderr: "" });
    },
  );

  test.each([
    ["in one file", { splitting: false, format: "esm" }],
    ["in one script of the old kind", { splitting: false, format: "iife" }],
    ["in several files", { splitting: true, format: "esm" }],
  ] as const)("can be bundled %s", async (_, options) => {
    await Bun.write(
      join(project.path, "main.mjs"),
      `import { use } from "./use.mjs"; use().then(console.log);`,
    );
    const outdir = join(project.path, `out-${options.splitting}-${options.format}`);
    await Bun.build({
      entrypoints: [join(project.path, "main.mjs")],
      target: "browser",
      minify: true,
      outdir,
      ...options,
    });
    await rename(join(project.path, "client"), join(project.path, "elsewhere"));
    const { stdout, stderr } = await run([process.execPath, "main.js"], { cwd: outdir });
    await rename(join(project.path, "elsewhere"), join(project.path, "client"));
    expect({ stdout, stderr }).toEqual({ stdout: "forbidden\n", stderr: "" });
  });

  needs("chromium")("in Chromium", () => {
    test("loads a part once the network is back", async () => {
      const site = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        reusePort: false,
        fetch(request) {
          const { pathname } = new URL(request.url);
          if (pathname === "/")
            return new Response("<!doctype html><title>A page</title>", {
              headers: { "content-type": "text/html" },
            });
          if (!pathname.endsWith("js")) return new Response(null, { status: 404 });
          return new Response(Bun.file(join(project.path, pathname)), {
            headers: { "content-type": "text/javascript" },
          });
        },
      });
      const context = await (await sharedBrowser()).newContext();
      const page = await context.newPage();
      await page.goto(site.url.href);
      const use = () =>
        page.evaluate(async () => (await import(`${location.origin}/use.mjs`)).use() as Promise<string>);
      await page.evaluate(() => import(`${location.origin}/use.mjs`));
      await page.route("**/people-*.js", (route) => route.abort());
      expect(await use()).toBe("not_loaded");
      await page.unroute("**/people-*.js");
      expect(await use()).toBe("forbidden");
      await context.close();
      await site.stop(true);
    });
  });
});

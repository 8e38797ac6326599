import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { compile } from "svelte/compiler";
import { render } from "svelte/server";
import { api } from "../support/api.ts";
import { sharedBrowser } from "../support/browser.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type House, house, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";

// The code of docs/CLIENT.md for Vue and Svelte, in a page of each.

setDefaultTimeout(2 * START_MS);

const ROOT = join(import.meta.dir, "../..");
const CLIENT = join(ROOT, "src/client/index.ts");
const project = temporaryFolder();

/** Returns the block of the document that begins with this comment. */
async function documented(name: string): Promise<string> {
  const text = await Bun.file(join(ROOT, "docs/CLIENT.md")).text();
  const [, code] = new RegExp(`^\`\`\`ts\\n// ${name}\\n(.*?)^\`\`\`$`, "ms").exec(text) ?? [];
  if (code === undefined) throw new Error(`docs/CLIENT.md has no ${name}`);
  return code;
}

const SVELTE = `
  <script>
    import { follow } from "./follow.ts";
    let { chat, name } = $props();
    const room = follow(chat.room(name));
    let shown = $state(true);
  </script>
  <button onclick={() => (shown = !shown)}>Switch</button>
  {#if shown}
    <h1>{room.current.state}</h1>
    {#each room.current.messages as { id, content } (id)}<p>{content}</p>{/each}
  {/if}
`;

const VUE = `
  import { createApp, createSSRApp, defineComponent, h, ref } from "vue";
  import { useStore } from "./useStore.ts";
  const Room = defineComponent({
    props: ["chat", "name"],
    setup({ chat, name }) {
      const room = useStore(chat.room(name));
      return () => [h("h1", room.value.state), room.value.messages.map(({ id, content }) => h("p", { key: id }, content))];
    },
  });
  const App = defineComponent({
    props: ["chat", "name"],
    setup(props) {
      const shown = ref(true);
      return () => [
        h("button", { onClick: () => (shown.value = !shown.value) }, "Switch"),
        shown.value && h(Room, props),
      ];
    },
  });
  export const app = (props, server = false) => (server ? createSSRApp : createApp)(App, props);
`;

const PAGE = `
  import { createChat } from "${CLIENT}";
  const { chat: url, token, name } = Object.fromEntries(new URLSearchParams(location.search));
  const speed = 10;
  const clock = {
    now: Date.now,
    monotonic: () => performance.now(),
    after(ms, task) {
      const timer = setTimeout(task, ms / speed);
      return () => clearTimeout(timer);
    },
  };
  globalThis.chat = createChat({ url, tokens: () => token, ports: { clock } });
  const props = { chat: globalThis.chat, name };
`;

beforeAll(async () => {
  const files: Record<string, string> = {
    "useStore.ts": await documented("useStore.ts"),
    "follow.ts": await documented("follow.ts"),
    "vue-app.js": VUE,
    "vue.js": `import { app } from "./vue-app.js"; ${PAGE} app(props).mount("#root");`,
    "svelte.js": `import { mount } from "svelte"; import App from "./App.js"; ${PAGE} mount(App, { target: document.getElementById("root"), props });`,
  };
  for (const generate of ["client", "server"] as const)
    files[generate === "client" ? "App.js" : "App.server.js"] = compile(SVELTE, { generate }).js.code;
  for (const [name, code] of Object.entries(files)) await Bun.write(join(project.path, name), code);
  await symlink(join(ROOT, "node_modules"), join(project.path, "node_modules"));
});
afterAll(() => project.remove());

/** A chat that fails if it is used. */
async function idleChat() {
  const { createChat } = await import("../../src/client/index.ts");
  const never = () => {
    throw new Error("not on a server");
  };
  return createChat({ url: "/", tokens: never, ports: { open: never, fetch: never } });
}

test("both render on a server, where they join nothing", async () => {
  const { renderToString } = await import("vue/server-renderer");
  const { app } = await import(join(project.path, "vue-app.js"));
  expect(await renderToString(app({ chat: await idleChat(), name: "hall" }, true))).toContain(
    "<h1>idle</h1>",
  );
  const { default: App } = await import(join(project.path, "App.server.js"));
  const { body } = render(App, { props: { chat: await idleChat(), name: "hall" } as never });
  expect(body).toContain("<h1>idle</h1>");
});

needs("chromium")("in Chromium", () => {
  let home: House;
  let site: Bun.Server<undefined>;

  beforeAll(async () => {
    const built = await Bun.build({
      entrypoints: ["vue.js", "svelte.js"].map((name) => join(project.path, name)),
      target: "browser",
      conditions: ["browser"],
      define: {
        "process.env.NODE_ENV": '"production"',
        __VUE_OPTIONS_API__: "false",
        __VUE_PROD_DEVTOOLS__: "false",
        __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
      },
    });
    const scripts = new Map(built.outputs.map((output) => [output.path.replace(/^.*\//, "/"), output]));
    site = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      reusePort: false,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        const script = scripts.get(pathname);
        if (script)
          return new Response(await script.text(), { headers: { "content-type": "text/javascript" } });
        return new Response(
          `<!doctype html><meta charset="utf-8"><div id="root"></div><script type="module" src="${pathname}.js"></script>`,
          { headers: { "content-type": "text/html" } },
        );
      },
    });
    home = await house();
  });
  afterAll(() => site?.stop(true));

  for (const name of ["vue", "svelte"])
    test(`${name} follows a room while it is shown, and leaves it after that`, async () => {
      const room = `in-${name}`;
      const context = await (await sharedBrowser()).newContext();
      const tab = await context.newPage();
      const problems: string[] = [];
      tab.on("pageerror", (error) => void problems.push(String(error)));
      const search = new URLSearchParams({ chat: home.server.url, token: home.ada.token, name: room });
      await tab.goto(`${site.url}${name}?${search}`);
      await tab.getByRole("heading", { name: "live" }).waitFor();
      const call = { token: home.ben.token, body: { content: "Good morning" } };
      await api(home.server, `POST /rooms/${room}/messages/`, call);
      await tab.getByText("Good morning").waitFor();
      await tab.getByRole("button").click();
      await tab.waitForFunction((those) => globalThis.chat.room(those).snapshot().state === "idle", room);
      await tab.getByRole("button").click();
      await tab.getByRole("heading", { name: "live" }).waitFor();
      await tab.getByText("Good morning").waitFor();
      expect(problems).toEqual([]);
      await context.close();
    });
});

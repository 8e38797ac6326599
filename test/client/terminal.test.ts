import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { api } from "../support/api.ts";
import { packedClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { house, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { hasNode, installedNode, NODE } from "../support/node.ts";
import { PASSWORD } from "../support/people.ts";
import { run } from "../support/run.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(3 * START_MS);

/** A fresh folder in which npm has installed the tarball, and another one in which Bun has. */
const home = temporaryFolder();
const [withNpm, withBun] = ["npm", "bun"].map((name) => join(home.path, name)) as [string, string];

const bunx = [process.execPath, "x", "--bun"];
/** `npx`, which runs the package with this Node. */
const npx = (node: string) => ({
  command: ["npx", "--offline"],
  env: { PATH: `${dirname(node)}:${process.env.PATH}` },
});

beforeAll(async () => {
  await mkdir(home.path, { recursive: true });
  const tarball = await packedClient(home.path);
  for (const folder of [withNpm, withBun]) await Bun.write(join(folder, "package.json"), "{}");
  const flags = ["--offline", "--no-audit", "--no-fund"];
  const npm = await run(["npm", "install", ...flags, tarball], { cwd: withNpm });
  expect({ npm: npm.code, output: npm.stderr }).toEqual({ npm: 0, output: "" });
  expect((await run([process.execPath, "add", tarball], { cwd: withBun })).code).toBe(0);
});
afterAll(() => home.remove());

async function asAda() {
  const { server, ada, ben } = await house();
  return { server, ada, ben, login: { PARLEY_EMAIL: ada.email, PARLEY_PASSWORD: PASSWORD } };
}

/** Sends a line through a pipe, and reads it back over HTTP. */
async function pipe(
  room: string,
  { command, env, cwd }: { command: string[]; env?: Record<string, string>; cwd: string },
) {
  const { server, ada, login } = await asAda();
  const line = `to ${room}`;
  const ended = await run([...command, "@parley-chat/client", server.url, room], {
    cwd,
    env: { ...login, ...env },
    stdin: `${line}\n`,
  });
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: "(connected as ada)\n" });
  const { body } = await api(server, `GET /history/${room}/`, { token: ada.token });
  expect((body as { content: string }[]).map(({ content }) => content)).toEqual([line]);
}

describe("the terminal client of the package", () => {
  test("chats with bunx", () => pipe("by-bunx", { command: bunx, cwd: withBun }));

  const node = "chats with npx in Node 22, and says how to call it";
  test.if(hasNode)(hasNode ? node : `${node} (skipped: needs NODE)`, async () => {
    await pipe("by-npx", { ...npx(NODE), cwd: withNpm });
    const { command, env } = npx(NODE);
    const wrong = await run([...command, "parley-chat"], { cwd: withNpm, env });
    expect(wrong).toMatchObject({
      code: 1,
      stderr: "Usage: parley-chat [--register] <url> <room>|@<username>\n",
    });
  });

  test.each([
    ["Node", NODE],
    ["Bun", process.execPath],
  ])(
    "at a terminal in %s, asks for email and password, shows what others say, and ends with Ctrl+C",
    async (_, runtime) => {
      const { server, ben } = await asAda();
      const room = `at-a-terminal-in-${_.toLowerCase()}`;
      let shown = "";
      const child = Bun.spawn([runtime, join(withNpm, "node_modules/.bin/parley-chat"), server.url, room], {
        cwd: withNpm,
        terminal: {
          cols: 80,
          rows: 24,
          data: (_terminal, bytes) => void (shown += new TextDecoder().decode(bytes)),
        },
      });
      const type = (text: string) => child.terminal?.write(text);
      await until(() => shown.includes("Email: "));
      type("ada@example.com\r");
      await until(() => shown.includes("Password: "));
      type(`${PASSWORD}\r`);
      await until(() => shown.includes("(connected as ada)"));
      await api(server, `POST /rooms/${room}/messages/`, {
        token: ben.token,
        body: { content: "Hello, Ada" },
      });
      await until(() => shown.includes("ben: Hello, Ada"));
      type("Hello, Ben\r");
      await until(() => shown.includes("ada: Hello, Ben"));
      type("\u0003");
      expect(await child.exited).toBe(0);
      expect(shown).not.toContain(PASSWORD);
    },
  );

  needs("TEST_REGISTRY")("in Node 20", () => {
    test("says that there is no WebSocket, and works with Node's own once that is turned on", async () => {
      const { command, env } = npx(await installedNode(20));
      const refused = await run([...command, "parley-chat", "http://127.0.0.1", "hall"], {
        cwd: withNpm,
        env,
      });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /^Node 20\.\d+\.\d+ has no WebSocket\. Use Node 22 or newer, or Bun; or set NODE_OPTIONS=--experimental-websocket\.\n$/,
      );
      const flag = { NODE_OPTIONS: "--experimental-websocket --no-warnings" };
      await pipe("by-npx-20", { command, env: { ...env, ...flag }, cwd: withNpm });
    });
  });
});

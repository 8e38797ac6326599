import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { dirname, join } from "node:path";
import { blocksOf } from "../docs/transcripts.ts";
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

const ROOT = join(import.meta.dir, "../..");
/** A folder with the packed client, and two projects: npm has installed it in one, and Bun in the other. */
const home = temporaryFolder();
const [withNpm, withBun] = ["npm", "bun"].map((name) => join(home.path, name)) as [string, string];

/** The commands that docs/CLIENT.md shows. */
const commands = blocksOf(await Bun.file(join(ROOT, "docs/CLIENT.md")).text()).filter(
  ({ kind }) => kind === "sh",
);
const [install = ""] = commands[0]?.lines ?? [];
const [byNpx = "", byBunx = ""] = commands[1]?.lines ?? [];

/** Puts a Node before all others. */
const withNode = (path: string) => ({ PATH: `${dirname(path)}:${process.env.PATH}` });

const shell = (line: string, cwd: string, env: Record<string, string>, stdin = "") =>
  run(["bash", "-c", line], { cwd, env: { npm_config_offline: "true", ...env }, stdin });

beforeAll(async () => {
  const tarball = await packedClient(home.path);
  for (const folder of [withNpm, withBun]) await Bun.write(join(folder, "package.json"), "{}");
  const line = install.replace("~/parley/dist", home.path);
  expect(line).toEndWith(tarball);
  const quiet = { npm_config_audit: "false", npm_config_fund: "false" };
  expect(await shell(line, withNpm, quiet)).toMatchObject({ code: 0, stderr: "" });
  expect((await run([process.execPath, "add", tarball], { cwd: withBun })).code).toBe(0);
});
afterAll(() => home.remove());

/** Runs a command that sends lines through a pipe, and returns what its room then has. */
async function pipe(
  command: string,
  cwd: string,
  env: Record<string, string>,
  stdin = "",
): Promise<string[]> {
  const { server, ada } = await house();
  const line = command.replace("https://chat.example.com", server.url);
  const login = { PARLEY_EMAIL: ada.email, PARLEY_PASSWORD: PASSWORD, token: ada.token };
  const { code, stderr } = await shell(line, cwd, { ...login, ...env }, stdin);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "(connected as ada)\n" });
  const { body } = await api(server, `GET /history/${command.split(" ").at(-1)}/`, { token: ada.token });
  return (body as { content: string }[]).map(({ content }) => content);
}

describe("the terminal client of the package", () => {
  test("sends what is piped to it, with bunx", async () => {
    expect(await pipe(byBunx, withBun, {})).toEqual(["Deployed"]);
  });

  const node = "sends what is piped to it, with npx in Node 22, and says how to call it";
  test.if(hasNode)(hasNode ? node : `${node} (skipped: needs NODE)`, async () => {
    expect(await pipe(byNpx, withNpm, withNode(NODE), "By npx\n")).toContain("By npx");
    expect(await shell("npx parley-chat", withNpm, withNode(NODE))).toMatchObject({
      code: 1,
      stderr: "Usage: parley-chat [--register] <url> <room>|@<username>\n",
    });
  });

  test.each([["Bun", process.execPath], ...(hasNode ? [["Node", NODE]] : [])])(
    "at a terminal in %s, asks for email and password, shows what others say, and ends with Ctrl+C",
    async (name = "", runtime = "") => {
      const { server, ada, ben } = await house();
      const room = `at-a-terminal-in-${name}`;
      let shown = "";
      const child = Bun.spawn([runtime, join(withNpm, "node_modules/.bin/parley-chat"), server.url, room], {
        cwd: withNpm,
        terminal: {
          cols: 80,
          rows: 24,
          data: (_, bytes) => void (shown += new TextDecoder().decode(bytes)),
        },
      });
      const type = (text: string) => child.terminal?.write(text);
      await until(() => shown.includes("Email: "));
      type(`${ada.email}\r`);
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
      const env = withNode(await installedNode(20));
      const refused = await shell("npx parley-chat http://127.0.0.1 hall", withNpm, env);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(
        /^Node 20\.\d+\.\d+ has no WebSocket\. Use Node 22 or newer, or Bun; or set NODE_OPTIONS=--experimental-websocket\.\n$/,
      );
      const flag = { NODE_OPTIONS: "--experimental-websocket --no-warnings" };
      expect(await pipe(byNpx, withNpm, { ...env, ...flag }, "In Node 20\n")).toContain("In Node 20");
    });
  });
});

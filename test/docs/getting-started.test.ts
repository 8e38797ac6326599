import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { api } from "../support/api.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { PASSWORD } from "../support/people.ts";
import { freePort } from "../support/port.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { startShell } from "./shell.ts";
import { checkOut } from "./checkout.ts";
import { blocksOf } from "./transcripts.ts";

setDefaultTimeout(2 * START_MS);

const ROOT = join(import.meta.dir, "../..");
const page = await Bun.file(join(ROOT, "docs/GETTING-STARTED.md")).text();
const readme = await Bun.file(join(ROOT, "README.md")).text();

/** A home folder that contains a checkout. */
const home = temporaryFolder();
let server: TestServer;

beforeAll(async () => {
  await checkOut(home.path, { installed: true });
  server = await startTestServer();
});
afterAll(async () => {
  await server?.stop();
  home.remove();
});

const here = (text: string) =>
  text
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${server.port}`)
    .replace("127.0.0.1/3000", `127.0.0.1/${server.port}`);
const blocksUnder = (heading: string) =>
  blocksOf(page)
    .filter((block) => block.heading === heading && block.kind === "sh")
    .map(({ lines }) => here(lines.join("\n")));
const shell = () => startShell({ HOME: home.path });

const history = async () => {
  const body = { email: "ada@example.com", password: PASSWORD };
  const { body: tokens } = await api(server, "POST /account/login/", { body });
  const { body: messages } = await api(server, "GET /history/lobby/", {
    token: (tokens as { access: string }).access,
  });
  return (messages as { username: string; content: string }[]).map(
    ({ username, content }) => `${username}: ${content}`,
  );
};

test("the README has the same command for starting the server", () => {
  const [line] = blocksOf(page).filter(({ heading }) => heading === "The server");
  expect(readme.split("\n")).toContain(line?.lines.join("\n") as string);
});

const PAGE = "A page of your own";
const fileOf = (kind: string) => {
  const [block] = blocksOf(page).filter((one) => one.kind === kind && one.heading === PAGE);
  return `${block?.lines.join("\n")}\n`;
};

test("the page of one's own is the one in examples/page", async () => {
  for (const [kind, file] of [
    ["html", "index.html"],
    ["js", "chat.js"],
  ] as const)
    expect(fileOf(kind)).toBe(await Bun.file(join(ROOT, "examples/page", file)).text());
});

test("the page of one's own is served with the packed client", async () => {
  await using terminal = shell();
  const [install = "", serve = "", ...none] = blocksUnder(PAGE);
  expect(none).toEqual([]);
  const own = join(home.path, "my-page");
  terminal.type(install);
  await until(() => Bun.file(join(own, "node_modules/@parley-chat/client/index.js")).exists(), START_MS);
  await Bun.write(join(own, "index.html"), fileOf("html"));
  await Bun.write(join(own, "chat.js"), here(fileOf("js")));
  const port = await freePort();
  terminal.type(serve.replace("--port=8000", `--port=${port}`));
  await terminal.shows(`:${port}`);
  const html = await (await fetch(`http://localhost:${port}/`)).text();
  expect(html).toContain("<title>The lobby</title>");
  const [, script = ""] = /src="([^"]+)"/.exec(html) ?? [];
  expect(await (await fetch(new URL(script, `http://localhost:${port}/`))).text()).toContain("createChat");
});

test("all commands by hand and in a program work when pasted", async () => {
  await using terminal = shell();
  const [register = "", post = "", read = "", open = "", say = "", ...none] = blocksUnder("By hand");
  expect(none).toEqual([]);
  terminal.type(register);
  terminal.type(post);
  await terminal.shows("HTTP/1.1 201 Created");
  terminal.type(read);
  await terminal.shows('"username":"ada","user":{"id":"u_');
  await terminal.shows('"id":1,"version":2');
  expect(await history()).toEqual(["ada: Hello, all"]);
  terminal.type(open);
  await terminal.shows("HTTP/1.1 101 Switching Protocols");
  terminal.type(say);
  await terminal.shows('"username":"ada","message":"Is anybody there?"');

  const [install = "", run = "", pipe = "", ...more] = blocksUnder("In a program");
  expect(more).toEqual([]);
  const [program] = blocksOf(page).filter(({ kind }) => kind === "ts");
  terminal.type(install);
  await until(
    () => Bun.file(join(home.path, "hello/node_modules/@parley-chat/client/index.js")).exists(),
    START_MS,
  );
  await Bun.write(join(home.path, "hello/hello.ts"), here(program?.lines.join("\n") ?? ""));
  terminal.type(run);
  await terminal.shows("ben: Good morning");
  await terminal.shows("messages so far");
  terminal.type(pipe);
  await terminal.shows("(connected as ada)");
  await until(async () => (await history()).length === 4);
  expect(await history()).toEqual([
    "ada: Hello, all",
    "ada: Is anybody there?",
    "ben: Good morning",
    "ada: Hello from a pipe",
  ]);
});

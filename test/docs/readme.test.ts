import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startShell } from "./shell.ts";
import { blocksOf } from "./transcripts.ts";

const readme = await Bun.file(join(import.meta.dir, "../../README.md")).text();
const { scripts } = (await import("../../package.json")).default;

describe("the README's first conversation works when pasted", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  const pasted = blocksOf(readme)
    .filter(({ kind, heading }) => kind === "sh" && heading === "A first conversation")
    .map(({ lines }) => lines.join("\n"));

  test("it has one block for Ben's terminal and three for Ada's", () => {
    expect(pasted).toHaveLength(4);
    for (const commands of pasted) expect(commands).toContain("127.0.0.1:3000");
  });

  test("Ben receives Ada's message, and Ada reads Ben's reply", async () => {
    const [enter = "", register = "", say = "", read = ""] = pasted.map((commands) =>
      commands.replaceAll("127.0.0.1:3000", `127.0.0.1:${server.port}`),
    );
    await using ben = startShell();
    await using ada = startShell();
    ben.type(enter);
    await ben.shows("You are in the room lobby.");
    ada.type(register);
    ada.type(say);
    await ada.shows('"id":1,"version":1,"room":"lobby"');
    await ben.shows("ada: Good morning, Ben");
    ben.type("Good morning, Ada");
    await ben.shows("ben: Good morning, Ada");
    ada.type(read);
    await ada.shows('"content":"Good morning, Ada"');
  }, 30_000);
});

describe("the README is correct", () => {
  test("every `bun run` in it names a script of package.json", () => {
    const named = [...readme.matchAll(/bun run ([\w:-]+)/g)].map(([, script = ""]) => script);
    expect(named).toContain("server");
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startShell } from "./shell.ts";
import { blocksOf } from "./transcripts.ts";

const readme = await Bun.file(join(import.meta.dir, "../../README.md")).text();
const { scripts } = (await import("../../package.json")).default;

describe("the README's first conversation works as it is pasted", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.stop());

  const pasted = blocksOf(readme)
    .filter(({ kind, heading }) => kind === "sh" && heading === "A first conversation")
    .map(({ lines }) => lines.join("\n"));

  test("it has Ben's terminal, and three things that Ada does in hers", () => {
    expect(pasted).toHaveLength(4);
    for (const commands of pasted) expect(commands).toContain("127.0.0.1:3000");
  });

  test("Ben hears Ada, Ada reads what Ben answers", async () => {
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
    await ada.shows('"username":"ben","content":"Good morning, Ada"');
  }, 30_000);
});

describe("what the README says is so", () => {
  test("the lines that run, test and build it are scripts of the project, or Bun's own", () => {
    const named = [...readme.matchAll(/bun run ([\w:-]+)/g)].map(([, script = ""]) => script);
    expect(named).toContain("server");
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

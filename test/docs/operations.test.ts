import { describe, expect, test } from "bun:test";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createMetrics } from "../../src/metrics.ts";
import { SECURITY_EVENTS } from "../../src/security.ts";
import { api } from "../support/api.ts";
import { postgresDatabase } from "../support/database.ts";
import { temporaryFolder } from "../support/folder.ts";
import { needs } from "../support/needs.ts";
import { PASSWORD, register } from "../support/people.ts";
import { dataFolder, runParley, startParley } from "../support/process.ts";
import { blocksOf, tableOf } from "./transcripts.ts";

const ROOT = join(import.meta.dir, "../..");
const page = await Bun.file(join(ROOT, "docs/OPERATIONS.md")).text();

const sources = await Promise.all(
  [...new Bun.Glob("**/*.ts").scanSync(join(ROOT, "src"))].map((path) =>
    Bun.file(join(ROOT, "src", path)).text(),
  ),
);

/** A line that the source can log, as found in its code. */
interface Line {
  readonly level: string;
  readonly event: string | undefined;
  readonly fields: readonly string[];
  /** Its text, with `…` for interpolated values. */
  readonly message: string | undefined;
}

/** Matches `log.warn({ event: "x", … }, "text")` and `log.info("text")`. */
const CALL =
  /\.(info|warn|error|fatal)\(\s*(?:\{((?:[^{}]|\{[^}]*\})*)\},\s*)?(?:"([^"]+)"|`([^`]+)`|(event)),?\s*\)/g;

const lines = sources.flatMap((source) =>
  [...source.matchAll(CALL)].flatMap(([, level = "", object = "", text, template, name]): Line[] => {
    const keys = [...object.replace(/\([^()]*\)/g, "").matchAll(/(?:^|,)\s*(\w+)/g)].map(
      ([, key = ""]) => key,
    );
    const event = /event: "(\w+)"/.exec(object)?.[1];
    const fields = keys.filter((key) => key !== "event");
    const one = (message: string | undefined) => ({ level, event, fields, message });
    // main.ts logs both crashes by the name of the process event.
    if (name) return ["uncaughtException", "unhandledRejection"].map(one);
    return [one(text ?? template?.replaceAll(/\$\{[^}]*\}/g, "…"))];
  }),
);

describe("docs/OPERATIONS.md matches the source", () => {
  test("every metric is in the table, with its type and labels", async () => {
    const metrics = createMetrics();
    metrics.watchQueue(() => 0);
    const shown = (await metrics.registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]);
    expect(tableOf(page, "Metrics").map(([name, type]) => [name, type])).toEqual(
      expect.arrayContaining(shown),
    );
    expect(tableOf(page, "Metrics")).toHaveLength(shown.length);
    for (const [name = "", , label = ""] of tableOf(page, "Metrics")) {
      const { labelNames } = metrics.registry.getSingleMetric(name) as unknown as { labelNames: string[] };
      expect([name, ...labelNames]).toEqual([name, ...(label ? [label] : [])]);
    }
  });

  test("every logged event is in the table, with its level and fields", () => {
    const logged = new Map<string, Set<string>>();
    for (const { level, event, fields } of lines) {
      if (event === undefined) continue;
      const all = logged.get(`${event} ${level}`) ?? new Set();
      logged.set(`${event} ${level}`, all);
      for (const field of fields) all.add(field);
    }
    const table = tableOf(page, "The log").map(([event, level, fields = ""]) => [
      `${event} ${level}`,
      new Set(fields.replace(", over HTTP", "").split(" ").filter(Boolean)),
    ]);
    expect(new Map(table as [string, Set<string>][])).toEqual(logged);
  });

  test("every event of the security log is in its table, with its level", () => {
    const events = Object.entries(SECURITY_EVENTS).map(([event, { level }]) => [event, level]);
    expect(tableOf(page, "The security log").map(([event, level]) => [event, level])).toEqual(events);
  });

  test("every line without an event is in the other table, with its level", () => {
    const rows = tableOf(page, "Lines without an event").flatMap(([messages = "", level]) =>
      messages.split(/, (?=\w+$)/).map((message) => ({ message, level })),
    );
    const isRow = (line: Line) => {
      const form = (line.message ?? "").split("…").map(RegExp.escape).join(".+");
      return rows.find(({ message, level }) => level === line.level && new RegExp(`^${form}$`).test(message));
    };
    const plain = lines.filter(({ event }) => event === undefined);
    expect(plain.filter((line) => !isRow(line))).toEqual([]);
    expect(rows.filter((row) => !plain.some((line) => isRow(line) === row))).toEqual([]);
  });

  test("every command is in the table, with its arguments", async () => {
    const { stdout } = await runParley(["--help"]);
    const commands = [...stdout.matchAll(/^ {2}([a-z]\S*(?: \S+)*) {2}/gm)].map(([, command]) => command);
    const table = tableOf(page, "Commands").map(([command]) =>
      command?.split(", ").at(-1)?.replace("parley ", ""),
    );
    expect(table.sort()).toEqual(commands.sort());
  });
});

/** Returns the block under a heading that begins with `begins`. */
const pasted = (heading: string, begins: string) =>
  blocksOf(page)
    .filter((block) => block.heading === heading && block.kind === "sh")
    .map(({ lines }) => lines.join("\n"))
    .find((commands) => commands.startsWith(begins)) ?? "";

/** Backs up a database with one message, posts a second one, restores, and expects only the first, with a new epoch. */
async function backUpAndRestore(settings: Record<string, string>, backUp: string, restore: string) {
  const folder = temporaryFolder();
  await mkdir(folder.path, { recursive: true });
  const program = `${process.execPath} ${join(ROOT, "src/main.ts")}`;
  await Bun.write(join(folder.path, "parley"), `#!/bin/sh\nexec ${program} "$@"\n`);
  await chmod(join(folder.path, "parley"), 0o755);
  const paste = async (commands: string) => {
    expect(commands).not.toBe("");
    const env = { ...settings, PATH: `${folder.path}:${process.env.PATH}` };
    const shell = Bun.spawn(["bash", "-ec", commands], {
      env,
      cwd: folder.path,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [, stderr] = await Promise.all([
      new Response(shell.stdout).text(),
      new Response(shell.stderr).text(),
    ]);
    expect([await shell.exited, stderr]).toEqual([0, expect.any(String)]);
  };
  /** Starts the server, logs in or registers, posts `content` if given, and returns all messages and the epoch. */
  const visit = async (content?: string) => {
    const server = await startParley({ ...settings, LOGIN_RATE: "0" });
    const body = { email: "ada@example.com", password: PASSWORD };
    const login = await api(server, "POST /account/login/", { body });
    const token =
      login.status === 200
        ? (login.body as { access: string }).access
        : (await register(server, "ada")).token;
    if (content) await api(server, "POST /rooms/hall/messages/", { token, body: { content } });
    const history = await api(server, "GET /history/hall/", { token });
    expect((await server.end()).code).toBe(0);
    return {
      contents: (history.body as { content: string }[]).map((message) => message.content),
      epoch: history.headers.get("parley-epoch"),
    };
  };

  await visit("before");
  await paste(backUp);
  const late = await visit("after");
  expect(late.contents).toEqual(["before", "after"]);
  await paste(restore);
  const restored = await visit();
  expect(restored.contents).toEqual(["before"]);
  expect(restored.epoch).not.toBe(late.epoch);
  folder.remove();
}

describe("a backup made and restored with the page's commands", () => {
  test("of an embedded database has the old messages and a new epoch", async () => {
    const folder = await dataFolder();
    await backUpAndRestore(
      { DATA_DIR: folder.path },
      pasted("Backups and restores", "parley backup"),
      pasted("After a restore", "rm"),
    );
    folder.remove();
  }, 60_000);
});

needs("TEST_DATABASE_URL")("a Postgres backup made and restored with the page's commands", () => {
  test("has the old messages and a new epoch", async () => {
    const database = await postgresDatabase();
    await backUpAndRestore(
      { DATABASE_URL: database.env.DATABASE_URL ?? "" },
      pasted("Backups and restores", "pg_dump"),
      pasted("After a restore", "pg_restore"),
    );
    await database.close();
  }, 60_000);
});

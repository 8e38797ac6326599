import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createMetrics } from "../../src/metrics.ts";
import { runParley } from "../support/process.ts";
import { tableOf } from "./transcripts.ts";

const ROOT = join(import.meta.dir, "../..");
const page = await Bun.file(join(ROOT, "docs/OPERATIONS.md")).text();

const sources = await Promise.all(
  [...new Bun.Glob("**/*.ts").scanSync(join(ROOT, "src"))].map((path) =>
    Bun.file(join(ROOT, "src", path)).text(),
  ),
);

describe("docs/OPERATIONS.md is about the program as it is", () => {
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

  test("every event that is logged is in the table, at its level", () => {
    const logged = sources.flatMap((source) =>
      [...source.matchAll(/log\.(\w+)\(\s*\{ event: "(\w+)"/g)].map(
        ([, level, event]) => `${event} ${level}`,
      ),
    );
    const table = tableOf(page, "The log").map(([event, level]) => `${event} ${level}`);
    expect([...new Set(logged)].sort()).toEqual(table.sort());
  });

  test("every command is in the table", async () => {
    const { stdout } = await runParley(["--help"]);
    const commands = [...stdout.matchAll(/^ {2}([a-z][\w-]*(?: <\w+>)?) {2}/gm)].map(
      ([, command]) => command,
    );
    const table = tableOf(page, "Commands").map(([command]) =>
      command?.split(", ").at(-1)?.replace("parley ", ""),
    );
    expect(table.sort()).toEqual(commands.sort());
  });
});

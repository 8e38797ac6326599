import { expect, test } from "bun:test";
import { join } from "node:path";
import { withTable } from "../scripts/config-table.ts";

const readme = await Bun.file(join(import.meta.dir, "../README.md")).text();

test("the table of settings is up to date: `bun run config-table` would not change it", () => {
  expect(readme).toBe(withTable(readme));
});

test("one line runs the server and one line tests it, both including Bun", () => {
  const lines = readme.split("\n");
  expect(lines).toContain("npm install -g bun && bun install && bun run server");
  expect(lines).toContain("npm install -g bun && bun install && bun test");
});

import { expect, test } from "bun:test";
import { join } from "node:path";
import { MUTANTS } from "./planted.ts";

// The run over all mutants takes minutes and is started by hand, so a change of the source could leave one behind unseen.
test.each(MUTANTS.map(({ name, file, from, to }) => [name, file, from, to] as const))(
  "the mutant “%s” still fits the source",
  async (_, file, from, to) => {
    const source = await Bun.file(join(import.meta.dir, "../../src/chat", file)).text();
    expect(source.split(from).length - 1).toBe(1);
    expect(to).not.toBe(from);
  },
);

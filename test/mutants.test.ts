import { expect, test } from "bun:test";
import { join } from "node:path";
import { MUTANTS } from "./sim/planted.ts";
import { MUTANTS as PART_MUTANTS } from "./chat/planted.ts";
import { MUTANTS as SQL_MUTANTS } from "./store/planted.ts";

const ALL = [
  ...MUTANTS.map((mutant) => ({ ...mutant, folder: "src/chat" })),
  ...PART_MUTANTS.map((mutant) => ({ ...mutant, folder: "src/chat" })),
  ...SQL_MUTANTS.map((mutant) => ({ ...mutant, folder: "src/store" })),
];

// The run over all mutants takes minutes and is started by hand, so a change of the source could leave one behind unseen.
test.each(ALL.map(({ name, folder, file, from, to }) => [name, join(folder, file), from, to] as const))(
  "the mutant “%s” still fits the source",
  async (_, path, from, to) => {
    const source = await Bun.file(join(import.meta.dir, "..", path)).text();
    expect(source.split(from).length - 1).toBe(1);
    expect(to).not.toBe(from);
  },
);

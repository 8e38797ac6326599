import { huntAll, type Mutant, failureOf } from "../support/mutants.ts";
import { MUTANTS } from "./planted.ts";

const FILES = ["after", "subscription", "fences", "slow-watch", "timeline", "rights"].map(
  (name) => `./test/chat/${name}.test.ts`,
);

/** Breaks the chat core where the simulation does not look: a test of the parts must fail. */
export const huntInParts = (chosen: (mutant: Mutant) => boolean) =>
  huntAll({
    mutants: MUTANTS.filter(chosen),
    parts: ["src", "drizzle", "test", "bunfig.toml"],
    folder: "src/chat",
    hunt: (copy) => failureOf(copy, ["test", ...FILES, "--timeout", "60000"], /^\(fail\) .{0,140}/m),
  });

import { huntAll, type Mutant, failureOf } from "../support/mutants.ts";
import { MUTANTS } from "./planted.ts";

/** Breaks the chat core on purpose, one guarantee at a time: the simulation must find it within so many seeds. */
export const huntInSimulation = (seeds: string, chosen: (mutant: Mutant) => boolean) =>
  huntAll({
    mutants: MUTANTS.filter(chosen),
    parts: ["src", "test/sim", "test/support"],
    folder: "src/chat",
    hunt: (copy) => failureOf(copy, ["test/sim/run.ts", "--seeds", seeds], /^seed \d+: .{0,100}/m),
  });

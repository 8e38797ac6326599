import { parseArgs } from "node:util";
import { huntInParts } from "./chat/mutants.ts";
import { huntInSimulation } from "./sim/mutants.ts";
import { huntInStore } from "./store/mutants.ts";
import type { Mutant } from "./support/mutants.ts";

/**
 * Breaks the server on purpose, one guarantee at a time, and checks that tests find it:
 * `bun run test:mutants [--seeds N] [--only WORD]` in the simulation, `bun run test:mutants --sql [--only WORD]` in the tests of
 * the store, `--parts` in those of a few parts of the chat core. A mutant that survives shows a blind spot.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    only: { type: "string", default: "" },
    sql: { type: "boolean", default: false },
    parts: { type: "boolean", default: false },
  },
});
const chosen = ({ name }: Mutant) => name.includes(values.only);

if (values.sql) await huntInStore(chosen);
else if (values.parts) await huntInParts(chosen);
else await huntInSimulation(values.seeds, chosen);

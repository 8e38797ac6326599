import { parseArgs } from "node:util";
import { openEmbedded, openPostgres } from "./database.ts";
import { fileLimitProblem, machineFacts } from "./machine.ts";
import { createPeople } from "./people.ts";
import { picture } from "./picture.ts";
import { describe, type Outcome, resultOf, tableOf } from "./report.ts";
import type { Measured, Round } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { createStage } from "./stage.ts";

/**
 * `bun run bench [--quick] [--embedded] [--only name] [--runs n] [--loads n] [--messages n] [--binary]
 * [--out file] [--picture file]`
 *
 * Linux. Postgres at `BENCH_DATABASE_URL`, or `TEST_DATABASE_URL`, or on this machine; `--embedded` does without.
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    embedded: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    runs: { type: "string" },
    loads: { type: "string", default: "1" },
    messages: { type: "string", default: "10000000" },
    binary: { type: "boolean", default: false },
    out: { type: "string", default: "dist/bench.json" },
    picture: { type: "string" },
    /** A folder for a CPU profile of every Parley server. */
    profile: { type: "string" },
  },
});
const { env } = process;
const address =
  env.BENCH_DATABASE_URL || env.TEST_DATABASE_URL || "postgres://postgres@127.0.0.1:5432/postgres";

const begun = performance.now();
const runs = Number(options.runs ?? (options.quick ? 1 : 5));
const scenarios = SCENARIOS.filter(({ name }) => !options.only || options.only.includes(name));
const people = await createPeople();
const databases = options.embedded ? await openEmbedded() : await openPostgres(address);
let embedded = options.embedded ? databases : undefined;
const machine = machineFacts(databases.about);
console.log(describe(machine));

const results: Outcome[] = [];
let broken = 0;
try {
  for (const scenario of scenarios) {
    const { name, kinds, sockets } = scenario;
    const problem = fileLimitProblem(sockets);
    if (problem) {
      console.log(`\n${name}: skipped, ${problem}`);
      continue;
    }
    if (scenario.embedded) embedded ??= await openEmbedded();
    const stage = createStage({
      quick: options.quick,
      people,
      databases: (scenario.embedded ? embedded : databases) ?? databases,
      loads: Number(options.loads),
      soakMessages: Number(options.messages),
      binary: options.binary ? "dist/parley" : undefined,
      flags: options.profile ? ["--cpu-prof", `--cpu-prof-dir=${options.profile}`] : [],
    });
    console.log(`\n${name}: ${scenario.does}`);
    const rounds: Round[] = [];
    const notes = new Set<string>();
    for (let run = 0; run < Math.min(runs, scenario.runs ?? runs); run++) {
      const round: Record<string, Measured["figures"]> = {};
      for (const kind of kinds) {
        // The server with one INSERT per message has no embedded database.
        if (kind === "insert" && options.embedded) continue;
        const measured = await scenario.measure(stage, kind);
        round[kind] = measured.figures;
        for (const note of measured.notes ?? []) notes.add(note);
        for (const wrong of measured.problems) {
          broken++;
          console.log(`  WRONG (${kind}): ${wrong}`);
        }
      }
      rounds.push(round as Round);
    }
    const outcome = resultOf(scenario, rounds, [...notes]);
    results.push(outcome);
    console.log(tableOf(outcome));
  }
} finally {
  await embedded?.remove();
  if (embedded !== databases) await databases.remove();
}

const minutes = Math.round((performance.now() - begun) / 6000) / 10;
await Bun.write(options.out, JSON.stringify({ machine, quick: options.quick, minutes, results }, null, 2));
if (options.picture) await Bun.write(options.picture, picture(machine, results));
const missed = results.flatMap(({ bars }) => bars.filter(({ met }) => !met)).length;
console.log(`\n${results.length} scenarios in ${minutes} minutes, ${missed} bars missed; ${options.out}`);
if (broken > 0) console.log(`${broken} things were wrong: the figures above mean nothing`);
process.exit(broken > 0 ? 1 : 0);

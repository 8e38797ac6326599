import { openEmbedded, openPostgres } from "./database.ts";
import { fileLimitProblem, machineFacts } from "./machine.ts";
import { readOptions, USAGE } from "./options.ts";
import { createPeople } from "./people.ts";
import { drawPicture } from "./picture.ts";
import { describeMachine, type Outcome, tableOf } from "./report.ts";
import { runScenario } from "./rounds.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { createStage } from "./stage.ts";

// Compares Parley with a server that stores nothing and with one that inserts each message separately.

const options = readOptions(process.argv.slice(2), process.env);
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}

const begun = performance.now();
const people = await createPeople();
const databases = options.embedded ? await openEmbedded() : await openPostgres(options.address);
let embedded = options.embedded ? databases : undefined;
const machine = machineFacts(databases.about);
const results: Outcome[] = [];
let problemCount = 0;

const remove = async () => {
  await embedded?.remove();
  if (embedded !== databases) await databases.remove();
};
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => void remove().finally(() => process.exit(code)));

console.log(describeMachine(machine));
try {
  for (const scenario of SCENARIOS) {
    if (options.only && !options.only.includes(scenario.name)) continue;
    const { name, does, sockets } = scenario;
    const problem = fileLimitProblem(sockets);
    console.log(`\n${name}${options.quick ? " (small)" : ""}: ${problem ? `skipped, ${problem}` : does}`);
    if (problem) continue;
    if (scenario.embedded) embedded ??= await openEmbedded();
    const stage = createStage({
      quick: options.quick,
      trace: options.trace,
      people,
      redis: options.redis,
      databases: (scenario.embedded ? embedded : undefined) ?? databases,
      loads: options.loads,
      soakMessages: options.messages,
      binary: options.binary ? "dist/parley" : undefined,
      flags: options.profile ? ["--cpu-prof", `--cpu-prof-dir=${options.profile}`] : [],
    });
    const runs = Math.min(options.runs, scenario.runs ?? options.runs);
    const { outcome, problems } = await runScenario(scenario, stage, runs);
    results.push(outcome);
    problemCount += problems.length;
    console.log([tableOf(outcome), ...problems.map((line) => `  PROBLEM  ${line}`)].join("\n"));
  }
} finally {
  await remove();
}

const minutes = Math.round((performance.now() - begun) / 6000) / 10;
await Bun.write(options.out, JSON.stringify({ machine, quick: options.quick, minutes, results }, null, 2));
if (options.picture) await Bun.write(options.picture, drawPicture(machine, results));
const missed = results.flatMap(({ bars }) => bars.filter(({ met }) => met === false)).length;
console.log(`\n${results.length} scenarios in ${minutes} minutes, ${missed} bars missed; ${options.out}`);
if (problemCount > 0)
  console.log(`${problemCount} problems were found; the figures of those runs are invalid`);
process.exit(problemCount > 0 ? 1 : 0);

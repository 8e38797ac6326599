import { parseArgs } from "node:util";
import { simulate } from "./simulation.ts";
import { runSeeds } from "./workers.ts";

/** `bun run test:sim [--seeds N] [--from N] [--workers N]`, or `--seed N` to see one seed in full. */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    workers: { type: "string", default: "2" },
  },
});

const TRACE_LINES = 40;

if (values.seed !== undefined) {
  const outcome = await simulate(Number(values.seed), (line) => console.log(line));
  console.log(outcome.broken ?? "all of the contract held");
  process.exitCode = outcome.broken ? 1 : 0;
} else {
  const begun = performance.now();
  const { done, events, broken } = await runSeeds({
    from: Number(values.from),
    count: Number(values.seeds),
    workers: Number(values.workers),
    progress: (count) => console.log(`${count} seeds`),
  });
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `${done} seeds, ${events} events in ${seconds.toFixed(1)} s: ${(done / seconds).toFixed(0)} seeds/s`,
  );
  if (broken) {
    const trace: string[] = [];
    if (!broken.stuck) await simulate(broken.seed, (line) => trace.push(line));
    console.log(trace.slice(-TRACE_LINES).join("\n"));
    console.log(`seed ${broken.seed}: ${broken.sentence}`);
    console.log(`bun run test:sim --seed ${broken.seed} replays it in full`);
    process.exitCode = 1;
  }
}

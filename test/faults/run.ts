import { parseArgs } from "node:util";
import { leaveNothing } from "./leftovers.ts";
import { findPostgres, startPostgres } from "./postgres.ts";
import { findRedis, startRedis } from "./redis.ts";
import type { Scenario } from "./scenario.ts";
import { socketsCut } from "./scenarios/cuts.ts";
import { databaseRestarts } from "./scenarios/database.ts";
import { eventsEmbedded, eventsFollowed } from "./scenarios/events.ts";
import {
  uploadsKilled,
  uploadsKilledInSteps,
  uploadsOnFullDisk,
  uploadsWithoutBucket,
} from "./scenarios/files.ts";
import { killEmbedded, killOnPostgres } from "./scenarios/kill.ts";
import {
  clocksApart,
  nodeKilled,
  nodesRestarted,
  nodesUpgraded,
  postgresUnderNodes,
  redisBreaks,
} from "./scenarios/nodes.ts";
import { peopleInRooms } from "./scenarios/people.ts";
import { slowReaders } from "./scenarios/readers.ts";
import { indexKilled } from "./scenarios/search.ts";
import { databaseStalls } from "./scenarios/stall.ts";
import { terminated } from "./scenarios/terminate.ts";
import { webhooksDelivered } from "./scenarios/webhooks.ts";
import { twoWriters } from "./scenarios/writers.ts";

const SCENARIOS: readonly Scenario[] = [
  killOnPostgres,
  killEmbedded,
  databaseRestarts,
  databaseStalls,
  socketsCut,
  twoWriters,
  slowReaders,
  terminated,
  nodeKilled,
  redisBreaks,
  postgresUnderNodes,
  nodesRestarted,
  nodesUpgraded,
  clocksApart,
  peopleInRooms,
  indexKilled,
  eventsFollowed,
  eventsEmbedded,
  webhooksDelivered,
  uploadsKilledInSteps,
  uploadsKilled,
  uploadsWithoutBucket,
  uploadsOnFullDisk,
];

// Usage: `bun run test:faults [--full] [words of a scenario's name]`
const { values, positionals: words } = parseArgs({
  options: { full: { type: "boolean", default: false } },
  allowPositionals: true,
});

leaveNothing();
const begun = performance.now();
const chosen = SCENARIOS.filter(({ name }) => words.every((word) => name.includes(word)));
const programs = findPostgres();
const postgres =
  programs && chosen.some(({ embedded }) => !embedded) ? await startPostgres(programs) : undefined;
const redisProgram = findRedis();
const redis =
  redisProgram && chosen.some(({ shared }) => shared)
    ? await startRedis({ program: redisProgram })
    : undefined;
let passed = 0;
let failed = 0;
let skipped = 0;

for (const scenario of chosen) {
  const missing =
    !postgres && !scenario.embedded ? "Postgres" : !redis && scenario.shared ? "Redis" : scenario.lacks?.();
  if (missing) {
    console.log(`${process.env.CI ? "FAIL" : "skip"}  ${scenario.name}: ${missing} is not installed`);
    if (process.env.CI) failed++;
    else skipped++;
    continue;
  }
  const start = performance.now();
  const { counts, wrong } = await scenario
    .play({
      postgres: postgres as NonNullable<typeof postgres>,
      redis: redis as NonNullable<typeof redis>,
      full: values.full,
    })
    .catch((error: unknown) => ({ counts: "", wrong: [Bun.inspect(error)] }));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${wrong.length === 0 ? "pass" : "FAIL"}  ${scenario.name} (${seconds} s)\n    ${counts}`);
  for (const line of wrong) console.log(`    wrong: ${line}`);
  if (wrong.length === 0) passed++;
  else failed++;
}

await postgres?.remove();
await redis?.remove();
const took = ((performance.now() - begun) / 1000).toFixed(0);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""} in ${took} s`);
process.exit(failed === 0 && passed + skipped > 0 ? 0 : 1);

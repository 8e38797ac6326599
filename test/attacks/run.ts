import { parseArgs } from "node:util";
import { leaveNothing } from "../faults/leftovers.ts";
import { findPostgres, startPostgres } from "../faults/postgres.ts";
import { ATTACKS } from "./kinds/all.ts";
import type { Attack } from "./target.ts";
import { createScene, type Outcome, type Scene } from "./scene.ts";

// Usage: `bun run test:attacks [--full] [--embedded | --postgres] [words of an attack's name]`
const { values, positionals: words } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    embedded: { type: "boolean", default: false },
    postgres: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

leaveNothing();
const begun = performance.now();
const chosen = ATTACKS.filter(({ name }) => words.every((word) => name.includes(word)));
const both = values.embedded === values.postgres;
let passed = 0;
let failed = 0;

function report(driver: string, { name, lines, wrong }: Outcome): void {
  console.log(`${wrong.length === 0 ? "pass" : "FAIL"}  ${name} (${driver})`);
  for (const line of lines) console.log(`    ${line}`);
  for (const line of wrong) console.log(`    wrong: ${line}`);
  if (wrong.length === 0) passed++;
  else failed++;
}

/**
 * The short form measures so briefly that one pause of the machine may decide it, so an attack under which acks are only slow
 * is played this often before it counts.
 */
const TRIES = values.full ? 1 : 3;

async function play(scene: Scene, one: Attack): Promise<Outcome> {
  let outcome = await scene.play(one);
  let tries = 1;
  for (; outcome.isOnlySlow && tries < TRIES; tries++) outcome = await scene.play(one);
  return tries === 1 ? outcome : { ...outcome, lines: [...outcome.lines, `played ${tries} times`] };
}

/** Unless told otherwise, the short form plays every second attack on the other driver. */
const isPlayed = (attack: Attack, half: number) =>
  values.full ||
  ((words.length > 0 || !attack.missesBar) &&
    (!both || attack.database || ATTACKS.indexOf(attack) % 2 === half));

async function attack(driver: string, half: number, databaseUrl?: string): Promise<void> {
  const scene = await createScene({ databaseUrl, full: values.full });
  try {
    for (const one of chosen) if (isPlayed(one, half)) report(driver, await play(scene, one));
    report(driver, await scene.end());
  } finally {
    await scene.remove();
  }
}

if (both || values.embedded) await attack("embedded", 0);
if (both || values.postgres) {
  const programs = findPostgres();
  if (programs) {
    const postgres = await startPostgres(programs);
    try {
      await attack("Postgres", 1, await postgres.createDatabase());
    } finally {
      await postgres.remove();
    }
  } else {
    console.log(`${process.env.CI ? "FAIL" : "skip"}  attacks on Postgres: Postgres is not installed`);
    if (process.env.CI) failed++;
  }
}

// The same summary as `bun test`, for .ci/run.
console.log(` ${passed} pass\n ${failed} fail\n${((performance.now() - begun) / 1000).toFixed(0)} s`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

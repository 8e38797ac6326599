import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { memoryFolder } from "../support/folder.ts";
import type { Tally } from "./case.ts";
import { measureVolume } from "./volume.ts";
import { type Mutant, MUTANTS } from "./mutants.ts";

/**
 * Cuts the power of the embedded database at random moments: `bun run test:power [--cuts N | --full] [--seed N]`. With
 * `--mutants` it breaks the source on purpose, one thing at a time, and checks that the cuts find it. With `--messages N`
 * it posts that many, and checks that the files stay in bounds and that a start after kill -9 is quick.
 */
const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "40" },
    full: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    mutants: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    messages: { type: "string", default: "" },
  },
});

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const ROOT = join(import.meta.dir, "../..");

async function runCase(tree: string, args: readonly string[]): Promise<Tally> {
  const child = Bun.spawn(
    [process.execPath, join(tree, "test/power/case.ts"), "--seed", values.seed, ...args],
    {
      cwd: tree,
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const end = () => child.kill();
  for (const signal of SIGNALS) process.on(signal, end);
  const last = (await new Response(child.stdout).text()).trimEnd().split("\n").at(-1);
  await child.exited;
  for (const signal of SIGNALS) process.off(signal, end);
  if (!last) throw new Error("the case printed nothing");
  return JSON.parse(last) as Tally;
}

/** Copies the source with the changes of a mutant. */
function copyWith({ name, changes }: Mutant): { path: string; remove(): void } {
  const folder = memoryFolder();
  mkdirSync(folder.path, { recursive: true });
  for (const part of [
    "src",
    "drizzle",
    "test/power",
    "test/support",
    "test/sim",
    "test/faults",
    "package.json",
    "tsconfig.json",
  ])
    cpSync(join(ROOT, part), join(folder.path, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder.path, "node_modules"));
  for (const { file, from, to } of changes) {
    const path = join(folder.path, "src/db", file);
    const source = readFileSync(path, "utf8");
    if (source.split(from).length !== 2)
      throw new Error(`${name}: ${JSON.stringify(from)} is not in ${file} once`);
    writeFileSync(
      path,
      source.replace(from, () => to),
    );
  }
  return folder;
}

function describe({ cuts, unopened, lost, corrupt, acknowledged }: Tally): string {
  return `${cuts} cuts: ${unopened} do not open, ${lost} lost acknowledged changes, ${corrupt} are corrupt; ${acknowledged} acknowledged changes verified`;
}

let failed = false;
if (values.messages) {
  const { lines, wrong } = await measureVolume(Number(values.messages));
  failed = wrong.length > 0;
  for (const line of [...lines, ...wrong]) console.log(line);
} else if (values.mutants) {
  for (const mutant of MUTANTS.filter(({ name }) => name.includes(values.only))) {
    const tree = copyWith(mutant);
    const tally = await runCase(tree.path, ["--stop", "--cuts", "600", ...(mutant.older ? ["--older"] : [])]);
    tree.remove();
    if (tally.harm.length === 0) failed = true;
    console.log(`${tally.harm.length > 0 ? "found" : "SURVIVED"}  ${mutant.name}: ${describe(tally)}`);
    if (tally.harm[0]) console.log(`       ${tally.harm[0].slice(0, 300)}`);
  }
} else {
  const began = performance.now();
  const tally = await runCase(ROOT, ["--cuts", values.full ? "1000" : values.cuts]);
  failed = tally.harm.length > 0;
  console.log(
    `seed ${values.seed}, ${describe(tally)} (${Math.round((performance.now() - began) / 1000)} s)`,
  );
  for (const harm of tally.harm.slice(0, 10)) console.log(harm);
}
process.exit(failed ? 1 : 0);

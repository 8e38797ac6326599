import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Mutant, MUTANTS } from "./planted.ts";

/**
 * Breaks the server on purpose, one guarantee at a time, and checks that the simulation finds it:
 * `bun run test:mutants [--seeds N] [--only WORD]`. A mutant that survives shows a blind spot of the simulation.
 */

const ROOT = join(import.meta.dir, "../..");
const { values } = parseArgs({
  options: { seeds: { type: "string", default: "10000" }, only: { type: "string", default: "" } },
});

/** Copies the sources with one of them changed. */
async function mutate({ file, from, to }: Mutant): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "parley-mutant-"));
  for (const part of ["src", "test/sim", "test/support", "package.json", "tsconfig.json"])
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const path = join(folder, "src/chat", file);
  const source = await Bun.file(path).text();
  if (source.split(from).length !== 2) throw new Error(`${file} does not have, once: ${from}`);
  await Bun.write(
    path,
    source.replace(from, () => to),
  );
  return folder;
}

/** Returns the seed that found the mutant, and how; undefined if it survives. */
async function hunt(mutant: Mutant): Promise<string | undefined> {
  const folder = await mutate(mutant);
  try {
    const run = Bun.spawn([process.execPath, "test/sim/run.ts", "--seeds", values.seeds], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output = await new Response(run.stdout).text();
    return (await run.exited) === 0
      ? undefined
      : (/^seed \d+: .{0,100}/m.exec(output)?.[0] ?? "it did not run");
  } finally {
    await rm(folder, { recursive: true });
  }
}

let living = 0;
for (const mutant of MUTANTS.filter(({ name }) => name.includes(values.only))) {
  const found = await hunt(mutant);
  if (!found) living++;
  console.log(`${found ? "found" : "LIVES"}  ${mutant.name}${found ? `\n       ${found}` : ""}`);
}
if (living > 0) process.exitCode = 1;

import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A bug to plant, which tests must find. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly from: string;
  readonly to: string;
}

const ROOT = join(import.meta.dir, "../..");

/** Runs `work` in a copy of these parts of the repository with one file changed. `folder`: where its mutants' files are. */
async function inMutated<T>(
  { file, from, to }: Mutant,
  { parts, folder }: { readonly parts: readonly string[]; readonly folder: string },
  work: (copy: string) => Promise<T>,
): Promise<T> {
  const copy = await mkdtemp(join(tmpdir(), "parley-mutant-"));
  try {
    for (const part of [...parts, "package.json", "tsconfig.json"])
      await cp(join(ROOT, part), join(copy, part), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const path = join(copy, folder, file);
    const source = await Bun.file(path).text();
    if (source.split(from).length !== 2) throw new Error(`${file} does not have, once: ${from}`);
    await Bun.write(
      path,
      source.replace(from, () => to),
    );
    return await work(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

/**
 * Runs a command in a mutated copy. Returns the part of its output that says what failed; undefined if it succeeded.
 * @throws if it failed without saying so, which finds nothing.
 */
export async function failureOf(
  copy: string,
  command: readonly string[],
  failure: RegExp,
): Promise<string | undefined> {
  const child = Bun.spawn([process.execPath, ...command], { cwd: copy, stdio: ["ignore", "pipe", "pipe"] });
  const output = (
    await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  ).join("");
  if ((await child.exited) === 0) return undefined;
  const [said] = failure.exec(output) ?? [];
  if (said === undefined) throw new Error(`${command.join(" ")} did not run:\n${output.slice(-2_000)}`);
  return said;
}

interface Hunt {
  readonly mutants: readonly Mutant[];
  readonly parts: readonly string[];
  /** Where the files of the mutants are. */
  readonly folder: string;
  /** Returns how the mutant was found; undefined if it survives. */
  hunt(copy: string): Promise<string | undefined>;
}

/** Plants one bug after another, and prints what found it. Fails if one survives: the tests are blind to it. */
export async function huntAll({ mutants, hunt, ...copied }: Hunt): Promise<void> {
  let living = 0;
  for (const mutant of mutants) {
    const found = await inMutated(mutant, copied, hunt);
    if (!found) living++;
    console.log(`${found ? "found" : "LIVES"}  ${mutant.name}${found ? `\n       ${found}` : ""}`);
  }
  if (living > 0) process.exitCode = 1;
}

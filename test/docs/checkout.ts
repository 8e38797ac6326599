import { cp, mkdir, symlink } from "node:fs/promises";
import { basename, join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** What a clean checkout does not have. */
const MADE: ReadonlySet<string> = new Set([".git", "node_modules", "dist", "data"]);

/**
 * Copies the project to `parley` in a home folder, as a reader's checkout: commands run there cannot disturb the project or
 * other tests. With `installed`, it has the project's packages.
 */
export async function checkOut(home: string, { installed }: { installed: boolean }): Promise<void> {
  const path = join(home, "parley");
  await mkdir(home, { recursive: true });
  await cp(ROOT, path, { recursive: true, filter: (from) => !MADE.has(basename(from)) });
  if (installed) await symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
}

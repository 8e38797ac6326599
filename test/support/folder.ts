import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the folders of this process' tests are. */
const PARENT = join(tmpdir(), `parley-test-${process.pid}`);

/** Removes what tests that failed have left behind. */
export const removeTemporaryFolders = () => rmSync(PARENT, { recursive: true, force: true });

/** A folder of a test's own, which does not exist yet; it is removed by `remove`, or else when the tests end. */
export function temporaryFolder() {
  const path = join(PARENT, crypto.randomUUID());
  // Under `bun test` this does not come to pass; preload.ts does the same there.
  process.once("exit", removeTemporaryFolders);
  const remove = () => rmSync(path, { recursive: true, force: true });
  return { path, remove };
}

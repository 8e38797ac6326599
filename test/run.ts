import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// All tests, in two processes that each keep their servers and databases from one test file to the next: see
// support/house.ts and support/recycled.ts. Arguments are passed on to `bun test`.

/** As many as the machines have cores that this is tuned for; more would be too many for tests that measure time. */
const PROCESSES = 2;

// A process does not know which file is its last, so the folders of both are removed from here.
const folder = mkdtempSync(join(tmpdir(), "parley-tests-"));
const tests = Bun.spawn(
  [process.execPath, "test", `--parallel=${PROCESSES}`, "--no-isolate", ...process.argv.slice(2)],
  { env: { ...process.env, TMPDIR: folder }, stdio: ["inherit", "inherit", "inherit"] },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => tests.kill(signal));
process.exitCode = await tests.exited;
rmSync(folder, { recursive: true, force: true });

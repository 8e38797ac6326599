import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memory } from "./folder.ts";

/** As many as the suite is tuned for: with more, tests that measure time would compete for the cores. */
const PROCESSES = 2;

/** How long a test may take by default, in milliseconds: Bun's five seconds are for a core of one's own. */
const TIMEOUT = "--timeout=30000";

/** What may be on the command line of a run of all tests. */
const OPTION = /^--(reporter|reporter-outfile|timeout)=/;

/**
 * Runs all tests in two processes if this one was started to run them all, and ends it with their exit code. Each
 * process keeps its servers and databases from one file to the next (house.ts, recycled.ts). bunfig.toml has no option
 * for this. Outside Linux, the tests run in this process.
 */
export async function handOver(): Promise<void> {
  const options = commandLine()?.slice(2);
  if (process.env.BUN_TEST_WORKER_ID || !options?.every((option) => OPTION.test(option))) return;
  // Neither process knows which file is its last, so nothing is removed before both have ended.
  const folder = mkdtempSync(join(tmpdir(), "parley-tests-"));
  chmodSync(folder, 0o755); // as /tmp is: some tests look at their files as another user
  const inMemory = mkdtempSync(join(memory(), "parley-tests-"));
  const all = ["test", `--parallel=${PROCESSES}`, "--no-isolate", ...options];
  if (!`${process.env.BUN_OPTIONS} ${options.join(" ")}`.includes("--timeout")) all.push(TIMEOUT);
  const tests = Bun.spawn([process.execPath, ...all], {
    env: { ...process.env, TMPDIR: folder, TEST_MEMORY_DIR: inMemory },
    stdio: ["inherit", "inherit", "inherit"],
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => tests.kill(signal));
  const code = await tests.exited;
  for (const path of [folder, inMemory]) rmSync(path, { recursive: true, force: true });
  process.exit(code);
}

/** The arguments of this process as it was started; `process.argv` under `bun test` has only the test file. */
function commandLine(): string[] | undefined {
  try {
    const [program = "", ...rest] = readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(0, -1);
    return rest[0] === "test" ? [program, ...rest] : undefined;
  } catch {
    return undefined;
  }
}

import { PATIENCE_MS } from "./client.ts";

/** Waits until a check holds, and fails where it does not come to that in time. */
export async function until(
  check: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  for (const end = performance.now() + patienceMs; !(await check());) {
    if (performance.now() > end) throw new Error("it did not come to that");
    await Bun.sleep(5);
  }
}

import { PATIENCE_MS } from "./client.ts";

/** Waits until a check holds. @throws {Error} if it does not hold within `patienceMs`. */
export async function until(
  check: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  for (const end = performance.now() + patienceMs; !(await check());) {
    if (performance.now() > end) throw new Error(`the condition did not hold within ${patienceMs} ms`);
    await Bun.sleep(5);
  }
}

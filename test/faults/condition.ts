const LOOK_MS = 10;

/** Waits until a condition holds. @throws {Error} that names `what` after `limitMs`. */
export async function until(
  what: string,
  limitMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await Bun.sleep(LOOK_MS);
  }
}

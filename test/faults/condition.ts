const LOOK_MS = 10;

/** Waits until something holds; fails, saying what was waited for, where it does not within the limit. */
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

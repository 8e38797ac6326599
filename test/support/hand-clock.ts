import type { Clock } from "../../src/clock.ts";

/** Creates a clock whose time passes only by calls of `pass`. */
export function handClock() {
  let now = 0;
  const tasks = new Set<{ at: number; run: () => void }>();
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after(ms, run) {
      const task = { at: now + ms, run };
      tasks.add(task);
      return () => tasks.delete(task);
    },
    soon: (run) => run(),
  };
  const pass = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const [next] = [...tasks].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      tasks.delete(next);
      now = next.at;
      next.run();
    }
    now = end;
  };
  return { clock, pass, waiting: () => tasks.size };
}

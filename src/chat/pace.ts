import type { Clock } from "../clock.ts";

/** Beyond so many people the ones who have not sent lately are forgotten. */
const REMEMBERED = 10_000;

/** How fast each person may send: `burst` at once, and `rate` a second in the long run. */
export interface Pace {
  /** Counts one message. 0: it may be sent; else in how many milliseconds the next one may. */
  wait(userId: number): number;
}

/** The generic cell rate algorithm (ITU-T I.371): one number a person, the time at which their bucket is full again. */
export function createPace(rate: number, burst: number, clock: Clock): Pace {
  if (rate === 0) return { wait: () => 0 };
  const interval = 1000 / rate;
  const tolerance = interval * burst;
  const fullAt = new Map<number, number>();

  const forget = (now: number) => {
    for (const [userId, at] of fullAt) if (at <= now) fullAt.delete(userId);
  };

  return {
    wait(userId) {
      const now = clock.monotonic();
      const next = Math.max(fullAt.get(userId) ?? 0, now) + interval;
      if (next > now + tolerance) return Math.ceil(next - now - tolerance);
      if (fullAt.size > REMEMBERED) forget(now);
      fullAt.set(userId, next);
      return 0;
    },
  };
}

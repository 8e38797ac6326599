import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";

/** Beyond so many people the ones who have not sent lately are forgotten. */
const REMEMBERED = 10_000;
/** How often other nodes hear of those who send fast, in milliseconds; and of how many at once. */
const SHARE_MS = 500;
const SHARED_MAX = 1_000;

/** How fast each person may send: `burst` at once, and `rate` a second in the long run. */
export interface Pace {
  /** Counts one message. 0: it may be sent; else in how many milliseconds the next one may. */
  wait(userId: number): number;
}

interface PaceOptions {
  readonly rate: number;
  readonly burst: number;
  readonly clock: Clock;
  readonly bus: Pick<Bus, "announce" | "listen">;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): one number a person, the time at which their bucket is full again.
 *
 * Each node spends from its own bucket, without asking anyone: a message does not wait for that. Once someone has spent
 * more than half of their burst, nodes tell each other what they spend, and count it. So who sends over several nodes
 * may burst on each of them, and has one rate in the long run; who sends like a person costs the bus nothing.
 */
export function createPace({ rate, burst, clock, bus }: PaceOptions): Pace {
  if (rate === 0) return { wait: () => 0 };
  const interval = 1000 / rate;
  const tolerance = interval * burst;
  const fullAt = new Map<number, number>();
  /** What was spent here by those who send fast, since the others were told. */
  const spent = new Map<number, number>();

  const forget = (now: number) => {
    for (const [userId, at] of fullAt) if (at <= now) fullAt.delete(userId);
  };

  const share = () => {
    const messages = [...spent].slice(0, SHARED_MAX);
    spent.clear();
    bus.announce({ type: "spent", messages });
  };

  bus.listen({
    heard(news) {
      if (news.type !== "spent") return;
      const now = clock.monotonic();
      for (const [userId, count] of news.messages) {
        const next = Math.max(fullAt.get(userId) ?? 0, now) + count * interval;
        // Whatever is told twice: nobody waits for longer than it takes to fill two buckets.
        fullAt.set(userId, Math.min(next, now + 2 * tolerance));
      }
    },
  });

  return {
    wait(userId) {
      const now = clock.monotonic();
      const next = Math.max(fullAt.get(userId) ?? 0, now) + interval;
      if (next > now + tolerance) return Math.ceil(next - now - tolerance);
      if (fullAt.size > REMEMBERED) forget(now);
      fullAt.set(userId, next);
      if (next > now + tolerance / 2) {
        if (spent.size === 0) clock.after(SHARE_MS, share);
        spent.set(userId, (spent.get(userId) ?? 0) + 1);
      }
      return 0;
    },
  };
}

import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";

/** Beyond this many people, those who have not sent lately are forgotten. */
const REMEMBERED = 10_000;
/** How often nodes tell each other about fast senders, in milliseconds, and about how many at once. */
const SHARE_MS = 500;
const SHARED_MAX = 1_000;

/** Limits how fast each person may send: `burst` messages at once, and `rate` a second in the long run. */
export interface Pace {
  /** Counts one message. Returns 0 if it may be sent, or the milliseconds until the next one may. */
  wait(userId: number): number;
}

interface PaceOptions {
  readonly rate: number;
  readonly burst: number;
  readonly clock: Clock;
  readonly bus: Pick<Bus, "announce" | "listen">;
}

/**
 * The generic cell rate algorithm (ITU-T I.371) keeps one number per person: the time when their bucket is full again.
 *
 * Each node counts in its own bucket, so no message waits for another node. Once someone has used more than half of
 * their burst, nodes share what they counted. Anyone who sends through several nodes can burst on each of them but has
 * one rate in the long run, and people who send at a normal pace cost the bus nothing.
 */
export function createPace({ rate, burst, clock, bus }: PaceOptions): Pace {
  if (rate === 0) return { wait: () => 0 };
  const interval = 1000 / rate;
  const tolerance = interval * burst;
  const fullAt = new Map<number, number>();
  /** Messages of fast senders on this node since the last share. */
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
        // The bus may deliver twice: nobody waits longer than it takes to refill two buckets.
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

import type { Bus } from "../../bus/bus.ts";
import { type Clock, every } from "../../clock.ts";

/** How often a node looks for rows that nobody told it of, while somebody waits for them, in milliseconds. */
const LOOK_MS = 1_000;

/** The end of the journal, as far as this node has heard of it. */
export interface Tail {
  /** A row was appended on this node. */
  appended(seq: number): void;
  /** Rises with each row that this node hears of. */
  readonly news: number;
  /**
   * Resolves once there are rows after this one, after `ms`, when `signal` aborts, or when this node stops; at once if this
   * node has heard of rows since there was that much `news`.
   */
  wait(at: { readonly seq: number; readonly news: number }, ms: number, signal: AbortSignal): Promise<void>;
  readonly stopped: boolean;
  /** Ends all waiting. */
  stop(): void;
}

interface TailParts {
  /** Reads the number of the last row. */
  read(): Promise<number>;
  readonly bus: Pick<Bus, "announce" | "listen">;
  readonly clock: Clock;
}

export function createTail({ read, bus, clock }: TailParts): Tail {
  const waiting = new Map<() => void, number>();
  let news = 0;
  let stopped = false;
  let stopLooking = () => {};

  const reached = (seq: number) => {
    for (const [wake, after] of waiting) if (seq > after) wake();
  };
  const heard = (seq: number) => {
    news++;
    reached(seq);
  };
  bus.listen({
    heard(told) {
      if (told.type === "journal") heard(told.seq);
    },
  });

  /** Nobody looks while nobody waits. */
  const look = () => {
    stopLooking = every(clock, LOOK_MS, async () => {
      // While the database is away, those who wait find it out themselves.
      reached(await read().catch(() => 0));
    });
  };

  return {
    appended(seq) {
      heard(seq);
      bus.announce({ type: "journal", seq });
    },
    get news() {
      return news;
    },
    async wait(at, ms, signal) {
      if (stopped || signal.aborted || news !== at.news) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(ms, resolve);
      const abort = () => resolve();
      signal.addEventListener("abort", abort);
      if (waiting.size === 0) look();
      waiting.set(resolve, at.seq);
      await promise;
      signal.removeEventListener("abort", abort);
      waiting.delete(resolve);
      if (waiting.size === 0) stopLooking();
      cancel();
    },
    get stopped() {
      return stopped;
    },
    stop() {
      stopped = true;
      for (const wake of waiting.keys()) wake();
    },
  };
}

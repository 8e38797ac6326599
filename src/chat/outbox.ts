import type { Clock } from "../clock.ts";
import type { CloseReason } from "../protocol/codes.ts";
import type { Feed } from "./feed.ts";
import { HARD_LIMIT, SEND_ROOM, SOFT_LIMIT, STALL_MS } from "./limits.ts";
import type { Socket } from "./ports.ts";

/** How long a replay waits for a database that is away, in milliseconds. */
const RETRY_MS = 500;

interface OutboxOptions {
  readonly socket: Socket;
  readonly clock: Clock;
  feeds(): Iterable<Feed>;
  close(reason: CloseReason): void;
  lagging(change: 1 | -1): void;
}

/** What goes out of one socket: every direct send, and the feeds that are behind, with the socket's buffer in sight. */
export interface Outbox {
  send(frame: string): void;
  /** Settles when the socket has drained; nothing where it takes more at once. */
  writable(): Promise<void> | undefined;
  /** Sends what a feed is missing, in turn with others, as fast as the socket takes it. */
  replay(feed: Feed): void;
  forget(feed: Feed): void;
  /** Past the soft limit: takes every feed off the live topics and stops reading. */
  lagIfSlow(): void;
  drained(): void;
  pause(why: "commands" | "lagging"): void;
  resume(why: "commands" | "lagging"): void;
  end(): void;
}

export function createOutbox({ socket, clock, feeds, close, lagging }: OutboxOptions): Outbox {
  const behind = new Set<Feed>();
  const pausedFor = new Set<string>();
  let replaying = false;
  let ended = false;
  let lags = false;
  let waiting: (() => void)[] = [];
  let cancelStall: (() => void) | undefined;

  const pause = (why: string) => {
    if (pausedFor.size === 0) socket.pause();
    pausedFor.add(why);
  };
  const resume = (why: string) => {
    if (pausedFor.delete(why) && pausedFor.size === 0 && !ended) socket.resume();
  };

  /** Not written to until it has drained; closed if it does not in time. */
  const stall = () => {
    cancelStall ??= clock.after(STALL_MS, () => close("slow"));
  };

  const setLags = (now: boolean) => {
    if (lags === now) return;
    lags = now;
    lagging(now ? 1 : -1);
  };

  const lagIfSlow = () => {
    if (ended || socket.buffered() <= SOFT_LIMIT) return;
    stall();
    setLags(true);
    pause("lagging");
    for (const feed of feeds()) if (feed.lag()) behind.add(feed);
    void replayAll();
  };

  const send = (frame: string) => {
    if (ended) return;
    if (socket.buffered() > HARD_LIMIT - SEND_ROOM) return close("slow");
    socket.send(frame);
  };

  const wakeAll = () => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };

  const writable = (): Promise<void> | undefined => {
    if (ended || socket.buffered() <= SOFT_LIMIT) return undefined;
    stall();
    return new Promise((resolve) => waiting.push(resolve));
  };

  async function replayAll(): Promise<void> {
    if (replaying) return;
    replaying = true;
    while (behind.size > 0 && !ended) {
      for (const feed of behind) {
        const pause = writable();
        if (pause) await pause;
        if (ended) break;
        // Taken out before: it may lag again in the moment after it became live.
        behind.delete(feed);
        try {
          if (!(await feed.step())) behind.add(feed);
        } catch {
          behind.add(feed);
          // The database is away; the timeline's own check tells of it.
          await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
        }
      }
    }
    replaying = false;
    if (!cancelStall) setLags(false);
  }

  return {
    send,
    writable,
    lagIfSlow,
    pause,
    resume,
    replay(feed) {
      behind.add(feed);
      void replayAll();
    },
    forget: (feed) => void behind.delete(feed),
    drained() {
      if (socket.buffered() > SOFT_LIMIT / 4) return;
      cancelStall?.();
      cancelStall = undefined;
      resume("lagging");
      wakeAll();
      if (!replaying) setLags(false);
    },
    end() {
      ended = true;
      cancelStall?.();
      wakeAll();
      setLags(false);
    },
  };
}

import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

interface UpstreamOptions {
  readonly schedule: Schedule;
  readonly random: Random;
  latency(): number;
  /** The server still has the socket. */
  isOpen(): boolean;
  take(frame: string): void;
}

/** The path from a client to its server: in order, and unread while the server has paused the socket. */
export function createUpstream({ schedule, random, latency, isOpen, take }: UpstreamOptions) {
  const inbox: string[] = [];
  let paused = false;
  let overrun = 0;
  let last = 0;

  const arrived = (frame: string) => {
    if (!isOpen()) return;
    if (!paused && inbox.length === 0) return take(frame);
    inbox.push(frame);
    // Frames that were already read may still arrive.
    if (paused && overrun-- > 0) take(inbox.shift() as string);
  };

  return {
    send(frame: string) {
      last = Math.max(last, schedule.now + latency());
      schedule.after(last - schedule.now, () => arrived(frame));
    },
    /** Calls `ended` after everything that was sent has arrived. */
    end: (ended: () => void) => void schedule.after(Math.max(last - schedule.now, 0) + latency(), ended),
    pause() {
      paused = true;
      overrun = random.below(3);
    },
    resume() {
      paused = false;
      schedule.after(0, () => {
        while (!paused && isOpen() && inbox.length > 0) take(inbox.shift() as string);
      });
    },
  };
}

import type { Clock } from "./ports.ts";

/** How long a ping may go unanswered, in milliseconds. */
const GIVE_UP_MS = 10_000;

export interface Heartbeat {
  /** Something has come. */
  heard(): void;
  /** Asks at once whether the connection lives. */
  probe(): void;
  stop(): void;
}

interface HeartbeatOptions {
  readonly clock: Clock;
  /** How long it may be quiet, in milliseconds. */
  readonly quietMs: number;
  ping(): void;
  dead(): void;
}

/** Watches a connection: quiet for so long, it is pinged; still quiet ten seconds later, it is dead. */
export function createHeartbeat({ clock, quietMs, ping, dead }: HeartbeatOptions): Heartbeat {
  let last = clock.monotonic();
  let pinged: number | undefined;
  let cancel = () => {};

  const look = () => {
    const now = clock.monotonic();
    if (pinged !== undefined && last >= pinged) pinged = undefined;
    const due = pinged === undefined ? last + quietMs : pinged + GIVE_UP_MS;
    if (now < due) return void (cancel = clock.after(due - now, look));
    if (pinged !== undefined) return dead();
    probe();
  };

  const probe = () => {
    if (pinged !== undefined && last < pinged) return;
    cancel();
    pinged = clock.monotonic();
    // What is heard in this very moment must not pass for an answer.
    last = Math.min(last, pinged - 1);
    cancel = clock.after(GIVE_UP_MS, look);
    ping();
  };

  cancel = clock.after(quietMs, look);
  return {
    heard: () => void (last = clock.monotonic()),
    probe,
    stop: () => cancel(),
  };
}

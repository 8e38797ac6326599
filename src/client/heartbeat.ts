import type { Clock } from "./ports.ts";

/** How long a ping may go unanswered, in milliseconds. */
const GIVE_UP_MS = 10_000;

export interface Heartbeat {
  /** Something arrived: the connection is alive. */
  alive(): void;
  /** Pings now, unless a ping is still unanswered. */
  probe(): void;
  stop(): void;
}

interface HeartbeatOptions {
  readonly clock: Clock;
  /** How long the connection may be quiet before it is pinged, in milliseconds. */
  readonly quietMs: number;
  ping(): void;
  dead(): void;
}

/** Watches a connection: pings it after `quietMs` of silence and reports it dead if nothing arrives for 10 seconds. */
export function createHeartbeat({ clock, quietMs, ping, dead }: HeartbeatOptions): Heartbeat {
  let last = clock.monotonic();
  /** Nothing has arrived since the last ping. */
  let pinged = false;
  let cancel = clock.after(quietMs, look);

  function look() {
    if (pinged) return dead();
    const rest = last + quietMs - clock.monotonic();
    if (rest > 0) cancel = clock.after(rest, look);
    else probe();
  }

  const probe = () => {
    if (pinged) return;
    cancel();
    pinged = true;
    cancel = clock.after(GIVE_UP_MS, look);
    ping();
  };

  return {
    alive() {
      last = clock.monotonic();
      pinged = false;
    },
    probe,
    stop: () => cancel(),
  };
}

import type { Clock } from "../clock.ts";

/** How long before its token expires a client is told, in milliseconds. */
const EXPIRING_MS = 60_000;
/** Timers reach no further, tokens may. */
const TIMER_MAX_MS = 2 ** 31 - 1;

interface ExpiryOptions {
  readonly clock: Clock;
  /** The token expires soon, at this time. */
  expiring(at: number): void;
  expired(): void;
}

/** Watches over one token at a time: warns some time before it expires, and tells when it has. */
export function createExpiry({ clock, expiring, expired }: ExpiryOptions) {
  let cancel = () => {};

  const look = (at: number, warned: boolean) => {
    const left = at - clock.now();
    if (left <= 0) return expired();
    const warn = !warned && left <= EXPIRING_MS;
    if (warn) expiring(at);
    const next = warned || warn ? left : left - EXPIRING_MS;
    cancel = clock.after(Math.min(next, TIMER_MAX_MS), () => look(at, warned || warn));
  };

  return {
    watch(at: number) {
      cancel();
      look(at, false);
    },
    stop: () => cancel(),
  };
}

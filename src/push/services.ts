import type { Clock } from "../clock.ts";

/** The most requests to one push service at a time. One that does not respond leaves room for the others. */
const IN_FLIGHT = 48;
/** How long a push waits for one of those places, in milliseconds. */
const BUSY_MS = 500;
/** After so many failures in a row, a push service gets a rest, longer each time, in milliseconds. */
const FAILURES = 5;
const REST_MS = { least: 2_000, most: 60_000 } as const;
/** The most push services that are remembered. */
const REMEMBERED = 1_000;

interface Service {
  inFlight: number;
  failures: number;
  restUntil: number;
}

/** The push services, by the origins of their addresses. */
export interface Services {
  /** Returns how long to wait before a request, in milliseconds. */
  wait(origin: string): number;
  began(origin: string): void;
  ended(origin: string, isDown: boolean): void;
}

export function createServices(clock: Clock): Services {
  const services = new Map<string, Service>();
  const of = (origin: string) =>
    services.getOrInsertComputed(origin, () => ({ inFlight: 0, failures: 0, restUntil: 0 }));

  return {
    wait(origin) {
      const { inFlight, restUntil } = of(origin);
      const rest = restUntil - clock.monotonic();
      if (rest > 0) return Math.ceil(rest);
      return inFlight >= IN_FLIGHT ? BUSY_MS : 0;
    },
    began: (origin) => void of(origin).inFlight++,
    ended(origin, isDown) {
      const service = of(origin);
      service.inFlight--;
      service.failures = isDown ? service.failures + 1 : 0;
      if (service.failures >= FAILURES)
        service.restUntil =
          clock.monotonic() +
          Math.min(REST_MS.most, REST_MS.least * 2 ** Math.min(10, service.failures - FAILURES));
      if (services.size > REMEMBERED)
        for (const [name, { inFlight }] of services) if (inFlight === 0) services.delete(name);
    },
  };
}

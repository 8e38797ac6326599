import type { Metrics } from "../../src/metrics.ts";

/** Counts what a process has open. Real registries for thousands of processes would take most of the time. */
export function createMeters() {
  const gauges = new Map<string, number>();
  const ignored = { count: 0, inc() {}, set() {}, observe() {}, labels: () => ignored, of: () => ignored };
  const gauge = (name: string) => ({
    inc: (change = 1) => void gauges.set(name, (gauges.get(name) ?? 0) + change),
    labels: (label: string) => gauge(`${label} ${name}`),
  });
  const metrics = new Proxy(
    { feeds: gauge("feeds"), lagging: gauge("lagging sockets"), watchQueue() {} } as Record<string, unknown>,
    { get: (known, name: string) => known[name] ?? ignored },
  ) as unknown as Metrics;
  return { metrics, gauges: () => [...gauges] };
}

import type { Metric, Registry } from "prom-client";

// Metrics on the path of every message. prom-client's own look up labels and copy objects on every update,
// which costs as much as parsing the frame. These only add a number and are read on each scrape.

/** A counter. */
export interface Tally {
  count: number;
}

/** A histogram. */
export interface Spread {
  observe(value: number): void;
}

interface Shown {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

function register(
  registry: Registry,
  about: { name: string; help: string; type: "counter" | "histogram"; labelNames: readonly string[] },
  values: () => Shown[],
) {
  const get = async () => ({ ...about, aggregator: "sum", values: values() });
  registry.registerMetric({ ...about, get, reset() {} } as unknown as Metric<string>);
}

export function createTally(registry: Registry, name: string, help: string): Tally {
  const tally = { count: 0 };
  const about = { name, help, type: "counter", labelNames: [] } as const;
  register(registry, about, () => [{ value: tally.count, labels: {} }]);
  return tally;
}

/** Creates a tally for each value of a label. Callers that count often should keep theirs. */
export function createTallies(registry: Registry, name: string, help: string, label: string) {
  const tallies = new Map<string, Tally>();
  register(registry, { name, help, type: "counter", labelNames: [label] }, () =>
    [...tallies].map(([value, { count }]) => ({ value: count, labels: { [label]: value } })),
  );
  return { of: (value: string): Tally => tallies.getOrInsertComputed(value, () => ({ count: 0 })) };
}

/** `bounds` are the upper bounds of the buckets, ascending. Values above the last bound are counted too. */
export function createSpread(
  registry: Registry,
  name: string,
  help: string,
  bounds: readonly number[],
): Spread {
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;
  register(registry, { name, help, type: "histogram", labelNames: [] }, () => {
    let total = 0;
    const buckets = [...counts].map((count, index) => ({
      metricName: `${name}_bucket`,
      value: (total += count),
      labels: { le: bounds[index] ?? "+Inf" },
    }));
    return [
      ...buckets,
      { metricName: `${name}_sum`, value: sum, labels: {} },
      { metricName: `${name}_count`, value: total, labels: {} },
    ];
  });
  return {
    observe(value) {
      let at = 0;
      while (at < bounds.length && value > (bounds[at] as number)) at++;
      counts[at] = (counts[at] as number) + 1;
      sum += value;
    },
  };
}

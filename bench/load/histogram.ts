/** Sub-buckets per power of two, which limits the error to 1.6 %. */
const STEPS = 64;
const BUCKETS = 26 * STEPS;

/** Durations in microseconds, counted by size. */
export type Histogram = Uint32Array;

export const createHistogram = (): Histogram => new Uint32Array(BUCKETS);

export function record(histogram: Histogram, us: number): void {
  const value = us < 1 ? 1 : us;
  const exponent = 31 - Math.clz32(value);
  const step = Math.floor((value / 2 ** exponent - 1) * STEPS);
  const bucket = Math.min(exponent * STEPS + step, BUCKETS - 1);
  histogram[bucket] = (histogram[bucket] as number) + 1;
}

/** Adds up histograms, which may be plain arrays from another process. */
export function merge(parts: readonly ArrayLike<number>[]): Histogram {
  const sum = createHistogram();
  for (const part of parts)
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      sum[bucket] = (sum[bucket] as number) + (part[bucket] ?? 0);
  return sum;
}

/** Returns a percentile in milliseconds, or NaN for an empty histogram; `share` is 0.99 for p99. */
export function histogramPercentile(histogram: ArrayLike<number>, share: number): number {
  let total = 0;
  for (let bucket = 0; bucket < histogram.length; bucket++) total += histogram[bucket] as number;
  let left = Math.max(1, Math.ceil(total * share));
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    left -= histogram[bucket] as number;
    if (left <= 0 && total > 0)
      return (2 ** Math.floor(bucket / STEPS) * (1 + ((bucket % STEPS) + 0.5) / STEPS)) / 1000;
  }
  return Number.NaN;
}

/** Durations in milliseconds. */
export interface Series {
  add(ms: number): void;
  /** Returns the value below which this share of all durations lies; 0 if there are none. */
  at(share: number): number;
  readonly longest: number;
  readonly count: number;
  /** Adds all durations of another series. */
  join(other: Series): void;
  readonly all: readonly number[];
}

export function createSeries(): Series {
  const all: number[] = [];
  return {
    all,
    add: (ms) => void all.push(ms),
    at: (share) => all.toSorted((a, b) => a - b)[Math.ceil(share * all.length) - 1] ?? 0,
    get longest() {
      return Math.max(0, ...all);
    },
    get count() {
      return all.length;
    },
    join: (other) => void all.push(...other.all),
  };
}

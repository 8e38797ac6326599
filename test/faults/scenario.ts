import type { Postgres } from "./postgres.ts";
import type { Redis } from "./redis.ts";
import type { Verdict } from "./verdict.ts";

export interface Setting {
  /** A Postgres of the run's own; undefined where this machine has none. */
  readonly postgres: Postgres;
  /** A Redis of the run's own, for the scenarios that want one. */
  readonly redis: Redis;
  /** The longer form: more repetitions. */
  readonly full: boolean;
}

/** One way of breaking things. */
export interface Scenario {
  readonly name: string;
  /** Does without Postgres. */
  readonly embedded?: boolean;
  /** Wants a Redis besides. */
  readonly shared?: boolean;
  /** What else it wants that this machine has not got, if so. */
  lacks?(): string | undefined;
  play(setting: Setting): Promise<Verdict>;
}

/** Adds what a scenario measured of its own, and what it found wrong besides. */
export const withMore = (
  verdict: Verdict,
  measured: string,
  wrong: readonly (string | false)[] = [],
): Verdict => ({
  counts: `${verdict.counts}\n    ${measured}`,
  wrong: [...wrong.filter((line) => line !== false), ...verdict.wrong],
});

export const between = (least: number, most: number) => least + Math.random() * (most - least);

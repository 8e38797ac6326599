import type { Postgres } from "./postgres.ts";
import type { Verdict } from "./verdict.ts";

export interface Setting {
  /** A Postgres of the run's own; undefined where this machine has none. */
  readonly postgres: Postgres;
  /** The longer form: more repetitions. */
  readonly full: boolean;
}

/** One way of breaking things. */
export interface Scenario {
  readonly name: string;
  /** Does without Postgres. */
  readonly embedded?: boolean;
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

import type { Postgres } from "./postgres.ts";
import type { Redis } from "./redis.ts";
import type { Verdict } from "./verdict.ts";

export interface Setting {
  /** A private Postgres. May be missing in scenarios with `embedded`. */
  readonly postgres: Postgres;
  /** A private Redis. May be missing in scenarios without `shared`. */
  readonly redis: Redis;
  /** Whether to run the long form, with more repetitions. */
  readonly full: boolean;
}

/** One kind of fault and the clients that it affects. */
export interface Scenario {
  readonly name: string;
  /** Needs no Postgres. */
  readonly embedded?: boolean;
  /** Needs Redis as well. */
  readonly shared?: boolean;
  /** Returns the name of another program that it needs and this machine lacks. */
  lacks?(): string | undefined;
  play(setting: Setting): Promise<Verdict>;
}

/** Adds a scenario's own measurements and problems to a verdict. */
export const withMore = (
  verdict: Verdict,
  measured: string,
  wrong: readonly (string | false)[] = [],
): Verdict => ({
  counts: `${verdict.counts}\n    ${measured}`,
  wrong: [...wrong.filter((line) => line !== false), ...verdict.wrong],
});

export const between = (least: number, most: number) => least + Math.random() * (most - least);

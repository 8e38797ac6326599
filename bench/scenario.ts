import type { Kind } from "./contender.ts";
import type { Stage } from "./stage.ts";

/** What one run gave, by name; times in milliseconds, CPU in microseconds, unless the name says otherwise. */
export type Figures = Readonly<Record<string, number>>;

export interface Measured {
  readonly figures: Figures;
  /** What makes the figures worthless: messages lost, doubled or out of order. */
  readonly problems: readonly string[];
  /** What to know when reading them, such as that the load may have been the limit. */
  readonly notes?: readonly string[];
}

/** One run of each server. */
export type Round = Readonly<Record<Kind, Figures>>;

/** What a scenario is held to. */
export interface Bar {
  /** A noun: `CPU per delivery, Parley to bare`. */
  readonly what: string;
  readonly unit: "×" | "ms" | "KiB" | "/s" | "s" | "%";
  readonly value: (round: Round) => number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Scenario {
  readonly name: string;
  /** What happens, in one sentence. */
  readonly does: string;
  /** The servers that it runs, in turn. */
  readonly kinds: readonly Kind[];
  /** Sockets that it holds open. */
  readonly sockets: number;
  /** It is about the embedded database, whatever the others run on. */
  readonly embedded?: boolean;
  /** Runs of each server where more would say no more; else what was asked for. */
  readonly runs?: number;
  readonly bars: readonly Bar[];
  measure(stage: Stage, kind: Kind): Promise<Measured>;
}

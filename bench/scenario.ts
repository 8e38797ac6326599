import type { Kind } from "./contender.ts";
import type { Stage } from "./stage.ts";

/** The figures of one run by name. Times are in milliseconds and CPU in microseconds, unless the name says otherwise. */
export type Figures = Readonly<Record<string, number>>;

export interface Measured {
  readonly figures: Figures;
  /** What invalidates the figures: messages lost, duplicated or out of order. */
  readonly problems: readonly string[];
  /** Remarks for the reader, for example that the load may have been the bottleneck. */
  readonly notes?: readonly string[];
}

/** One run of each server. */
export type Round = Readonly<Record<Kind, Figures>>;

/** A target for a scenario. */
export interface Bar {
  /** A noun phrase, such as `server CPU per delivery relative to bare`. */
  readonly what: string;
  readonly unit: "×" | "ms" | "KiB" | "MiB" | "/s" | "s" | "%";
  readonly value: (round: Round) => number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Scenario {
  readonly name: string;
  /** One sentence that describes the scenario. */
  readonly does: string;
  /** The servers to run, in turn. */
  readonly kinds: readonly Kind[];
  /** The maximum number of open sockets. */
  readonly sockets: number;
  /** Always runs on the embedded database. */
  readonly embedded?: boolean;
  /** An upper limit for the number of runs, if more would add nothing. */
  readonly runs?: number;
  readonly bars: readonly Bar[];
  measure(stage: Stage, kind: Kind): Promise<Measured>;
}

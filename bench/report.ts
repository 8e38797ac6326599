import type { Kind } from "./contender.ts";
import type { Machine } from "./machine.ts";
import type { Bar, Round, Scenario } from "./scenario.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface BarOutcome extends Spread, Pick<Bar, "what" | "unit" | "atMost" | "atLeast"> {
  /** Undefined if it was not measured. */
  readonly met: boolean | undefined;
}

/** The result of a scenario over all its runs. */
export interface Outcome {
  readonly name: string;
  readonly does: string;
  readonly runs: number;
  readonly bars: readonly BarOutcome[];
  readonly figures: Readonly<Partial<Record<Kind, Readonly<Record<string, Spread>>>>>;
  readonly notes: readonly string[];
}

/** Summarizes a scenario's rounds. */
export function outcomeOf(scenario: Scenario, rounds: readonly Round[], notes: readonly string[]): Outcome {
  const bars = scenario.bars.map((bar): BarOutcome => {
    const { what, unit, atMost, atLeast, value } = bar;
    // Ratios compare runs of the same round, because those are closest together in time.
    const spread = spreadOf(rounds.map(value));
    const met = Number.isNaN(spread.median)
      ? undefined
      : spread.median <= (atMost ?? Infinity) && spread.median >= (atLeast ?? -Infinity);
    return {
      what,
      unit,
      ...(atMost !== undefined && { atMost }),
      ...(atLeast !== undefined && { atLeast }),
      ...spread,
      met,
    };
  });
  const figures: Partial<Record<Kind, Record<string, Spread>>> = {};
  for (const kind of scenario.kinds) {
    const names = new Set(rounds.flatMap((round) => Object.keys(round[kind] ?? {})));
    figures[kind] = Object.fromEntries(
      [...names].map((name) => [name, spreadOf(rounds.map((round) => round[kind]?.[name] ?? NaN))]),
    );
  }
  const { name, does } = scenario;
  return { name, does, runs: rounds.length, bars, figures, notes };
}

export const describeMachine = ({ cpu, cores, memoryGiB, kernel, bun, postgres, loadAverage }: Machine) =>
  `${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}; Bun ${bun}; ${postgres}; load average ${loadAverage} at the start`;

/** Formats a number with three significant digits. */
export const short = (value: number): string => {
  if (Number.isNaN(value)) return "–";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
};

const spread = ({ median, min, max }: Spread) =>
  min === max || Number.isNaN(min) ? short(median) : `${short(median)} (${short(min)}–${short(max)})`;

const VERDICT = { true: "met   ", false: "MISSED", undefined: "none  " } as const;

/** Returns a scenario as lines of text: its bars, then a table with each server's figures. */
export function tableOf({ bars, figures, notes }: Outcome): string {
  const lines = bars.map((bar) => {
    const bound =
      bar.atMost !== undefined ? `at most ${short(bar.atMost)}` : `at least ${short(bar.atLeast ?? NaN)}`;
    return `  ${VERDICT[String(bar.met) as keyof typeof VERDICT]} ${bar.what}: ${spread(bar)} ${bar.unit} (${bound})`;
  });
  const kinds = Object.keys(figures) as Kind[];
  const names = [...new Set(kinds.flatMap((kind) => Object.keys(figures[kind] ?? {})))];
  const shown = names.filter((name) =>
    kinds.some((kind) => !Number.isNaN(figures[kind]?.[name]?.median ?? NaN)),
  );
  const rows = [
    ["", ...kinds],
    ...shown.map((name) => [
      name,
      ...kinds.map((kind) => {
        const figure = figures[kind]?.[name];
        return figure ? spread(figure) : "–";
      }),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows)
    lines.push(
      `  ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ")}`,
    );
  return [...lines, ...notes.map((note) => `  note: ${note}`)].join("\n");
}

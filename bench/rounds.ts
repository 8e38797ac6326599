import type { Figures, Measured, Round, Scenario } from "./scenario.ts";
import { type Outcome, outcomeOf } from "./report.ts";
import type { Stage } from "./stage.ts";

/** A scenario with all its runs behind it, and what was wrong in them. */
export interface ScenarioRun {
  readonly outcome: Outcome;
  readonly wrong: readonly string[];
}

/**
 * Plays a scenario: its servers in turn, again and again, so that what else the machine does meets them alike. A run
 * that fails leaves its figures out and is among what was wrong.
 */
export async function runScenario(scenario: Scenario, stage: Stage, runs: number): Promise<ScenarioRun> {
  const rounds: Round[] = [];
  const notes = new Set<string>();
  const wrong: string[] = [];
  for (let run = 0; run < runs; run++) {
    const round: Partial<Record<keyof Round, Figures>> = {};
    for (const kind of scenario.kinds) {
      if (kind === "insert" && !stage.databases.shared) continue;
      const measured = await scenario
        .measure(stage, kind)
        .catch((error: unknown): Measured => ({ figures: {}, problems: [Bun.inspect(error)] }));
      round[kind] = measured.figures;
      for (const note of measured.notes ?? []) notes.add(note);
      wrong.push(...measured.problems.map((problem) => `${kind}: ${problem}`));
    }
    rounds.push({ parley: {}, bare: {}, insert: {}, ...round });
  }
  return { outcome: outcomeOf(scenario, rounds, [...notes]), wrong };
}

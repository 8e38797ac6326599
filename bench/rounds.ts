import type { Figures, Measured, Round, Scenario } from "./scenario.ts";
import { type Outcome, outcomeOf } from "./report.ts";
import type { Stage } from "./stage.ts";

/** A scenario's outcome and the problems of its runs. */
export interface ScenarioRun {
  readonly outcome: Outcome;
  readonly problems: readonly string[];
}

/**
 * Runs a scenario with its servers in turn, `runs` times, so that other work on the machine affects all of them alike.
 * A failed run adds a problem and no figures.
 */
export async function runScenario(scenario: Scenario, stage: Stage, runs: number): Promise<ScenarioRun> {
  const rounds: Round[] = [];
  const notes = new Set<string>();
  const problems: string[] = [];
  for (let run = 0; run < runs; run++) {
    const round: Partial<Record<keyof Round, Figures>> = {};
    for (const kind of scenario.kinds) {
      if (kind === "insert" && !stage.databases.shared) continue;
      const measured = await scenario
        .measure(stage, kind)
        .catch((error: unknown): Measured => ({ figures: {}, problems: [Bun.inspect(error)] }));
      round[kind] = measured.figures;
      for (const note of measured.notes ?? []) notes.add(note);
      problems.push(...measured.problems.map((problem) => `${kind}: ${problem}`));
    }
    rounds.push({ parley: {}, bare: {}, insert: {}, ...round });
  }
  return { outcome: outcomeOf(scenario, rounds, [...notes]), problems };
}

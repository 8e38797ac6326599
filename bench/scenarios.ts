import type { Scenario } from "./scenario.ts";
import { fanoutPlain, fanoutV1 } from "./scenarios/fanout.ts";
import { pairs } from "./scenarios/pairs.ts";

export const SCENARIOS: readonly Scenario[] = [fanoutV1, fanoutPlain, pairs];

import type { Machine } from "./machine.ts";
import type { Outcome } from "./report.ts";

export const picture = (_machine: Machine, _results: readonly Outcome[]): string => "";

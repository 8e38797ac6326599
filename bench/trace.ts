import type { Contender } from "./contender.ts";
import type { Figures } from "./scenario.ts";
import { METRICS_TOKEN } from "./stage.ts";

/** The server's own histograms of a message's way, by the name of the figure. */
const STEPS = {
  submitToAck: "parley_ack_seconds",
  commit: "parley_commit_seconds",
  publish: "parley_publish_seconds",
} as const;

/** The sum and the count of each histogram so far. */
export async function readSteps({ port }: Contender): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${METRICS_TOKEN}` },
  });
  if (!response.ok) throw new Error(`/metrics: ${response.status}`);
  const lines = (await response.text()).matchAll(/^(parley_\w+_seconds_(?:sum|count)) (\S+)$/gm);
  return new Map(Array.from(lines, ([, name = "", value]) => [name, Number(value)]));
}

/** Returns the mean of each step between two readings, in milliseconds. `waiting`: from submit until the commit begins. */
export function stepsBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Figures {
  const grown = (name: string) => (after.get(name) ?? NaN) - (before.get(name) ?? NaN);
  const mean = (name: string) => (grown(`${name}_sum`) / grown(`${name}_count`)) * 1000;
  const [ack, commit, publish] = [mean(STEPS.submitToAck), mean(STEPS.commit), mean(STEPS.publish)];
  return { traceWaiting: ack - commit, traceCommit: commit, traceAck: ack, tracePublish: publish };
}

import { expect, test } from "bun:test";
import { Registry } from "prom-client";
import { createSpread, createTallies, createTally } from "../src/tally.ts";

test("tallies are exported as counters, one line per label value", async () => {
  const registry = new Registry();
  const sent = createTally(registry, "sent_total", "What was sent.");
  const answered = createTallies(registry, "answered_total", "Answers.", "outcome");
  sent.count += 3;
  answered.of("ok").count++;
  answered.of("busy").count += 2;
  answered.of("ok").count++;
  expect(await registry.metrics()).toBe(`# HELP sent_total What was sent.
# TYPE sent_total counter
sent_total 3

# HELP answered_total Answers.
# TYPE answered_total counter
answered_total{outcome="ok"} 2
answered_total{outcome="busy"} 2
`);
});

test("a spread is exported as a histogram with cumulative buckets", async () => {
  const registry = new Registry();
  const seconds = createSpread(registry, "wait_seconds", "Waiting.", [0.1, 1, 5]);
  for (const value of [0.05, 0.1, 0.5, 4, 60]) seconds.observe(value);
  expect(await registry.metrics()).toBe(`# HELP wait_seconds Waiting.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 2
wait_seconds_bucket{le="1"} 3
wait_seconds_bucket{le="5"} 4
wait_seconds_bucket{le="+Inf"} 5
wait_seconds_sum 64.65
wait_seconds_count 5
`);
});

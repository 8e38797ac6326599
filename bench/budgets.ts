import { createBudgets, type Spender } from "../src/budgets.ts";
import { createLocalBus } from "../src/bus/local.ts";
import { systemClock } from "../src/clock.ts";
import { createMetrics } from "../src/metrics.ts";

// Usage: `bun bench/budgets.ts`. Prints what budgets cost for each frame and message, in microseconds of CPU time.

const PEOPLE = 1_000;
const ROUNDS = 3_000_000;

/** So large that nobody is refused. */
const budgets = createBudgets({
  scale: 1e7,
  messages: { rate: 1e9, burst: 1e9 },
  clock: systemClock,
  bus: createLocalBus(),
  metrics: createMetrics(),
});
const people = Array.from({ length: PEOPLE }, (_, userId) => ({ userId }));
const sockets = Array.from({ length: PEOPLE }, () => budgets.bucket("frames"));

/** Any frame: charged to its socket and its person. */
function frame(at: number): number {
  const now = systemClock.monotonic();
  sockets[at]?.spend(1, now);
  budgets.spend("traffic", people[at] as Spender, 1, now);
  return now;
}

/** A message: paid from the budget of messages, and the frame is given back. */
function message(at: number): void {
  const now = frame(at);
  budgets.spend("messages", people[at] as Spender);
  sockets[at]?.charge(-1, now);
  budgets.charge("traffic", people[at] as Spender, -1, now);
}

for (const work of [frame, message]) {
  const run = () => {
    for (let round = 0; round < ROUNDS; round++) work(round % PEOPLE);
  };
  run();
  const begun = process.cpuUsage();
  run();
  const { user } = process.cpuUsage(begun);
  console.log(`${work.name}: ${(user / ROUNDS).toFixed(3)} µs`);
}

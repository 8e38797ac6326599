import { expect, test } from "bun:test";
import { simulate } from "./simulation.ts";

const SEEDS = 50;

const traceOf = async (seed: number) => {
  const lines: string[] = [];
  await simulate(seed, (line) => lines.push(line));
  return lines;
};

test(
  `the contract of delivery holds in ${SEEDS} simulations`,
  async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { broken } = await simulate(seed);
      expect(broken && `seed ${seed}: ${broken}`).toBeUndefined();
    }
  },
  { timeout: 30_000 },
);

test("a seed replays to the letter", async () => {
  for (const seed of [3, 4, 16, 104]) {
    const trace = await traceOf(seed);
    expect(trace.length).toBeGreaterThan(100);
    expect(await traceOf(seed)).toEqual(trace);
  }
});

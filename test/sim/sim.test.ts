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

// 1318: somebody was removed from an open room while they joined it, after they had become a member. They stayed in it as none.
// 1482: a change was refused because the token of before it did not cover its room, without asking for a newer one.
// 5169: an upload was taken for dead and went on while its content was being removed. What it stored then stayed.
test.each([1318, 1482, 5169])("the contract holds in seed %d, in which it once did not", async (seed) => {
  expect((await simulate(seed)).broken).toBeUndefined();
});

test("a seed replays to the letter", async () => {
  for (const seed of [3, 4, 16, 104]) {
    const trace = await traceOf(seed);
    expect(trace.length).toBeGreaterThan(100);
    expect(await traceOf(seed)).toEqual(trace);
  }
});

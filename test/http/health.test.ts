import { expect, test } from "bun:test";
import type { Database } from "../../src/db/database.ts";
import { createHealth } from "../../src/http/health.ts";
import { handClock } from "../support/hand-clock.ts";

/** A database on a server that counts what it is asked. */
function countingDatabase() {
  let asked = 0;
  let problem: Error | undefined;
  const database = {
    driver: "postgres",
    pool: () => ({
      async run() {
        asked++;
        if (problem) throw problem;
        return [];
      },
      async close() {},
    }),
  } as unknown as Database;
  return { database, asked: () => asked, fail: (error: Error | undefined) => void (problem = error) };
}

const withState = (code: string) => Object.assign(new Error("refused"), { code });

// Thousands of probes a second of anyone were as many queries.
test("any number of probes asks the database once a second", async () => {
  const { database, asked } = countingDatabase();
  const { clock, pass } = handClock();
  const health = createHealth(database, clock);
  for (let second = 1; second <= 3; second++) {
    const answers = await Promise.all(Array.from({ length: 1_000 }, health.unready));
    expect(new Set(answers)).toEqual(new Set([undefined]));
    expect(asked()).toBe(second);
    await Promise.resolve();
    pass(1_000);
  }
});

test.each([
  ["25006", "the database is read-only"],
  ["53100", "the disk of the database is full"],
  ["57P01", "the database does not answer"],
  ["42501", "the database accepts no writes"],
])("SQLSTATE %s means: %s", async (state, reason) => {
  const { database, fail } = countingDatabase();
  fail(withState(state));
  const { clock, pass } = handClock();
  const health = createHealth(database, clock);
  expect(await health.unready()).toBe(reason);
  await Promise.resolve();
  pass(1_000);
  fail(undefined);
  expect(await health.unready()).toBeUndefined();
  health.drain();
  expect(await health.unready()).toBe("draining");
});

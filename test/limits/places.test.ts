import { expect, test } from "bun:test";
import { createPlaces } from "../../src/limits/places.ts";

// Everyone has places of their own, as for pages and lists.

const [ADA, BEN] = [1, 2];

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Reads that end when they are told to. */
function slowReads() {
  const reads = createPlaces({ each: 2, waiting: 100 });
  const started: { readonly userId: number; readonly end: (error?: Error) => void }[] = [];
  const read = (userId: number) =>
    reads.run(userId, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      started.push({ userId, end: (error) => (error ? reject(error) : resolve()) });
      return promise;
    });
  return { read, started, of: (userId: number) => started.filter((each) => each.userId === userId) };
}

test("two reads of one person run at a time, and the next one when one of them ends or fails", async () => {
  const { read, started } = slowReads();
  const all = Array.from({ length: 5 }, () => read(ADA).catch((error: Error) => error.message));
  await settle();
  expect(started).toHaveLength(2);
  started[0]?.end();
  await all[0];
  await settle();
  expect(started).toHaveLength(3);
  started[1]?.end(new Error("failed"));
  expect(await all[1]).toBe("failed");
  await settle();
  expect(started).toHaveLength(4);
  for (let index = 2; index < 5; index++) {
    started[index]?.end();
    await all[index];
    await settle();
  }
  expect(started).toHaveLength(5);
});

test("nobody waits for another person's reads", async () => {
  const { read, of } = slowReads();
  for (let count = 0; count < 50; count++) void read(ADA);
  void read(BEN);
  await settle();
  expect([of(ADA).length, of(BEN).length]).toEqual([2, 1]);
});

test("a person with too many waiting reads is told to come back, and no one else is", async () => {
  const { read, started } = slowReads();
  const outcomes = Array.from({ length: 120 }, () =>
    read(ADA).then(
      () => "read",
      (error: { code: string }) => error.code,
    ),
  );
  expect(await Promise.all(outcomes.slice(102))).toEqual(Array.from({ length: 18 }, () => "busy"));
  const before = started.length;
  void read(BEN);
  await settle();
  expect(started).toHaveLength(before + 1);
});

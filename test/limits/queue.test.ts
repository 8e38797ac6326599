import { expect, test } from "bun:test";
import { createFairQueue, type Groups } from "../../src/limits/queue.ts";
import { Refusal } from "../../src/errors.ts";

/** A queue whose work is done one by one, when `finish` is called. */
function stoppedQueue({ parallel = 1, max = 1000, share = 1000 } = {}) {
  const queue = createFairQueue({ parallel, max, share });
  const served: string[] = [];
  const open: (() => void)[] = [];
  let [running, most] = [0, 0];
  return {
    served,
    most: () => most,
    /** Resolves to "done" or the code of the refusal. */
    wait: (name: string, groups: Groups): Promise<string> =>
      queue
        .run(groups, async () => {
          served.push(name);
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => open.push(resolve));
          running--;
          return "done";
        })
        .catch((error: unknown) => (error instanceof Refusal ? error.code : String(error))),
    /** Finishes all that runs, until nothing waits. */
    async finish() {
      for (let next = open.shift(); next; next = open.shift()) {
        next();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

test("ninety attempts of one person delay the next person by one turn, not by ninety", async () => {
  const queue = stoppedQueue();
  const flood = many(90, (at) => queue.wait(`mallory ${at}`, ["net 1", "mallory"]));
  const ada = queue.wait("ada", ["net 2", "ada"]);
  const ben = queue.wait("ben", ["net 1", "ben"]);
  await queue.finish();
  expect(await ada).toBe("done");
  expect(await ben).toBe("done");
  expect(new Set(await Promise.all(flood))).toEqual(new Set(["done"]));
  // One is running, one from the same network is next in line, then it is the others' turn.
  expect(queue.served.indexOf("ada")).toBe(2);
  expect(queue.served.indexOf("ben")).toBeLessThanOrEqual(4);
});

test("a network with a hundred accounts gets no more turns than a network with one", async () => {
  const queue = stoppedQueue();
  for (const at of many(100, (index) => index)) void queue.wait(`m${at}`, ["net 1", `account ${at}`]);
  for (const at of many(3, (index) => index)) void queue.wait(`ada ${at}`, ["net 2", "ada"]);
  await queue.finish();
  expect(queue.served.filter((_, turn) => turn <= 6).filter((name) => name.startsWith("ada"))).toHaveLength(
    3,
  );
});

test("a group with too many waiters is refused, and nobody else", async () => {
  const queue = stoppedQueue({ share: 2 });
  const codes = Promise.all(many(5, () => queue.wait("mallory", ["net", "mallory"])));
  const ada = queue.wait("ada", ["net", "ada"]);
  await queue.finish();
  expect(await codes).toEqual(["done", "done", "done", "rate_limited", "rate_limited"]);
  expect(await ada).toBe("done");
});

test("a full queue refuses the newest of the largest group, never somebody who just came", async () => {
  const queue = stoppedQueue({ max: 4 });
  const flood = many(5, (at) => queue.wait(`mallory ${at}`, ["net 1", "mallory"]));
  const late = many(3, (at) => queue.wait(`late ${at}`, [`net 2`, `late ${at}`]));
  await queue.finish();
  expect(await Promise.all(late)).toEqual(["done", "done", "busy"]);
  expect(await Promise.all(flood)).toEqual(["done", "done", "done", "busy", "busy"]);
});

test("attempts run side by side up to the limit, and a failure frees its place", async () => {
  const queue = stoppedQueue({ parallel: 2 });
  const all = many(6, (at) => queue.wait(`${at}`, ["net", `${at}`]));
  await queue.finish();
  expect(await Promise.all(all)).toEqual(Array(6).fill("done"));
  expect(queue.most()).toBe(2);

  const failing = createFairQueue({ parallel: 1, max: 9, share: 9 });
  const fail = () => failing.run(["net"], () => Promise.reject(new Error("no")));
  const results = await Promise.allSettled([fail(), fail(), failing.run(["net"], async () => "done")]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
});

test("no order of arrivals starves or loses anybody, whatever groups they are in", async () => {
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 50; round++) {
    const queue = stoppedQueue({ parallel: 1 + random(3), max: 10 + random(20), share: 1 + random(6) });
    const all = many(60, (at) => queue.wait(`${at}`, [`a${random(2)}`, `b${random(3)}`, `c${random(4)}`]));
    await queue.finish();
    const results = await Promise.all(all);
    expect(results.filter((result) => result === "done")).toHaveLength(queue.served.length);
    expect(new Set(queue.served).size).toBe(queue.served.length);
    expect(results.every((result) => ["done", "busy", "rate_limited"].includes(result))).toBeTrue();
  }
});

import { expect, test } from "bun:test";
import { createTurns } from "../../src/limits/turns.ts";
import { handClock } from "../support/hand-clock.ts";

/** Lets a crowd come at once, each by the name of its group and a number. Returns who was served in each turn. */
async function serve(names: readonly string[]) {
  const turns: (() => void)[] = [];
  const { next } = createTurns({ ...handClock().clock, soon: (task) => void turns.push(task) }, 2);
  const served: string[] = [];
  const crowd = names.map(async (name) => {
    await next(() => name[0] ?? "");
    served.push(name);
  });
  const order: string[][] = [];
  while (order.at(-1)?.length !== 0) {
    await Bun.sleep(0);
    order.push(served.splice(0));
    for (const task of turns.splice(0)) task();
  }
  await Promise.all(crowd);
  expect(turns).toEqual([]); // no more turns are scheduled once all are served
  return order.slice(0, -1);
}

test("a crowd is served in order, a few per turn of the event loop", async () => {
  expect(await serve(["a1", "a2", "a3", "a4", "a5"])).toEqual([["a1", "a2"], ["a3", "a4"], ["a5"]]);
});

test("nobody waits behind all of another group: those who wait take turns by group", async () => {
  const order = await serve(["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "b1", "b2", "c1"]);
  expect(order).toEqual([["a1", "a2"], ["a3", "b1"], ["c1", "a4"], ["b2", "a5"], ["a6", "a7"], ["a8"]]);
});

import { expect, test } from "bun:test";
import { createTurns } from "../src/turns.ts";
import { handClock } from "./support/hand-clock.ts";

test("a crowd is served in order, a few per turn of the event loop", async () => {
  const turns: (() => void)[] = [];
  const { next } = createTurns({ ...handClock().clock, soon: (task) => void turns.push(task) }, 2);
  const served: number[] = [];
  const crowd = [1, 2, 3, 4, 5].map(async (number) => {
    await next();
    served.push(number);
  });
  const order: number[][] = [];
  for (let turn = 0; turn < 4; turn++) {
    await Bun.sleep(0);
    order.push(served.splice(0));
    for (const task of turns.splice(0)) task();
  }
  await Promise.all(crowd);
  expect(order).toEqual([[1, 2], [3, 4], [5], []]);
  expect(turns).toEqual([]); // no more turns are scheduled once all are served
});

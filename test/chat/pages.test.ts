import { expect, test } from "bun:test";
import { createPages } from "../../src/chat/room/pages.ts";
import { handClock } from "../support/hand-clock.ts";

/** Pages of a room, each different, with the positions that were read. */
function room() {
  const reads: number[] = [];
  let failing = false;
  const { clock, pass, waiting } = handClock();
  const pages = createPages(clock, async (after) => {
    reads.push(after);
    if (failing) throw new Error("the database is away");
    return { epoch: "e", counter: reads.length, fence: 0, messages: [], end: reads.length };
  });
  return { pages, reads, pass, waiting, fail: (now: boolean) => (failing = now) };
}

test("readers that miss the same at nearly the same time share one page and its frames", async () => {
  const { pages, reads, pass, waiting } = room();
  const [first, second] = await Promise.all([pages.since(7), pages.since(7)]);
  expect(second).toBe(first);
  pass(200);
  expect(await pages.since(7)).toBe(first);
  pass(100);
  expect(await pages.since(7)).not.toBe(first);
  expect(reads).toEqual([7, 7]);
  pass(2_000);
  expect(waiting()).toBe(0); // nothing stays in memory
});

test("after `forget`, no reader gets a page that was read or requested before", async () => {
  const { pages } = room();
  const kept = await pages.since(1);
  const inFlight = pages.since(2);
  pages.forget();
  expect(await pages.since(1)).not.toBe(kept);
  expect(await pages.since(2)).not.toBe(await inFlight);
});

test("a failed read is not cached", async () => {
  const { pages, fail } = room();
  fail(true);
  await expect(pages.since(1)).rejects.toThrow("the database is away");
  fail(false);
  expect(await pages.since(1)).toMatchObject({ end: 2 });
});

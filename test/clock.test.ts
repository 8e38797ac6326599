import { expect, test } from "bun:test";
import { slicing } from "../src/clock.ts";
import { searchConsumer } from "../src/consumers/search.ts";
import type { Entry, SearchIndex } from "../src/store/searchindex.ts";

/** A clock that a step of work moves by `stepMs`. `turns` counts the turns of the event loop that were given to others. */
function workClock(stepMs: number) {
  const clock = {
    now: 0,
    turns: 0,
    monotonic: () => clock.now,
    soon(task: () => void) {
      clock.turns++;
      setImmediate(task);
    },
    work: () => void (clock.now += stepMs),
  };
  return clock;
}

test("long work lets others run every few milliseconds", async () => {
  const clock = workClock(1);
  const pause = slicing(clock);
  for (let step = 0; step < 40; step++) {
    clock.work();
    await pause();
  }
  expect(clock.turns).toBe(10);
});

test("short work goes on at once", () => {
  const clock = workClock(1);
  const pause = slicing(clock);
  for (let step = 0; step < 3; step++) {
    clock.work();
    expect(pause()).toBeUndefined();
  }
});

// Emoji take the longest: a batch of such messages once held up everybody's acks for the time of all of them.
test("the index lets others run between the messages of a batch", async () => {
  const clock = workClock(5);
  const written: Entry[] = [];
  const index = {
    write: async (_room: number, entries: readonly Entry[]) => void written.push(...entries),
  } as unknown as SearchIndex;
  const message = (id: number) => ({
    id,
    version: id,
    senderId: 1,
    // Reading it stands for the time that the work takes.
    get content() {
      clock.work();
      return `message ${id}`;
    },
    files: null,
    gone: false,
  });
  const room = { roomId: 1 } as Parameters<ReturnType<typeof searchConsumer>["handle"]>[0];
  await searchConsumer(index, clock as never).handle(room, {
    upto: 3,
    size: 3,
    messages: [message(1), message(2), message(3)],
  });
  expect(written.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(clock.turns).toBe(3);
});

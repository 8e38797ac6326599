import { expect, test } from "bun:test";
import type { BusListener } from "../../src/bus/bus.ts";
import { createTail } from "../../src/chat/room/tail.ts";
import type { Notice } from "../../src/bus/news.ts";
import { handClock } from "../support/hand-clock.ts";

// What wakes the readers of events: rows that this node appends, that others tell it of, and that nobody does.

function setUp(read = async () => 0) {
  const hand = handClock();
  const announced: Notice[] = [];
  let listener: BusListener = {};
  const tail = createTail({
    read,
    clock: hand.clock,
    bus: { announce: (notice) => void announced.push(notice), listen: (one) => void (listener = one) },
  });
  const { signal } = new AbortController();
  const wait = (seq: number, news = tail.news) => {
    const state = { done: false };
    void tail.wait({ seq, news }, 60_000, signal).then(() => (state.done = true));
    return state;
  };
  return { hand, tail, announced, wait, hear: (notice: Notice) => listener.heard?.(notice, "other") };
}

test("a row that is appended here or elsewhere wakes those who lack it, and is announced once", async () => {
  const { tail, announced, wait, hear } = setUp();
  const [has, lacks] = [wait(7), wait(6)];
  tail.appended(7);
  await Bun.sleep(0);
  expect([has.done, lacks.done]).toEqual([false, true]);
  hear({ type: "journal", seq: 8 });
  await Bun.sleep(0);
  expect(has.done).toBe(true);
  expect(announced).toEqual([{ type: "journal", seq: 7 }]);
});

// Readers then waited for a second, because the row had been announced before they began to wait.
test("a row that was appended while a reader read wakes it at once", async () => {
  const { tail, wait } = setUp();
  const { news } = tail;
  tail.appended(7);
  const reader = wait(6, news);
  await Bun.sleep(0);
  expect(reader.done).toBe(true);
});

test("all wait no longer when the node stops", async () => {
  const { tail, wait } = setUp();
  const reader = wait(6);
  tail.stop();
  await Bun.sleep(0);
  expect([reader.done, tail.stopped]).toEqual([true, true]);
});

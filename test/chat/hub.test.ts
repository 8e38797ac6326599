import { expect, test } from "bun:test";
import type { Connection } from "../../src/chat/connection/connection.ts";
import { createHub } from "../../src/chat/connection/hub.ts";
import { SOFT_LIMIT, UNSEEN_MAX } from "../../src/chat/limits.ts";

/** A hub with one connection; what was told to be hidden each time that it was looked at. */
function hub() {
  const fanout = { publish: () => pressed, hidden: () => hidden };
  let pressed = false;
  let hidden = 0;
  const looks: number[] = [];
  const all = createHub(fanout, 9);
  all.add({
    identity: { userId: 1 },
    lagIfSlow: (bytes: number) => looks.push(bytes),
  } as unknown as Connection);
  return {
    /** Publishes, if there is room. */
    say(bytes: number, waiting: boolean): boolean {
      pressed = waiting;
      const room = all.admit(bytes);
      if (room) all.publish("tea", "");
      return room;
    },
    hide: (bytes: number) => void (hidden = bytes),
    looks: () => looks,
  };
}

test("as long as nobody has bytes waiting, nobody is looked at", () => {
  const { say, looks } = hub();
  for (let number = 0; number < 100; number++) expect(say(UNSEEN_MAX, false)).toBe(true);
  expect(looks()).toEqual([]);
});

test("where somebody has, all are looked at before too much was published, and once for as much", () => {
  const { say, looks } = hub();
  say(UNSEEN_MAX / 2, true);
  say(UNSEEN_MAX / 2, true);
  expect(looks()).toEqual([]);
  expect(say(1, true)).toBe(true);
  expect(looks()).toHaveLength(1);
  say(UNSEEN_MAX - 1, true);
  expect(looks()).toHaveLength(1);
  say(1, true);
  expect(looks()).toHaveLength(2);
});

test("what no look shows yet counts as published after it, and nobody looks in vain", () => {
  const { say, hide, looks } = hub();
  say(UNSEEN_MAX, true);
  hide(SOFT_LIMIT + UNSEEN_MAX / 2); // under the soft limit it would be no matter
  expect(say(UNSEEN_MAX / 2 + 1, true)).toBe(false);
  expect(looks()).toEqual([]);
  expect(say(UNSEEN_MAX / 2, true)).toBe(true);
  expect(looks()).toEqual([SOFT_LIMIT + UNSEEN_MAX / 2]);
  hide(0);
  expect(say(1, true)).toBe(true);
  expect(looks()).toEqual([SOFT_LIMIT + UNSEEN_MAX / 2, 0]);
});

test("more than may ever go unseen has room nowhere", () => {
  const { say } = hub();
  expect(say(UNSEEN_MAX + 1, false)).toBe(false);
});

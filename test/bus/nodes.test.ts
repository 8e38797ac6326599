import { expect, test } from "bun:test";
import { createNodes, createStamps } from "../../src/bus/nodes.ts";
import { handClock } from "../support/hand-clock.ts";

function setUp() {
  const { clock, pass } = handClock();
  const events: string[] = [];
  const nodes = createNodes({
    clock,
    gone: (node) => events.push(`${node} gone`),
    returned: (node) => events.push(`${node} returned`),
  });
  return { clock, pass, nodes, events };
}

const MINUTE = 60_000;

test("each frame of a node has a later stamp, even if its clock goes back", () => {
  let now = 5;
  const next = createStamps({ ...handClock().clock, now: () => now });
  const first = next();
  const second = next();
  now = 1;
  const third = next();
  expect([second, third]).toEqual([first + 1, first + 2]);
});

test("a frame is heard once, and none that is older than the last", () => {
  const { nodes } = setUp();
  expect([7, 7, 6, 8].map((stamp) => nodes.heard("one", stamp))).toEqual([
    undefined,
    "repeated",
    "repeated",
    undefined,
  ]);
  expect(nodes.heard("other", 6)).toBeUndefined();
});

test("what a node said is not heard again after it is gone, and what it says then is", () => {
  const { nodes, pass, events } = setUp();
  nodes.heard("one", 1_000);
  pass(5_000);
  nodes.look(true);
  expect(nodes.heard("one", 1_000)).toBe("repeated");
  expect(nodes.size).toBe(0);
  expect(nodes.heard("one", 5_000_000)).toBeUndefined();
  expect(events).toEqual(["one gone", "one returned"]);
});

test("a node whose clock is a minute off is heard; one that is further off, or an old frame, is not", () => {
  const { nodes, pass } = setUp();
  pass(60 * MINUTE);
  const at = (minutes: number) => nodes.heard(`${minutes}`, minutes * MINUTE * 1_000);
  expect([59, 61, 50, 70].map(at)).toEqual([undefined, undefined, "late", "late"]);
});

test("a node whose people nobody reports any more is gone, even if only its news was heard", () => {
  const { nodes, pass, events } = setUp();
  nodes.heard("one", 1);
  pass(3_000);
  nodes.look(true);
  expect(events).toEqual([]);
  pass(1_500);
  nodes.look(true);
  expect(events).toEqual(["one gone"]);
});

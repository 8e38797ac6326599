import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createBudgets, limitsOf } from "../src/budgets.ts";
import { createMetrics } from "../src/metrics.ts";
import { BUDGETS } from "../src/protocol/budgets.ts";
import { createBusLine } from "./support/bus-line.ts";
import { handClock } from "./support/hand-clock.ts";

const MESSAGES = { rate: 10, burst: 30 };
const person = (userId: number, budget?: number) => ({ userId, budget });

function setUp({ scale = 1, messages = MESSAGES } = {}) {
  const { clock, pass } = handClock();
  const line = createBusLine();
  const metrics = createMetrics();
  const node = (name: string) => createBudgets({ scale, messages, clock, bus: line.join(name), metrics });
  return { node, pass, line, metrics };
}

test("nobody ever gets more than a burst and the rate since, however they ask", () => {
  const step = fc.record({
    pauseMs: fc.integer({ min: 0, max: 2_000 }),
    units: fc.double({ min: 0.1, max: 40, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { node, pass } = setUp();
      const budgets = node("one");
      let now = 0;
      const admitted: { at: number; units: number }[] = [];
      for (const { pauseMs, units } of steps) {
        pass(pauseMs);
        now += pauseMs;
        // What exceeds a burst counts as one.
        if (budgets.spend("messages", person(1), units) === 0)
          admitted.push({ at: now, units: Math.min(units, 30) });
      }
      for (const { at: from } of admitted) {
        const since = admitted.filter(({ at }) => at >= from);
        for (const { at: to } of since) {
          const sum = since.filter(({ at }) => at <= to).reduce((total, { units }) => total + units, 0);
          expect(sum).toBeLessThanOrEqual(30 + ((to - from) / 1000) * 10 + 0.01);
        }
      }
    }),
  );
});

test("a key pays with budgets of its own, in whose name it may act", () => {
  const { node } = setUp();
  const budgets = node("one");
  const acting = (userId: number, id = 7) => ({ userId, budget: 10, key: { id, name: "orders" } });
  for (let units = 0; units < 300; units++) expect(budgets.spend("messages", acting(units % 3))).toBe(0);
  expect(budgets.spend("messages", acting(3))).toBeGreaterThan(0);
  expect([budgets.spend("messages", person(1), 30), budgets.spend("messages", acting(1, 8))]).toEqual([0, 0]);
});

test("anyone who waits as long as they are told gets what they asked for", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 50 }), (all) => {
      const { node, pass } = setUp();
      const budgets = node("one");
      for (const units of all) {
        pass(budgets.spend("messages", person(1), units));
        // The first attempt may have succeeded and left too little for a second one.
        pass(budgets.wait("messages", person(1)));
        expect(budgets.wait("messages", person(1))).toBe(0);
      }
    }),
  );
});

test("budgets and people are separate: anyone who spends all of one budget keeps the others, and so does everyone else", () => {
  const budgets = setUp().node("one");
  for (let message = 0; message < 30; message++) expect(budgets.spend("messages", person(1))).toBe(0);
  expect(budgets.spend("messages", person(1))).toBeWithin(1, 101);
  expect(budgets.spend("joins", person(1))).toBe(0);
  expect(budgets.spend("messages", person(2))).toBe(0);
  expect(budgets.spend("visits", "192.0.2.1")).toBe(0);
});

test("a refusal costs nothing, what is given back can be spent again, and a charge can lead into debt", () => {
  const { node, pass } = setUp();
  const budgets = node("one");
  expect(budgets.spend("messages", person(1), 30)).toBe(0);
  for (let attempt = 0; attempt < 100; attempt++) expect(budgets.spend("messages", person(1))).toBe(100);
  budgets.charge("messages", person(1), -5);
  expect(budgets.spend("messages", person(1), 5)).toBe(0);
  budgets.charge("messages", person(1), 10);
  expect(budgets.spend("messages", person(1))).toBe(1_100);
  // Nobody owes more than another burst.
  budgets.charge("messages", person(1), 1_000_000);
  expect(budgets.spend("messages", person(1))).toBe(3_100);
  pass(3_100);
  expect(budgets.spend("messages", person(1))).toBe(0);
});

test("each socket has a bucket of its own", () => {
  const budgets = setUp().node("one");
  const [one, two] = [budgets.bucket("frames"), budgets.bucket("frames")];
  expect(one.spend(BUDGETS.frames.burst, 0)).toBe(0);
  expect(one.spend(1, 0)).toBe(10);
  expect(two.spend(1, 0)).toBe(0);
});

describe("settings", () => {
  test("the scale multiplies rates and bursts, but not those of messages", () => {
    const { limits } = setUp({ scale: 2 }).node("one");
    expect(limits.joins).toEqual({ rate: 2 * BUDGETS.joins.rate, burst: 2 * BUDGETS.joins.burst });
    expect(limits.messages).toEqual(MESSAGES);
  });

  test("a scale of 0 turns off all budgets but that of messages, and MESSAGE_RATE=0 that one", () => {
    const without = setUp({ scale: 0 }).node("one");
    expect(Object.keys(without.limits)).toEqual(["messages"]);
    for (let join = 0; join < 10_000; join++) expect(without.spend("joins", person(1))).toBe(0);
    const chatty = setUp({ messages: { rate: 0, burst: 30 } }).node("one");
    expect(chatty.limits.messages).toBeUndefined();
    for (let message = 0; message < 10_000; message++) expect(chatty.spend("messages", person(1))).toBe(0);
    expect(chatty.wait("messages", person(1))).toBe(0);
  });
});

test("a person who floods three nodes gets the rate of one in the long run; a normal pace is not shared", () => {
  const { node, pass, line } = setUp();
  const nodes = ["one", "two", "three"].map(node);
  for (let second = 0; second < 60; second++) {
    nodes[second % 3]?.spend("messages", person(1));
    pass(1_000);
  }
  expect(line.told).toBe(0);
  let sent = 0;
  for (let tick = 0; tick < 600; tick++) {
    for (const { spend } of nodes) while (spend("messages", person(1)) === 0) sent++;
    pass(100);
  }
  // 60 s at 10 a second, plus a burst on each node in the first half second.
  expect(sent).toBeGreaterThan(550);
  expect(sent).toBeLessThan(600 + 3 * 30 + 60);
});

test("a person whose token has ten times the budgets gets that, on several nodes too, in one bucket with their other tokens", () => {
  const { node, pass } = setUp();
  const nodes = ["one", "two"].map(node);
  const [one] = nodes as [ReturnType<typeof node>];
  const backend = person(1, 10);
  expect(one.spend("messages", backend, 150)).toBe(0);
  expect(one.wait("messages", person(1))).toBe(0);
  expect(one.spend("messages", person(1), 16)).toBeGreaterThan(0);
  expect(one.spend("messages", backend, 150)).toBe(0);
  expect(one.spend("messages", backend)).toBe(10); // a tenth of what others wait
  expect(one.spend("messages", person(2), 30)).toBe(0);
  let sent = 0;
  for (let tick = 0; tick < 600; tick++) {
    for (const { spend } of nodes) while (spend("messages", backend) === 0) sent++;
    pass(100);
  }
  expect(sent).toBeWithin(5_900, 6_000 + 300 + 600);
  expect(limitsOf(backend, one.limits)).toMatchObject({
    messages: { rate: 100, burst: 300 },
    frames: { rate: 1_000, burst: 10_000 },
    visits: { rate: BUDGETS.visits.rate, burst: BUDGETS.visits.burst },
  });
  expect(limitsOf(person(1), one.limits)).toBe(one.limits);
});

test("nodes hear of every heavy user, if there are thousands at once", () => {
  const { node, pass } = setUp();
  const [one, two] = [node("one"), node("two")];
  const heavy = Array.from({ length: 2_500 }, (_, index) => `192.0.${index >> 8}.${index & 255}`);
  for (const network of heavy) expect(one.spend("visits", network, 400)).toBe(0);
  for (let share = 0; share < 4; share++) pass(500);
  const heard = heavy.filter(
    (network) => two.wait("visits", network) === 0 && two.spend("visits", network, 390) > 0,
  );
  expect(heard.length).toBe(heavy.length);
});

test("a hundred thousand strangers neither fill the memory nor make the server forget who owes", () => {
  const { node } = setUp();
  const budgets = node("one");
  expect(budgets.spend("visits", "192.0.2.1", 400)).toBe(0);
  for (let stranger = 0; stranger < 100_000; stranger++) budgets.spend("visits", `2001:db8:${stranger}::/64`);
  expect(budgets.spend("visits", "192.0.2.1", 400)).toBeGreaterThan(19_000);
});

test("anyone who has all networks of an IPv6 site gets ten times the budget of one, and others lose nothing", () => {
  const budgets = setUp().node("one");
  const { burst } = BUDGETS.visits;
  let admitted = 0;
  for (let network = 0; network < 20 * burst; network++)
    if (budgets.spend("visits", `2001:db8:7:${network.toString(16)}::/64`) === 0) admitted++;
  expect(admitted).toBe(10 * burst);
  expect(budgets.wait("visits", "2001:db8:7:ffff::/64")).toBeGreaterThan(0);
  expect(budgets.spend("visits", "2001:db8:7:ffff::/64", 0)).toBe(0); // whole, but not in debt
  budgets.charge("visits", "2001:db8:7:fffe::/64", 2);
  expect(budgets.spend("visits", "2001:db8:7:ffff::/64", 0)).toBeGreaterThan(0);
  expect(budgets.spend("visits", "2001:db8:8:1::/64")).toBe(0);
  expect(budgets.spend("visits", "192.0.2.1")).toBe(0);
});

test("what was over budget is counted, by budget", async () => {
  const { node, metrics } = setUp();
  const budgets = node("one");
  budgets.spend("typing", person(1), 100);
  budgets.spend("typing", person(1));
  expect(await metrics.registry.getSingleMetricAsString("parley_over_budget_total")).toContain(
    'parley_over_budget_total{budget="typing"} 1',
  );
});

import { expect, test } from "bun:test";
import { type Budgets, createBudgets } from "../../src/budgets.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import { createMetrics } from "../../src/metrics.ts";
import { handClock } from "../support/hand-clock.ts";
import { until } from "../support/until.ts";
import { createNode } from "./node.ts";

// A reaction is a small command, but everyone in the room gets the whole message. Two people who reacted to messages of
// maximum length could send 300 KB a second to each of them, more than some lines carry.

const BURST = 1_000;

/** A budget of messages that never comes back, and what is spent of it. */
function counted(): { budgets: Budgets; spent(): number } {
  const budgets = createBudgets({
    scale: 0,
    messages: { rate: 1, burst: BURST },
    clock: handClock().clock,
    bus: createLocalBus(),
    metrics: createMetrics(),
  });
  const fits = (units: number) => {
    if (budgets.spend("messages", { userId: 1 }, units) > 0) return false;
    budgets.charge("messages", { userId: 1 }, -units);
    return true;
  };
  const numbers = Array.from({ length: BURST }, (_, index) => BURST - index);
  return { budgets, spent: () => BURST - (numbers.find(fits) ?? 0) };
}

test("a change costs one more for each 4 KiB of text and reactions that everyone in the room gets", async () => {
  const { budgets, spent } = counted();
  const { connect } = createNode({ budgets });
  const { connection, frames } = connect();
  let ref = 0;
  const costOf = async (command: Record<string, unknown>) => {
    const before = spent();
    ref++;
    connection.receive(JSON.stringify({ ...command, ref, room: "sea", clientId: crypto.randomUUID() }));
    await until(() => frames.some((frame) => frame.type === "ok" && frame.ref === ref));
    return spent() - before;
  };
  const react = { type: "react", emoji: "👍", on: true };

  expect(await costOf({ type: "send", content: "ahoy" })).toBe(1);
  expect(await costOf({ type: "send", content: "x".repeat(4_000) })).toBe(1);
  expect(await costOf({ type: "send", content: "😀".repeat(4_000) })).toBe(1 + 3);
  expect(await costOf({ ...react, id: 1 })).toBe(1);
  expect(await costOf({ ...react, id: 3 })).toBe(1 + 3);
  // It is there already: nobody gets anything.
  expect(await costOf({ ...react, id: 3 })).toBe(1);
  expect(await costOf({ type: "edit", id: 3, content: "short" })).toBe(1);
  expect(await costOf({ type: "delete", id: 3 })).toBe(1);
});

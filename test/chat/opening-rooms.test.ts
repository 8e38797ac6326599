import { expect, test } from "bun:test";
import { createBudgets } from "../../src/budgets.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import { createMetrics } from "../../src/metrics.ts";
import { BUDGETS } from "../../src/protocol/budgets.ts";
import { handClock } from "../support/hand-clock.ts";
import { until } from "../support/until.ts";
import { createNode } from "./node.ts";

// Each post to a room that did not exist yet used to pay for the room until its own ack. A backlog of posts to one new room
// therefore spent the whole budget, and the rest were refused for minutes.
test("posts to one new room that are under way together cost one room", async () => {
  const budgets = createBudgets({
    scale: 1,
    messages: { rate: 0, burst: 0 },
    clock: handClock().clock,
    bus: createLocalBus(),
    metrics: createMetrics(),
  });
  const database = Promise.withResolvers<void>();
  const { connect } = createNode({
    budgets,
    replace: ({ commitCarefully }) => ({
      commit: async (_, changes) => {
        await database.promise;
        return commitCarefully(changes);
      },
    }),
  });
  const { connection, frames } = connect();
  const posts = BUDGETS.rooms.burst + 50;
  for (let ref = 0; ref < posts; ref++)
    connection.receive(
      JSON.stringify({ type: "send", ref, room: "land", clientId: crypto.randomUUID(), content: "ahoy" }),
    );
  await new Promise(setImmediate);
  database.resolve();
  await until(() => frames.filter(({ ref }) => ref !== undefined).length === posts);
  expect(frames.filter(({ type }) => type === "error")).toEqual([]);
  expect(budgets.spend("rooms", { userId: 1 }, BUDGETS.rooms.burst - 1)).toBe(0);
  expect(budgets.spend("rooms", { userId: 1 })).toBeGreaterThan(0);
});

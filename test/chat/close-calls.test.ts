import { expect, test } from "bun:test";
import { createPlaces } from "../../src/limits/places.ts";
import { createSubscription } from "../../src/chat/connection/subscription.ts";
import { createWriter } from "../../src/chat/connection/writer.ts";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import type { Peer } from "../../src/chat/connection/peer.ts";
import type { Timeline } from "../../src/chat/room/timeline.ts";
import { systemClock } from "../../src/clock.ts";
import { afterTurns } from "../support/after-turns.ts";
import { passFor, unlimited, v1 } from "../support/stubs.ts";
import { until } from "../support/until.ts";
import { createNode, nobodyHere, openSocket, post } from "./node.ts";

// Races that the simulation found, one test each.

const joined = (frames: Record<string, unknown>[]) => frames.find(({ type }) => type === "joined");

test("a client that comes from a node that was ahead is resumed, even while an older read is in flight", async () => {
  const gate = Promise.withResolvers<void>();
  let reads = 0;
  const { database, chat, connect, changed } = createNode({
    replace: (database) => ({
      async changesSince(room, after) {
        const page = database.changesSince(room, after);
        if (++reads === 1) await gate.promise;
        return page;
      },
    }),
  });
  database.commitNew([post("a"), post("b")]);
  const watcher = connect();
  await until(() => joined(watcher.frames) !== undefined);
  // A gap makes the node read the database. That snapshot is older than the next commit.
  changed({ epoch: database.epoch, room: "sea", from: 4, to: 4, states: [] });
  await until(() => reads === 1);
  database.commitNew([post("c")]);
  const ahead = connect({ version: 3 });
  await afterTurns();
  gate.resolve();
  await until(() => joined(ahead.frames) !== undefined);
  expect(joined(ahead.frames)).toMatchObject({ version: 3, resumed: true });
  for (const { connection } of [watcher, ahead]) connection.ended();
  await chat.stop();
});

test("a plain repeat is refused as unavailable if its message cannot be read", async () => {
  const { database, chat, connect } = createNode({
    replace: () => ({
      messages: () => Promise.reject(new Error("the database is away")),
    }),
  });
  const clientId = "0b9c2ad8-9d2e-4d0a-8f5e-6f1d0c0a7a11";
  database.commitNew([post(clientId)]);
  const { frames, connection } = connect({ format: "plain" });
  connection.receive(JSON.stringify({ message: "ahoy", clientId }));
  await until(() => frames.length > 0);
  expect(frames).toMatchObject([{ error: { code: "unavailable", retryable: true, clientId } }]);
  connection.ended();
  await chat.stop();
});

test("a plain repeat is refused as unavailable if a restored database has another message with its id", async () => {
  const { database, chat, connect } = createNode({
    replace: (database) => ({
      async messages(room, range, limit) {
        database.restore(0);
        database.commitNew([post("somebody-else")]);
        return database.messages(room, range, limit);
      },
    }),
  });
  const clientId = "0b9c2ad8-9d2e-4d0a-8f5e-6f1d0c0a7a11";
  database.commitNew([post(clientId)]);
  const { frames, connection } = connect({ format: "plain" });
  connection.receive(JSON.stringify({ message: "ahoy", clientId }));
  await until(() => frames.length > 0);
  expect(frames).toMatchObject([{ error: { code: "unavailable", retryable: true, clientId } }]);
  connection.ended();
  await chat.stop();
});

test("a subscription that ends while it sends `synced` does not count as live for ever", async () => {
  let live = 0;
  const subscription = createSubscription(
    {
      codec: v1,
      protocol: v1.start({ send: () => subscription.end() } as unknown as Peer),
      socket: openSocket,
      send() {},
      reenter: async () => undefined,
      parts: {
        budgets: unlimited,
        clock: systemClock,
        turns: { next: () => undefined },
        reads: createPlaces({ each: 2, waiting: 100 }),
        presence: nobodyHere,
        delivery: { began: () => void live++, ended: () => void live-- },
      },
    },
    passFor({ userId: 1, username: "ada" }, "sea"),
    { room: "sea", released: 3, fence: 0 } as Timeline,
    3,
  );
  expect(await subscription.step()).toBe(true);
  expect(live).toBe(0);
});

test("a subscription that lags right after it became live catches up again", async () => {
  let buffered = 0;
  let lags = false;
  let steps = 0;
  const subscription = {
    pass: passFor({ userId: 1, username: "ada" }, "sea"),
    timeline: {} as Timeline,
    isSuspended: false,
    suspend() {},
    takeLeave() {},
    renew() {},
    step: async () => {
      if (++steps === 1)
        queueMicrotask(() => {
          buffered = SOFT_LIMIT + 1;
          writer.lagIfSlow(0);
        });
      else lags = false;
      return true;
    },
    lag: () => (lags = true),
    end() {},
  };
  const writer = createWriter({
    socket: { ...openSocket, buffered: () => buffered },
    parts: { clock: systemClock, lagging() {} },
    subscriptions: [subscription],
    close() {},
  });
  writer.replay(subscription);
  await until(() => lags);
  buffered = 0;
  writer.drained();
  await until(() => !lags);
  writer.end();
});

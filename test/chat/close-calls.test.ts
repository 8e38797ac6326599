import { expect, test } from "bun:test";
import { createFeed } from "../../src/chat/connection/subscription.ts";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import { createOutbox } from "../../src/chat/connection/writer.ts";
import type { Timeline } from "../../src/chat/room/timeline.ts";
import { systemClock } from "../../src/clock.ts";
import { until } from "../support/until.ts";
import { createNode, nobodyHere, openSocket, post } from "./node.ts";

// What the simulation found, once each: moments in which two things meet.

const joined = (frames: Record<string, unknown>[]) => frames.find(({ type }) => type === "joined");

test("who comes from a node that was ahead is resumed, also while an older reading is under way", async () => {
  const gate = Promise.withResolvers<void>();
  let readings = 0;
  const { database, chat, connect, changed } = createNode({
    replace: (database) => ({
      async changesSince(room, after) {
        const page = database.changesSince(room, after);
        if (++readings === 1) await gate.promise;
        return page;
      },
    }),
  });
  database.commitNew([post("a"), post("b")]);
  const watcher = connect();
  await until(() => joined(watcher.frames) !== undefined);
  // A hole, which the node reads the database for: the snapshot is older than what comes next.
  changed({ epoch: database.epoch, room: "sea", from: 4, to: 4, states: [] });
  await until(() => readings === 1);
  database.commitNew([post("c")]);
  const ahead = connect({ version: 3 });
  await Bun.sleep(10);
  gate.resolve();
  await until(() => joined(ahead.frames) !== undefined);
  expect(joined(ahead.frames)).toMatchObject({ version: 3, resumed: true });
  for (const { connection } of [watcher, ahead]) connection.ended();
  await chat.stop();
});

test("a plain repeat that cannot be read back is answered as unavailable, not with silence", async () => {
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

test("a plain repeat whose message a restored database has lost is to be sent again, and shows no other's", async () => {
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

test("a feed whose last frame finds the socket full, which ends it, does not count as live for ever", async () => {
  let live = 0;
  const feed = createFeed(
    {
      format: "v1",
      socket: openSocket,
      send: () => feed.end(),
      counted: (_, change) => void (live += change),
      shared: { turns: { next: () => undefined }, presence: nobodyHere },
    },
    { room: "sea", released: 3 } as Timeline,
    3,
  );
  expect(await feed.step()).toBe(true);
  expect(live).toBe(0);
});

test("a feed that lags in the moment after it became live is caught up again", async () => {
  let buffered = 0;
  let lags = false;
  let steps = 0;
  const feed = {
    timeline: {} as Timeline,
    step: async () => {
      if (++steps === 1)
        queueMicrotask(() => {
          buffered = SOFT_LIMIT + 1;
          outbox.lagIfSlow(0);
        });
      else lags = false;
      return true;
    },
    lag: () => (lags = true),
    end() {},
  };
  const outbox = createOutbox({
    socket: { ...openSocket, buffered: () => buffered },
    shared: { clock: systemClock, lagging() {} },
    feeds: [feed],
    close() {},
  });
  outbox.replay(feed);
  await until(() => lags);
  buffered = 0;
  outbox.drained();
  await until(() => !lags);
  outbox.end();
});

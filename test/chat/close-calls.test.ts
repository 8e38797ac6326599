import { expect, test } from "bun:test";
import type { BusListener } from "../../src/bus/bus.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { Change } from "../../src/chat/change.ts";
import { createChat } from "../../src/chat/chat.ts";
import { createFeed } from "../../src/chat/feed.ts";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import { createOutbox } from "../../src/chat/outbox.ts";
import type { Socket } from "../../src/chat/ports.ts";
import type { MessageStore } from "../../src/chat/store.ts";
import type { Timeline } from "../../src/chat/timeline.ts";
import { systemClock } from "../../src/clock.ts";
import { Refusal } from "../../src/errors.ts";
import { NOWHERE } from "../../src/identity.ts";
import { createLog } from "../../src/log.ts";
import type { RoomChange } from "../../src/message.ts";
import { createDatabase } from "../sim/database.ts";
import { createMeters } from "../sim/meters.ts";
import { until } from "../support/until.ts";

// What the simulation found, once each: moments in which two things meet.

const post = (clientId: string): Change => ({
  kind: "post",
  room: "sea",
  senderId: 1,
  username: "ada",
  clientId,
  content: "ahoy",
  replyTo: null,
});

/** A node over a database in memory, whose reads a test may hold up or replace. */
function node(replace: (database: ReturnType<typeof createDatabase>) => Partial<MessageStore>) {
  const database = createDatabase(
    () => 0,
    100,
    (sentence) => {
      throw new Error(sentence);
    },
  );
  const listeners: NonNullable<BusListener["heard"]>[] = [];
  const chat = createChat({
    store: {
      lanes: 1,
      commit: async (_, changes) => database.commitCarefully(changes),
      changesSince: async (room, after) => database.changesSince(room, after),
      postsSince: async (room, after) => database.postsSince(room, after),
      messages: async (room, range, limit) => database.messages(room, range, limit),
      counters: async (rooms) => database.counters(rooms),
      ...replace(database),
    },
    bus: {
      ...createLocalBus(),
      listen: ({ heard }) => heard && listeners.push(heard),
    },
    standing: {
      ask: async (people) => people.map(() => ({ reason: null, banned: NOWHERE })),
      onEnded: () => () => {},
      onBansChanged: () => () => {},
    },
    authenticate: () => Promise.reject(new Refusal("token_invalid")),
    members: {
      joined: async () => ({ lastRead: 0, unread: 0 }),
      posted() {},
      begun() {},
      read: async (_, __, id) => ({ lastRead: id, moved: false }),
    },
    fanout: { publish: () => false },
    clock: systemClock,
    log: createLog("silent"),
    metrics: createMeters().metrics,
    random: () => 0,
    epoch: database.epoch,
    settings: {
      roomAccess: "open",
      messageChars: 100,
      messageRate: 0,
      messageBurst: 1,
      socketsPerUser: 9,
      roomsPerSocket: 9,
    },
  });
  const connect = (format: "v1" | "plain", version?: number) => {
    const frames: Record<string, unknown>[] = [];
    const connection = chat.connect({
      socket: { ...socket, send: (frame) => void frames.push(JSON.parse(frame)) },
      identity: {
        userId: 1,
        username: "ada",
        sessionId: null,
        expiresAt: Date.now() + 60_000,
        rooms: null,
        banned: NOWHERE,
      },
      format,
      room: "sea",
      ...(version !== undefined && { since: { epoch: database.epoch, version } }),
    });
    connection.open();
    return { frames, connection };
  };
  const changed = (change: RoomChange) =>
    listeners.forEach((heard) => heard({ type: "changed", ...change }, "another node"));
  return { database, chat, connect, changed };
}

const socket: Socket = {
  send() {},
  buffered: () => 0,
  subscribe() {},
  unsubscribe() {},
  pause() {},
  resume() {},
  close() {},
};

const joined = (frames: Record<string, unknown>[]) => frames.find(({ type }) => type === "joined");

test("who comes from a node that was ahead is resumed, also while an older reading is under way", async () => {
  const gate = Promise.withResolvers<void>();
  let readings = 0;
  const { database, chat, connect, changed } = node((database) => ({
    async changesSince(room, after) {
      const page = database.changesSince(room, after);
      if (++readings === 1) await gate.promise;
      return page;
    },
  }));
  database.commitNew([post("a"), post("b")]);
  const watcher = connect("v1");
  await until(() => joined(watcher.frames) !== undefined);
  // A hole, which the node reads the database for: the snapshot is older than what comes next.
  changed({ epoch: database.epoch, room: "sea", from: 4, to: 4, states: [] });
  await until(() => readings === 1);
  database.commitNew([post("c")]);
  const ahead = connect("v1", 3);
  await Bun.sleep(10);
  gate.resolve();
  await until(() => joined(ahead.frames) !== undefined);
  expect(joined(ahead.frames)).toMatchObject({ version: 3, resumed: true });
  for (const { connection } of [watcher, ahead]) connection.ended();
  await chat.stop();
});

test("a plain repeat that cannot be read back is answered as unavailable, not with silence", async () => {
  const { database, chat, connect } = node(() => ({
    messages: () => Promise.reject(new Error("the database is away")),
  }));
  const clientId = "0b9c2ad8-9d2e-4d0a-8f5e-6f1d0c0a7a11";
  database.commitNew([post(clientId)]);
  const { frames, connection } = connect("plain");
  connection.receive(JSON.stringify({ message: "ahoy", clientId }));
  await until(() => frames.length > 0);
  expect(frames).toMatchObject([{ error: { code: "unavailable", retryable: true, clientId } }]);
  connection.ended();
  await chat.stop();
});

test("a plain repeat whose message a restored database has lost is to be sent again, and shows no other's", async () => {
  const { database, chat, connect } = node((database) => ({
    async messages(room, range, limit) {
      database.restore(0);
      database.commitNew([post("somebody-else")]);
      return database.messages(room, range, limit);
    },
  }));
  const clientId = "0b9c2ad8-9d2e-4d0a-8f5e-6f1d0c0a7a11";
  database.commitNew([post(clientId)]);
  const { frames, connection } = connect("plain");
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
      socket,
      send: () => feed.end(),
      counted: (_, change) => void (live += change),
      shared: { turns: { next: () => undefined } },
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
          outbox.lagIfSlow();
        });
      else lags = false;
      return true;
    },
    lag: () => (lags = true),
    end() {},
  };
  const outbox = createOutbox({
    socket: { ...socket, buffered: () => buffered },
    shared: { clock: systemClock, lagging() {} },
    feeds: [feed],
    close() {},
  });
  outbox.replay(feed);
  await Bun.sleep(1);
  expect(lags).toBe(true);
  buffered = 0;
  outbox.drained();
  await until(() => !lags);
  outbox.end();
});

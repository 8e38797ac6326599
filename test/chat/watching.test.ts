import { expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local.ts";
import type { BusListener } from "../../src/bus/bus.ts";
import type { OpenConnection } from "../../src/chat/connection/hub.ts";
import { createWatching } from "../../src/chat/connection/watching.ts";
import type { MembershipChange, WatchedRoom, WatchStore } from "../../src/chat/watch.ts";
import { Refusal } from "../../src/errors.ts";
import { handClock } from "../support/hand-clock.ts";

// One node's watching, with the database and the other nodes in the hands of the test.

const ADA = 1;

function setUp(stamp = 0) {
  const { clock, pass } = handClock();
  const posts = new Map([
    ["attic", 5],
    ["hall", 7],
  ]);
  const idOf = (room: string) => [...posts.keys()].indexOf(room) + 1;
  const stateOf = (room: string): WatchedRoom => ({
    roomId: idOf(room),
    room,
    post: posts.get(room) ?? 0,
    title: 0,
  });
  /** By room. */
  const memberships = new Map<string, MembershipChange>();
  const asked = { changes: 0, states: 0 };
  let away = false;
  let loading: Promise<void> | undefined;
  const reach = () => {
    if (away) throw new Refusal("unavailable");
  };
  const store: WatchStore = {
    async roomsOf(userIds) {
      reach();
      const found = userIds.map(() => [stateOf("attic"), stateOf("hall")]);
      await loading;
      return found;
    },
    async states(ids) {
      reach();
      asked.states++;
      return [...posts.keys()].map(stateOf).filter(({ roomId }) => ids.includes(roomId));
    },
    async changes(after, limit) {
      reach();
      asked.changes++;
      return [...memberships.values()]
        .filter(({ stamp }) => stamp > after)
        .toSorted((a, b) => a.stamp - b.stamp)
        .slice(0, limit);
    },
    mentioning: async () => new Set(),
    mentions: async () => new Map(),
    async stamp() {
      reach();
      return Math.max(0, ...[...memberships.values()].map(({ stamp }) => stamp));
    },
  };
  const told: string[] = [];
  const socket = {
    identity: { userId: ADA, grants: null },
    protocol: { listed: (room: string, change: string) => void told.push(`${room} ${change}`) },
    watchIfAny: { active: (room: string, id: number) => void told.push(`${room} ${id}`) },
  } as unknown as OpenConnection;
  const listeners: NonNullable<BusListener["heard"]>[] = [];
  const watching = createWatching({
    store,
    clock,
    stamp,
    hub: { of: (userId) => (userId === ADA ? [socket] : []) },
    access: { mayList: () => true },
    bus: { ...createLocalBus(), listen: ({ heard }) => void (heard && listeners.push(heard)) },
  });
  const settle = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      pass(50);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  return {
    watching,
    posts,
    asked,
    settle,
    take: () => told.splice(0),
    heard: (room: string, id: number) =>
      listeners.forEach((heard) => heard({ type: "activity", rooms: [[room, id]] }, "other")),
    changed: (stamp: number, room: string, isIn: boolean, isNew = true) =>
      void memberships.set(room, { ...stateOf(room), stamp, userId: ADA, isIn, isNew }),
    lose: (is: boolean) => void (away = is),
    stall: (until: Promise<void> | undefined) => void (loading = until),
  };
}

/** A watching whose person has begun to watch. */
async function begun(stamp = 0) {
  const at = setUp(stamp);
  const added = at.watching.add(ADA);
  await at.settle(100);
  await added;
  return at;
}

test("news of other nodes is told at once, and what the bus lost is found in the database", async () => {
  const { posts, heard, settle, take } = await begun();
  heard("attic", 6);
  heard("cellar", 9);
  await settle(100);
  expect(take()).toEqual(["attic 6"]);
  // Old news is no news.
  heard("attic", 6);
  heard("attic", 4);
  posts.set("attic", 6).set("hall", 8);
  await settle(2_100);
  expect(take()).toEqual(["hall 8"]);
});

test("a room is told of once a second, with its newest message", async () => {
  const { heard, settle, take } = await begun();
  for (let id = 6; id <= 25; id++) {
    heard("attic", id);
    await settle(100);
  }
  await settle(1_500);
  const told = take();
  expect(told.at(-1)).toBe("attic 25");
  expect(told.length).toBeLessThanOrEqual(4);
});

test("someone who is out of a room hears no more of it, and a transaction that commits late is found", async () => {
  const { changed, heard, settle, take, posts } = await begun();
  posts.set("cellar", 1);
  changed(20, "hall", false);
  await settle(1_100);
  expect(take()).toEqual(["hall removed"]);
  heard("hall", 9);
  // It took its stamp before the other one, and committed after it.
  changed(19, "cellar", true);
  await settle(1_100);
  heard("cellar", 2);
  await settle(1_100);
  expect(take()).toEqual(["cellar added", "cellar 2"]);
  changed(21, "cellar", true, false);
  changed(22, "hall", true);
  await settle(1_100);
  heard("hall", 10);
  await settle(1_100);
  expect(take()).toEqual(["cellar changed", "hall added", "hall 10"]);
  await settle(20_000);
  expect(take()).toEqual([]);
});

test("a transaction that was under way when the process started or learned of a restore is found", async () => {
  const { watching, changed, settle, take, posts } = await begun(20);
  posts.set("cellar", 1);
  // It took its stamp before the latest one was read, and committed after that.
  changed(19, "cellar", true);
  await settle(1_100);
  expect(take()).toEqual(["cellar added"]);
  watching.restored();
  await settle(100);
  expect(take()).toEqual([]);
  changed(12, "hall", false);
  await settle(1_100);
  expect(take()).toEqual(["hall removed"]);
});

test("a removal while the rooms are being read counts", async () => {
  const { watching, changed, heard, settle, take, stall } = setUp();
  const read = Promise.withResolvers<void>();
  stall(read.promise);
  const added = watching.add(ADA);
  await settle(100);
  changed(5, "hall", false);
  await settle(1_100);
  read.resolve();
  await settle(100);
  await added;
  heard("hall", 8);
  heard("attic", 6);
  await settle(100);
  expect(take()).toEqual(["hall removed", "attic 6"]);
});

test("nobody is told of activity while memberships cannot be checked, and everything follows later", async () => {
  const { lose, heard, changed, settle, take } = await begun();
  lose(true);
  await settle(9_000);
  heard("attic", 6);
  heard("hall", 8);
  await settle(5_000);
  expect(take()).toEqual([]);
  changed(30, "hall", false);
  lose(false);
  await settle(2_000);
  expect(take()).toEqual(["hall removed", "attic 6"]);
});

test("without watchers no room is asked about, and changes of memberships are read once a second", async () => {
  const { watching, asked, settle } = await begun();
  watching.remove(ADA);
  Object.assign(asked, { changes: 0, states: 0 });
  await settle(10_000);
  expect(asked.states).toBe(0);
  expect(asked.changes).toBeLessThanOrEqual(11);
});

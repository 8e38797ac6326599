import { expect, test } from "bun:test";
import { createPlaces } from "../../src/limits/places.ts";
import type { Codec } from "../../src/chat/connection/codec.ts";
import type { Peer } from "../../src/chat/connection/peer.ts";
import { createSubscription } from "../../src/chat/connection/subscription.ts";
import { REPLAY_MAX, SOFT_LIMIT } from "../../src/chat/limits.ts";
import type { Pass } from "../../src/chat/pass.ts";
import { createTimeline } from "../../src/chat/room/timeline.ts";
import type { Message } from "../../src/message.ts";
import { handClock } from "../support/hand-clock.ts";
import { named, passFor, plain, unlimited, v1 } from "../support/stubs.ts";
import { nobodyHere } from "./node.ts";

const nothing = () => {};
const TITLE = { type: "title", users: [], title: "Green tea" } as const;
/** A post as it is released. */
const stored = (version: number): Message => ({
  id: version,
  version,
  ...named("ada"),
  clientId: crypto.randomUUID(),
  content: "hello",
  data: null,
  replyTo: null,
  thread: null,
  files: null,
  mentions: null,
  timestamp: "2030-01-01T00:00:00.000Z",
  editedAt: null,
  deletedAt: null,
  reactions: [],
  notice: null,
});

/** A reader that has nothing of a room at version 3. The database returns `has` for each read. */
function behind(
  has: { counter: number; end: number; fence?: number },
  buffered = () => 0,
  spend = () => 0,
  reenter: () => Promise<Pass | undefined> = async () => undefined,
  codec: Codec = v1,
) {
  const { clock, pass } = handClock();
  const read = async () => ({ epoch: "e", fence: 0, messages: [], ...has });
  const timeline = createTimeline({
    room: "tea",
    epoch: "e",
    store: { changesSince: read, postsSince: read },
    clock,
    prepare: () => nothing,
    noticed: nothing,
    suspend: nothing,
    repaired: nothing,
    setBack: nothing,
    epochChanged: nothing,
    overrun: () => nothing,
  });
  timeline.start(3, 0);
  const frames: unknown[] = [];
  const send = (frame: string) => void frames.push(JSON.parse(frame));
  const subscription = createSubscription(
    {
      codec,
      protocol: codec.start({ send } as Peer),
      socket: { subscribe: nothing, unsubscribe: nothing, buffered },
      parts: {
        budgets: { ...unlimited, spend },
        clock,
        turns: { next: () => undefined },
        reads: createPlaces({ each: 2, waiting: 100 }),
        presence: { ...nobodyHere, online: () => 2, people: () => [named("ada"), named("ben")] },
        delivery: { began: nothing, ended: nothing },
      },
      send,
      reenter,
    },
    passFor({ userId: 1, username: "ada" }, "tea"),
    timeline,
    0,
  );
  return { subscription, frames, pass, timeline };
}

// What a room is called changes without taking a right from anyone, so a pass may be older.
test("a reader that misses too much is told what the room is called by now", async () => {
  const old = passFor({ userId: 1, username: "ada" }, "tea");
  const renewed = {
    ...old,
    membership: { ...old.membership, title: "Green tea", history: "joined" as const },
  };
  const far = 3 + REPLAY_MAX;
  const has = { counter: far, end: far };
  const { subscription, frames, timeline } = behind(has, undefined, undefined, async () => renewed);
  timeline.start(far, 0);
  expect(await subscription.step()).toBe(true);
  expect(frames).toMatchObject([
    { type: "joined", resumed: false, version: far, title: "Green tea", history: "joined" },
    { type: "synced", version: far },
  ]);
});

test("a timeline knows since when a room may be called something else", () => {
  const { timeline } = behind({ counter: 3, end: 3 });
  expect(timeline.noted).toBe(3);
  const [post, notice] = [4, 5].map((version) => ({
    ...stored(version),
    notice: version === 5 ? TITLE : null,
  }));
  for (const state of [post, notice, stored(6)] as Message[])
    timeline.add({ epoch: "e", room: "tea", from: state.id, to: state.id, states: [state] });
  expect([timeline.released, timeline.noted]).toEqual([6, 5]);
});

test("a subscription becomes live after the last page", async () => {
  const { subscription, frames } = behind({ counter: 3, end: 3 });
  expect(await subscription.step()).toBe(true);
  expect(frames).toMatchObject([{ type: "synced", version: 3 }]);
});

// A live socket must have room for everything that may be published before the next check of all sockets.
test("a subscription whose page has filled the socket becomes live only after the socket has drained", async () => {
  let waiting = SOFT_LIMIT + 1;
  const { subscription, frames } = behind({ counter: 3, end: 3 }, () => waiting);
  expect(await subscription.step()).toBe(false);
  expect(frames).toEqual([]);
  waiting = SOFT_LIMIT;
  expect(await subscription.step()).toBe(true);
  expect(frames).toMatchObject([{ type: "synced", version: 3 }]);
});

test("a lagging reader is told so by the next step, not while its socket is full", async () => {
  const { subscription, frames } = behind({ counter: 3, end: 3 });
  await subscription.step();
  frames.length = 0;
  expect(subscription.lag()).toBe(true);
  expect(frames).toEqual([]);
  expect(await subscription.step()).toBe(true);
  expect(frames).toMatchObject([
    { type: "lagging", version: 3 },
    { type: "presence", online: 2, joined: ["ada", "ben"] }, // it missed who came and went meanwhile
    { type: "synced", version: 3 },
  ]);
});

// Pages are cached for a moment. Without this error, the subscription would read the same page in an endless loop.
test("a step fails, to be retried later, if the database has less than was released", async () => {
  const { subscription, frames } = behind({ counter: 0, end: 0 });
  await expect(subscription.step()).rejects.toThrow("less of the room than was released");
  expect(frames).toEqual([]);
});

test("a reader whose budget for replays is spent gets the next page later", async () => {
  const waits = [250, 0];
  const has = { counter: 3, end: 3 };
  const { subscription, frames, pass } = behind(
    has,
    () => 0,
    () => waits.shift() ?? 0,
  );
  const step = subscription.step();
  pass(249);
  expect(frames).toEqual([]);
  pass(1);
  expect(await step).toBe(false);
  expect(await subscription.step()).toBe(true);
  expect(frames).toMatchObject([{ type: "synced", version: 3 }]);
});

test("a subscription that ends while its next page has to wait is done", async () => {
  const { subscription, frames, pass } = behind(
    { counter: 3, end: 3 },
    () => 0,
    () => 250,
  );
  const step = subscription.step();
  subscription.end();
  pass(250);
  expect(await step).toBe(true);
  expect(frames).toEqual([]);
});

test("a suspended reader that is behind sends nothing before its pass was renewed", async () => {
  const { subscription, frames } = behind({ counter: 3, end: 3 });
  subscription.suspend();
  expect(await subscription.step()).toBe(false);
  expect(frames).toEqual([]);
});

test("a page that was under way when the reader was suspended is not sent", async () => {
  const { subscription, frames } = behind({ counter: 3, end: 3 });
  const step = subscription.step();
  subscription.suspend();
  expect(await step).toBe(false);
  expect(frames).toEqual([]);
});

test("a page that is newer than the rights of its reader is not sent, and suspends the reader", async () => {
  const { subscription, frames } = behind({ counter: 3, end: 3, fence: 1 });
  expect(await subscription.step()).toBe(false);
  expect(subscription.isSuspended).toBe(true);
  expect(frames).toEqual([]);
});

test("a page by id waits until everything in it was released", async () => {
  const { subscription, timeline } = behind({ counter: 5, end: 5 }, undefined, undefined, undefined, plain);
  let isDone = false;
  const step = subscription.step().then(() => (isDone = true));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  timeline.add({ epoch: "e", room: "tea", from: 4, to: 5, states: [stored(4), stored(5)] });
  await step;
});

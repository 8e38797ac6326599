import { expect, test } from "bun:test";
import { createFeed } from "../../src/chat/connection/subscription.ts";
import { SOFT_LIMIT } from "../../src/chat/limits.ts";
import { createTimeline } from "../../src/chat/room/timeline.ts";
import { handClock } from "../support/hand-clock.ts";
import { nobodyHere } from "./node.ts";

const nothing = () => {};

/** A reader who has nothing yet of a room whose counter is 3; the database answers each reading with what it `has`. */
function behind(has: { counter: number; end: number }, buffered = () => 0) {
  const read = async () => ({ epoch: "e", messages: [], ...has });
  const timeline = createTimeline({
    room: "tea",
    epoch: "e",
    store: { changesSince: read, postsSince: read },
    clock: handClock().clock,
    prepare: () => nothing,
    repaired: nothing,
    epochChanged: nothing,
    overrun: () => nothing,
  });
  timeline.start(3);
  const frames: string[] = [];
  const feed = createFeed(
    {
      format: "v1",
      socket: { subscribe: nothing, unsubscribe: nothing, buffered },
      shared: {
        turns: { next: () => undefined },
        presence: { ...nobodyHere, online: () => 2, people: () => ["ada", "ben"] },
      },
      send: (frame) => void frames.push(frame),
      counted: nothing,
    },
    timeline,
    0,
  );
  return { feed, frames };
}

test("a page that ends where the room does makes a feed live", async () => {
  const { feed, frames } = behind({ counter: 3, end: 3 });
  expect(await feed.step()).toBe(true);
  expect(frames.map((frame) => JSON.parse(frame))).toMatchObject([{ type: "synced", version: 3 }]);
});

// Between two looks at the sockets as much may come as a socket has room for that has drained.
test("a feed whose page has filled the socket is live when that has drained, not before", async () => {
  let waiting = SOFT_LIMIT + 1;
  const { feed, frames } = behind({ counter: 3, end: 3 }, () => waiting);
  expect(await feed.step()).toBe(false);
  expect(frames).toEqual([]);
  waiting = SOFT_LIMIT;
  expect(await feed.step()).toBe(true);
  expect(frames.map((frame) => JSON.parse(frame))).toMatchObject([{ type: "synced", version: 3 }]);
});

test("a feed that lags says so when its turn comes, and not into a socket that is full", async () => {
  const { feed, frames } = behind({ counter: 3, end: 3 });
  await feed.step();
  frames.length = 0;
  expect(feed.lag()).toBe(true);
  expect(frames).toEqual([]);
  expect(await feed.step()).toBe(true);
  expect(frames.map((frame) => JSON.parse(frame))).toMatchObject([
    { type: "lagging", version: 3 },
    { type: "presence", online: 2, joined: ["ada", "ben"] }, // who came and went meanwhile it has not heard
    { type: "synced", version: 3 },
  ]);
});

// The page is kept for a while and read again at once: without an end to it, that was a loop that never let go.
test("a page without progress is a failure that is tried again later: the database has less than was delivered", async () => {
  const { feed, frames } = behind({ counter: 0, end: 0 });
  await expect(feed.step()).rejects.toThrow("less of the room than was released");
  expect(frames).toEqual([]);
});

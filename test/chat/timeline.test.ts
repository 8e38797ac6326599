import { expect, test } from "bun:test";
import type { Page } from "../../src/chat/ports.ts";
import { createTimeline } from "../../src/chat/room/timeline.ts";
import { systemClock } from "../../src/clock.ts";
import type { Message } from "../../src/message.ts";

// A timeline alone: whenever it moves the fence without a notice that says why, no reader goes on with the rights from before.

const message = (version: number): Message => ({
  id: version,
  version,
  username: "ada",
  user: { id: "u_ada" },
  clientId: crypto.randomUUID(),
  content: `${version}`,
  data: null,
  replyTo: null,
  thread: null,
  files: null,
  mentions: null,
  timestamp: "2026-01-02T03:04:05.678901Z",
  editedAt: null,
  deletedAt: null,
  reactions: [],
  notice: null,
});

/** A timeline that starts at version 1 and fence 1, and the steps that it takes with its readers. */
function stage(page: Partial<Page>, fits = true) {
  const steps: string[] = [];
  const pageOf = async (): Promise<Page> => ({
    ...{ epoch: "first", counter: 3, fence: 1, messages: [2, 3].map(message), end: 3 },
    ...page,
  });
  const timeline = createTimeline({
    room: "sea",
    epoch: "first",
    store: { changesSince: pageOf, postsSince: pageOf },
    clock: systemClock,
    prepare: () => (fits ? () => steps.push("published") : undefined),
    noticed: () => steps.push("noticed"),
    suspend: () => steps.push("suspended"),
    overrun: () => () => steps.push("read on"),
    repaired: () => {},
    setBack: () => {},
    epochChanged: () => {},
  });
  timeline.start(1, 1);
  return { timeline, steps };
}

test("a page with a newer fence suspends all readers, after what it has was published", async () => {
  const { timeline, steps } = stage({ fence: 2 });
  await timeline.catchUp();
  expect(steps).toEqual(["published", "suspended"]);
  expect(timeline).toMatchObject({ released: 3, fence: 2 });
  timeline.stop();
});

test("a page with the same fence suspends nobody", async () => {
  const { timeline, steps } = stage({});
  await timeline.catchUp();
  expect(steps).toEqual(["published"]);
  timeline.stop();
});

test("readers that are to page what was skipped are suspended first if it moved the fence", async () => {
  const removal = { ...message(3), notice: { type: "removed", fence: 2, users: [] } } as Message;
  const { timeline, steps } = stage({}, false);
  timeline.add({ epoch: "first", room: "sea", from: 2, to: 3, states: [message(2), removal] });
  expect(steps).toEqual(["suspended", "read on"]);
  expect(timeline).toMatchObject({ released: 3, fence: 2 });
  timeline.stop();
});

test("readers page what was skipped with the rights that they have if the fence is the same", async () => {
  const { timeline, steps } = stage({}, false);
  timeline.add({ epoch: "first", room: "sea", from: 2, to: 2, states: [message(2)] });
  expect(steps).toEqual(["read on"]);
  timeline.stop();
});

test("a counter that comes with a newer fence, and with nothing unreleased, suspends all readers", () => {
  const { timeline, steps } = stage({});
  timeline.confirm({ released: 1, fence: 2 }, { released: 1, fence: 1 });
  expect(steps).toEqual(["suspended"]);
  timeline.stop();
});

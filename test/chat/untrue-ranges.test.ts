import { expect, test } from "bun:test";
import type { BusListener } from "../../src/bus/bus.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { News } from "../../src/bus/news.ts";
import { createRooms } from "../../src/chat/room/rooms.ts";
import type { Message } from "../../src/message.ts";
import { handClock } from "../support/hand-clock.ts";
import { until } from "../support/until.ts";

const FAR = Number.MAX_SAFE_INTEGER;

const message = (id: number, content = "said"): Message => ({
  id,
  version: id,
  username: "ada",
  clientId: crypto.randomUUID(),
  content,
  replyTo: null,
  timestamp: "2030-01-01T00:00:00.000000Z",
  editedAt: null,
  deletedAt: null,
  reactions: [],
});

/** A room with a reader, on a bus that says what the test makes it say. */
async function openRoom() {
  const { clock, pass } = handClock();
  const stored: Message[] = [];
  const shown: string[] = [];
  const listeners: BusListener[] = [];
  let restarts = 0;
  const read = async (_: string, after: number) => ({
    epoch: "e",
    counter: stored.length,
    end: stored.length,
    messages: stored.slice(after),
  });
  const rooms = createRooms({
    store: {
      counters: async (names) => ({
        epoch: "e",
        versions: new Map(names.map((name) => [name, stored.length])),
      }),
      changesSince: read,
      postsSince: read,
    },
    bus: { ...createLocalBus(), listen: (listener) => void listeners.push(listener) },
    clock,
    epoch: "e",
    prepare: (_, states) => () => void shown.push(...states.map(({ id, content }) => `${id} ${content}`)),
    overrun() {
      restarts++;
      return () => {};
    },
    repaired() {},
    setBack() {},
    checked() {},
    epochChanged() {},
  });
  const timeline = await rooms.open("tea");
  return {
    timeline,
    shown,
    pass,
    restarts: () => restarts,
    say: (news: News) => listeners.forEach(({ heard }) => heard?.(news, "a node")),
    /** Someone posts on this node. */
    post() {
      const posted = message(stored.length + 1);
      stored.push(posted);
      rooms.committed({ room: "tea", epoch: "e", from: posted.id, to: posted.id, states: [posted] });
    },
    /** Someone posts on another node, which does not say so. */
    postElsewhere: () => void stored.push(message(stored.length + 1)),
  };
}

// One such frame made every later message undeliverable: all of them were below what had been released.
test.each<[string, (posted: Message) => News]>([
  ["a range", (posted) => ({ type: "changed", room: "tea", epoch: "e", from: 1, to: FAR, states: [posted] })],
  [
    "a range with a state",
    () => ({ type: "changed", room: "tea", epoch: "e", from: 1, to: FAR, states: [message(FAR)] }),
  ],
  [
    "a range that begins there",
    () => ({ type: "changed", room: "tea", epoch: "e", from: FAR, to: FAR, states: [message(FAR)] }),
  ],
  ["a version", () => ({ type: "moved", room: "tea", epoch: "e", version: FAR })],
])("%s far beyond the room's counter is looked up, not believed", async (_, lie) => {
  const { timeline, shown, pass, restarts, say, post, postElsewhere } = await openRoom();
  postElsewhere();
  say(lie(message(1)));
  pass(20);
  await until(() => timeline.released === 1);
  post();
  expect(shown).toEqual(["1 said", "2 said"]);
  expect(restarts()).toBe(0);
});

test("if a node reports a message that nobody posted, readers start again, and real messages arrive", async () => {
  const { timeline, shown, pass, restarts, say, post, postElsewhere } = await openRoom();
  post();
  say({ type: "changed", room: "tea", epoch: "e", from: 2, to: 4, states: [message(4, "forged")] });
  expect(timeline.released).toBe(4);
  postElsewhere();
  post(); // the third message, of which readers have a forged version
  pass(1_000); // the check of the counters
  await until(() => timeline.setbacks === 1);
  pass(20);
  await until(() => timeline.released === 3);
  expect(restarts()).toBe(1);
  post();
  // From where the database had confirmed what was shown, which is the beginning.
  expect(shown).toEqual(["1 said", "4 forged", "1 said", "2 said", "3 said", "4 said"]);
});

import { expect, test } from "bun:test";
import type { BusListener } from "../../src/bus/bus.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { News } from "../../src/bus/news.ts";
import { openFor } from "../../src/chat/room/catchup.ts";
import { createRooms } from "../../src/chat/room/rooms.ts";
import type { Message } from "../../src/message.ts";
import { handClock } from "../support/hand-clock.ts";
import { until } from "../support/until.ts";
import { named } from "../support/stubs.ts";

const FAR = Number.MAX_SAFE_INTEGER;

const message = (id: number, content = "said"): Message => ({
  id,
  version: id,
  ...named("ada"),
  clientId: crypto.randomUUID(),
  content,
  data: null,
  replyTo: null,
  thread: null,
  files: null,
  mentions: null,
  timestamp: "2030-01-01T00:00:00.000000Z",
  editedAt: null,
  deletedAt: null,
  reactions: [],
  notice: null,
});

/** A room with a reader, on a bus that says what the test makes it say. */
async function openRoom() {
  const { clock, pass } = handClock();
  const stored: Message[] = [];
  const shown: string[] = [];
  const listeners: BusListener[] = [];
  let restarts = 0;
  let reads = 0;
  /** How many rooms each comparison with the database was about. */
  const compared: number[] = [];
  const read = async (_: string, after: number) => {
    reads++;
    return {
      epoch: "e",
      counter: stored.length,
      fence: 0,
      end: stored.length,
      messages: stored.slice(after),
    };
  };
  const rooms = createRooms({
    store: {
      async counters(names) {
        compared.push(names.length);
        return {
          epoch: "e",
          versions: new Map(names.map((name) => [name, stored.length])),
          fences: new Map(),
        };
      },
      changesSince: read,
      postsSince: read,
    },
    bus: { ...createLocalBus(), listen: (listener) => void listeners.push(listener) },
    clock,
    epoch: "e",
    prepare: (_, states) => () => void shown.push(...states.map(({ id, content }) => `${id} ${content}`)),
    noticed() {},
    suspend() {},
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
    rooms,
    timeline,
    shown,
    pass,
    compared,
    restarts: () => restarts,
    reads: () => reads,
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

// Anyone could keep a room's timeline reading, by joining with a position that nobody has reached. What others posted
// meanwhile waited for these reads.
test("a client that claims to be ahead makes its room read nothing, unless the database has more", async () => {
  const { rooms, timeline, reads, shown, post, postElsewhere } = await openRoom();
  const join = (version: number) => openFor(rooms, "tea", { epoch: "e", version }, () => {});
  post();
  for (const version of [2, FAR]) expect(await join(version)).toBe(timeline);
  expect(reads()).toBe(0);
  postElsewhere();
  await join(2);
  expect([timeline.released, reads(), shown.length]).toEqual([2, 1, 2]);
});

// One person can have ten thousand rooms open. A statement about all of them took so long that messages waited for it.
test("open rooms are compared with the database a thousand at a time", async () => {
  const { rooms, pass, compared } = await openRoom();
  await Promise.all(Array.from({ length: 2_499 }, (_, index) => rooms.open(`room-${index}`)));
  compared.length = 0;
  pass(1_000);
  await until(() => compared.length === 3);
  expect(compared).toEqual([1_000, 1_000, 500]);
});

import { expect, test } from "bun:test";
import type { EventFeed, EventPage } from "../../src/chat/chat.ts";
import { Refusal } from "../../src/errors.ts";
import { streamEvents } from "../../src/http/eventstream.ts";
import { posted } from "../../src/chat/change.ts";
import { post } from "../chat/stocked.ts";

// A stream of events by itself: how much it reads ahead, what it does while the database is away, and how it ends.

/** A stream over pages that a test writes down. A page may be an error, or never come. */
function setUp(
  pages: readonly (EventPage | Error)[],
  more: { stopping?: () => boolean; sent?: (events: number) => void } = {},
) {
  const counts = { reads: 0, ended: 0, events: 0 };
  const left = [...pages];
  const feed: EventFeed = {
    cursor: "here",
    async next() {
      counts.reads++;
      const page = left.shift();
      if (page instanceof Error) throw page;
      return page ?? { events: [], cursor: "here", more: false };
    },
    wait: (_, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
    check: async () => {},
  };
  const stream = streamEvents({
    feed,
    check: async () => true,
    owed: () => 0,
    sent(events) {
      counts.events += events;
      more.sent?.(events);
    },
    stopping: more.stopping ?? (() => false),
    ended: () => void counts.ended++,
  });
  const reader = stream.getReader();
  const read = async () => {
    const { value } = await reader.read();
    return value === undefined ? undefined : new TextDecoder().decode(value as Uint8Array);
  };
  return { counts, reader, read };
}

const pageOf = (version: number): EventPage => ({
  events: [{ room: "den", message: posted(post(1, "den", "hello"), version, ""), cursor: `c${version}` }],
  cursor: `c${version}`,
  more: true,
});

test("a stream says where it begins, and reads only what its reader takes", async () => {
  const { counts, reader, read } = setUp([pageOf(1), pageOf(2), pageOf(3)]);
  expect(await read()).toBe("retry: 1000\nid: here\n\n");
  await Bun.sleep(5);
  expect(counts).toEqual({ reads: 0, ended: 0, events: 0 });
  expect(await read()).toMatch(/^id: c1\ndata: \{"type":"message","room":"den".*"cursor":"c1"\}\n\n$/);
  await Bun.sleep(5);
  expect(counts).toEqual({ reads: 1, ended: 0, events: 1 });
  await reader.cancel();
  expect(counts.ended).toBe(1);
});

test("a long look that finds nothing counts as a part", async () => {
  const sent: number[] = [];
  const nothing: EventPage = { events: [], cursor: "here", more: true };
  const { read, reader } = setUp([nothing, nothing, pageOf(1)], { sent: (events) => void sent.push(events) });
  await read();
  expect(await read()).toStartWith("id: c1\n");
  expect(sent).toEqual([0, 0, 1]);
  await reader.cancel();
});

test("a stream goes on when the database is back", async () => {
  const { read, reader } = setUp([new Refusal("unavailable"), pageOf(1)]);
  await read();
  expect(await read()).toStartWith("id: c1\n");
  await reader.cancel();
});

test("a stream that cannot go on says why, and ends", async () => {
  const { counts, read } = setUp([new Refusal("epoch_changed")]);
  await read();
  expect(await read()).toStartWith('event: end\ndata: {"code":"epoch_changed",');
  expect(await read()).toBeUndefined();
  expect(counts.ended).toBe(1);
});

test("a stream of a server that stops ends without an error, so that its reader comes back", async () => {
  const { counts, read } = setUp([], { stopping: () => true });
  await read();
  expect(await read()).toBeUndefined();
  expect(counts.ended).toBe(1);
});

test("a reader that leaves while nothing happens is noticed", async () => {
  const { counts, read, reader } = setUp([]);
  await read();
  const waiting = read();
  await reader.cancel();
  await waiting;
  expect(counts.ended).toBe(1);
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { BUS_VERSION, readFrame, writeFrame } from "../../src/bus/frame.ts";
import type { News } from "../../src/bus/news.ts";

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const name = fc.string({ minLength: 1, maxLength: 64, unit: "binary" });

const message = fc.record({
  username: name,
  clientId: fc.uuid(),
  content: fc.string({ unit: "binary", maxLength: 200 }),
  replyTo: fc.option(id),
  timestamp: fc.constant("2030-01-01T00:00:00.000000Z"),
  editedAt: fc.option(fc.constant("2030-01-01T00:00:00.000000Z")),
  deletedAt: fc.option(fc.constant("2030-01-01T00:00:00.000000Z")),
  reactions: fc.array(fc.record({ emoji: name, count: fc.nat(), users: fc.array(name, { maxLength: 3 }) }), {
    maxLength: 3,
  }),
});

const changed = fc
  .record({
    room: name,
    epoch: name,
    from: fc.integer({ min: 1, max: 2 ** 40 }),
    messages: fc.array(message),
  })
  .map(({ room, epoch, from, messages }): News => ({
    type: "changed",
    room,
    epoch,
    from,
    to: from + messages.length,
    states: messages.map((state, index) => ({ ...state, id: from + index, version: from + index })),
  }));

const news: fc.Arbitrary<News> = fc.oneof(
  changed,
  fc.record({ type: fc.constant("moved" as const), room: name, epoch: name, version: id }),
  fc.record({ type: fc.constant("typing" as const), room: name, username: name }),
  fc.record({ type: fc.constant("bans" as const), userId: id }),
);

const NODE = "9b2c8b1e-5d0f-4a51-9d2e-2f6f0a7b1c3d";

test("any news survives writing and reading a frame", () => {
  fc.assert(
    fc.property(fc.array(news, { maxLength: 5 }), (told) => {
      const frame = readFrame(writeFrame(NODE, { news: told }));
      if ("refused" in frame) throw new Error(frame.refused);
      expect(frame.from).toBe(NODE);
      expect(frame.word()).toEqual({ news: told });
    }),
  );
});

test("any other text is rejected without throwing", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json().map((json) => `parley-bus/${BUS_VERSION} ${NODE} ${json}`),
    fc.string({ unit: "binary" }).map((rest) => `parley-bus/${BUS_VERSION} ${rest}`),
  );
  fc.assert(
    fc.property(text, (what) => {
      const frame = readFrame(what);
      const word = "refused" in frame ? frame : frame.word();
      // An empty list of news is valid, though nobody sends it.
      if (typeof word === "object" && "news" in word) expect(word.news).toEqual([]);
      else if (typeof word === "object") expect(["version", "malformed"]).toContain(word.refused);
    }),
  );
});

test("a frame with a changed character is rejected or still well-formed, and nothing throws", () => {
  fc.assert(
    fc.property(changed, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (told, at, put) => {
      const text = writeFrame(NODE, { news: [told] });
      const place = at % text.length;
      const frame = readFrame(text.slice(0, place) + put + text.slice(place + 1));
      if (!("refused" in frame)) frame.word();
    }),
  );
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { BUS_VERSION, createFrames } from "../../src/bus/frame.ts";
import type { News } from "../../src/bus/news.ts";

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const name = fc.string({ minLength: 1, maxLength: 64, unit: "binary" });

const person = fc
  .record({ id: name, name: fc.option(name, { nil: undefined }) })
  // Names that are undefined are missing in a frame.
  .map((made) => JSON.parse(JSON.stringify(made)) as { id: string; name?: string });

const message = fc.record({
  username: name,
  user: person,
  clientId: fc.uuid(),
  content: fc.string({ unit: "binary", maxLength: 200 }),
  data: fc.option(fc.json()),
  replyTo: fc.option(id),
  thread: fc.option(fc.record({ root: id, alsoRoom: fc.boolean() })),
  files: fc.option(fc.json()),
  mentions: fc.constantFrom(null, {
    people: [{ userId: 4, id: "u_4", username: "dan", name: "Dan" }],
    everyone: true,
  }),
  timestamp: fc.constant("2030-01-01T00:00:00.000000Z"),
  editedAt: fc.option(fc.constant("2030-01-01T00:00:00.000000Z")),
  deletedAt: fc.option(fc.constant("2030-01-01T00:00:00.000000Z")),
  reactions: fc.array(
    fc.record({
      emoji: name,
      count: fc.nat(),
      users: fc.array(name, { maxLength: 3 }),
      profiles: fc.array(person, { maxLength: 3 }),
    }),
    { maxLength: 3 },
  ),
  notice: fc.constantFrom(null, {
    type: "added" as const,
    users: [{ userId: 3, id: "u_3", username: "cleo", name: null }],
    role: "moderator" as const,
  }),
});

const changed = fc
  .record({
    room: name,
    epoch: name,
    from: fc.integer({ min: 1, max: 2 ** 40 }),
    messages: fc.array(message, { minLength: 1 }),
  })
  .map(({ room, epoch, from, messages }): News => ({
    type: "changed",
    room,
    epoch,
    from,
    to: from + messages.length - 1,
    states: messages.map((state, index) => ({ ...state, id: from + index, version: from + index })),
  }));

const news: fc.Arbitrary<News> = fc.oneof(
  changed,
  fc.record({ type: fc.constant("moved" as const), room: name, epoch: name, version: id }),
  fc.record({ type: fc.constant("typing" as const), room: name, username: name, user: person }),
  fc.record({ type: fc.constant("left" as const), userId: id, room: name }),
);

const NODE = "9b2c8b1e-5d0f-4a51-9d2e-2f6f0a7b1c3d";
const ROOM = "parley:room:garden";
const frames = createFrames("a secret of the installation");
const write = (news: readonly News[], channel = ROOM) => frames.write(channel, NODE, 7, { news });

test("news survive the round trip through a frame", () => {
  fc.assert(
    fc.property(fc.array(news, { maxLength: 5 }), (written) => {
      const frame = frames.read(ROOM, write(written));
      if ("refused" in frame) throw new Error(frame.refused);
      expect(frame).toMatchObject({ from: NODE, stamp: 7 });
      expect(frame.word()).toEqual({ news: written });
    }),
  );
});

// The bus is shared with whoever can publish on Redis. A forged frame was shown as a message of someone else.
test("a frame that no node of this installation wrote for this channel is refused, and never throws", () => {
  const mac = fc.string({ minLength: 22, maxLength: 22 });
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "binary" }).map((rest) => `parley-bus/${BUS_VERSION} ${rest}`),
    fc.tuple(mac, fc.json()).map(([code, json]) => `parley-bus/${BUS_VERSION} ${code} ${NODE} 8 ${json}`),
    changed.map((written) => createFrames("another secret").write(ROOM, NODE, 8, { news: [written] })),
    changed.map((written) => write([written], "parley:room:cellar")),
    changed.map((written) => write([written], `${ROOM}\0`)),
  );
  fc.assert(
    fc.property(text, (what) => {
      const frame = frames.read(ROOM, what);
      if (!("refused" in frame)) throw new Error(`accepted: ${what}`);
      expect(["version", "malformed", "forged"]).toContain(frame.refused);
    }),
  );
});

test("a frame with a changed, missing or added character is refused", () => {
  fc.assert(
    fc.property(changed, fc.nat(), fc.string({ maxLength: 1 }), fc.boolean(), (written, at, put, replace) => {
      const text = write([written]);
      const place = at % text.length;
      const other = text.slice(0, place) + put + text.slice(place + (replace ? 1 : 0));
      if (other !== text) expect("refused" in frames.read(ROOM, other)).toBe(true);
    }),
  );
});

test("what a node of ours wrote is still checked", () => {
  const signed = (word: string) => {
    const [, rest = ""] = frames.write(ROOM, NODE, 7, "alive").split(/ (?=alive$)/);
    expect(rest).toBe("alive");
    return frames.write(ROOM, NODE, 7, word as "alive");
  };
  for (const word of ["[{", '{"a":1}', '[{"type":"war"}]', "dead", ""]) {
    const frame = frames.read(ROOM, signed(word));
    expect("refused" in frame ? frame : frame.word()).toEqual({ refused: "malformed" });
  }
});

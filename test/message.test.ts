import { expect, test } from "bun:test";
import fc from "fast-check";
import { liveEvent, plainEvent, replayEvent } from "../src/chat/codecs/encode.ts";
import { bytesOf, type Message } from "../src/message.ts";
import { ROOM_NAME_MAX, USERNAME_MAX } from "../src/protocol/limits.ts";

const TIME = "2026-01-02T03:04:05.678901Z";
const time = fc.constantFrom(null, TIME);
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const name = (most: number) => fc.string({ unit: fc.constantFrom("a", "é", "語", "𐐀"), maxLength: most });

const message: fc.Arbitrary<Message> = fc.record({
  id: whole,
  version: whole,
  username: name(USERNAME_MAX),
  clientId: fc.uuid(),
  content: fc.string({ unit: "binary" }),
  replyTo: fc.option(whole),
  timestamp: fc.constant(TIME),
  editedAt: time,
  deletedAt: time,
  reactions: fc.array(
    fc.record({
      emoji: fc.constantFrom("👍", "❤️", "👩🏽‍🚀"),
      count: whole,
      users: fc.array(name(USERNAME_MAX), { maxLength: 20 }),
    }),
    { maxLength: 3 },
  ),
});

test("no frame of a message is larger than bytesOf returns", () => {
  fc.assert(
    fc.property(message, name(ROOM_NAME_MAX), whole, (shown, room, version) => {
      const frames = [
        liveEvent(room, shown, version, version),
        replayEvent(room, shown, version),
        plainEvent(room, shown, true),
      ];
      for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(bytesOf(shown));
    }),
    { numRuns: 1_000 },
  );
});

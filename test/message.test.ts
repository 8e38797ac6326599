import { expect, test } from "bun:test";
import fc from "fast-check";
import { createPlain } from "../src/chat/codecs/plain.ts";
import type { Peer } from "../src/chat/connection/peer.ts";
import { bytesOf, type Message } from "../src/message.ts";
import { ROOM_NAME_MAX, USERNAME_MAX } from "../src/protocol/limits.ts";
import { passFor, replayFrame, v1 } from "./support/stubs.ts";

const TIME = "2026-01-02T03:04:05.678901Z";
const time = fc.constantFrom(null, TIME);
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const version = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const name = (most: number) => fc.string({ unit: fc.constantFrom("a", "é", "語", "𐐀"), maxLength: most });

const person = fc.record({
  id: fc.string({ unit: "binary" }),
  name: fc.option(name(64), { nil: undefined }),
});

const message: fc.Arbitrary<Message> = fc.record({
  id: version,
  version,
  username: name(USERNAME_MAX),
  user: person,
  clientId: fc.uuid(),
  content: fc.string({ unit: "binary" }),
  data: fc.option(fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value))),
  replyTo: fc.option(whole),
  thread: fc.option(fc.record({ root: version, alsoRoom: fc.boolean() })),
  files: fc.option(
    fc
      .array(fc.record({ id: fc.uuid(), name: fc.string({ unit: "binary" }) }), { minLength: 1 })
      .map((all) => JSON.stringify(all)),
  ),
  mentions: fc.option(
    fc.record({
      people: fc.array(
        fc.record({ userId: whole, id: name(64), username: name(USERNAME_MAX), name: fc.option(name(64)) }),
        { maxLength: 3 },
      ),
      everyone: fc.boolean(),
    }),
  ),
  timestamp: fc.constant(TIME),
  editedAt: time,
  deletedAt: time,
  reactions: fc.array(
    fc.record({
      emoji: fc.constantFrom("👍", "❤️", "👩🏽‍🚀"),
      count: whole,
      users: fc.array(name(USERNAME_MAX), { maxLength: 20 }),
      profiles: fc.array(person, { maxLength: 20 }),
    }),
    { maxLength: 3 },
  ),
  notice: fc.option(
    fc.record({
      type: fc.constant("removed" as const),
      users: fc.array(
        fc.record({
          userId: whole,
          id: name(USERNAME_MAX),
          username: name(USERNAME_MAX),
          name: fc.option(name(64)),
        }),
        { maxLength: 3 },
      ),
      fence: whole,
    }),
  ),
});

/** Returns the frame in which a plain client gets its message again. It is the largest plain frame of a message. */
async function plainFrame(room: string, message: Message): Promise<string> {
  const sent = Promise.withResolvers<string>();
  const { id, version, timestamp, clientId } = message;
  const codec = createPlain({
    submit: (_, __, ___, answer) => answer({ id, version, timestamp, duplicate: true }),
    history: {
      page: async () => ({
        epoch: "e",
        counter: id,
        fence: 0,
        messages: [message],
        older: false,
        newer: false,
        before: id,
        after: id,
      }),
    },
    faulted: sent.reject,
  });
  const peer: Partial<Peer> = {
    room,
    owe() {},
    inTurn: (task) => void task(),
    spend: () => 0,
    intake: { giveBack() {}, malformed() {} } as Partial<Peer["intake"]> as Peer["intake"],
    enter: ((name: string) =>
      passFor({ userId: 1, username: message.username }, name)) as unknown as Peer["enter"],
    writable: () => undefined,
    send: sent.resolve,
  };
  codec.start(peer as Peer).receive(JSON.stringify({ message: "text", clientId }));
  return sent.promise;
}

test("no frame of a message has more bytes than `bytesOf` says", () =>
  fc.assert(
    fc.asyncProperty(message, name(ROOM_NAME_MAX), whole, async (shown, room, version) => {
      const frames = [
        ...v1.live(room, [shown], version).map(({ text }) => text),
        replayFrame(room, shown, version),
        await plainFrame(room, shown),
      ];
      expect(frames).toHaveLength(shown.notice ? 4 : 3);
      expect(frames.at(-1)).toEndWith(`"duplicate":true}`);
      for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(bytesOf(shown));
    }),
    { numRuns: 1_000 },
  ));

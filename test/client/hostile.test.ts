import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createRig, message, notice, outcome, type Rig } from "./rig.ts";

async function inHall() {
  const rig = createRig();
  const room = rig.chat.room("hall", { history: 0 }).join();
  await rig.settle();
  rig.wire.welcome();
  rig.wire.admit("hall");
  return { rig, room };
}

/** Counts the sockets and frames that the client produced. */
const effort = (rig: Rig) => rig.wires.length + rig.wires.reduce((sum, { sent }) => sum + sent.length, 0);

describe("a server that sends nonsense", () => {
  test("is reported, and valid frames in between still count", async () => {
    const { rig, room } = await inHall();
    const nonsense = [
      "<html>502</html>",
      "",
      "{",
      "[]",
      "null",
      new ArrayBuffer(8),
      {},
      { type: 7 },
      { type: "message", room: "hall" },
      message("hall", 1, { reactions: { "👍": { count: "many" } } }),
      message("hall", 1, { id: -1 }),
      message("hall", 1, { version: 2 ** 60 }),
      { type: "joined", room: "hall", epoch: "first", version: "0", resumed: true },
      { type: "ok" },
      { type: "error", message: "Something." },
    ];
    for (const frame of nonsense) rig.wire.say(frame);
    expect(rig.problems).toHaveLength(nonsense.length);
    rig.wire.say({ type: "of a later protocol", room: "hall" });
    rig.wire.say({ type: "ok", ref: 4711 });
    rig.wire.say(message("other", 1));
    rig.wire.say(message("hall", 1));
    expect(room.snapshot()).toMatchObject({ state: "live", messages: [{ id: 1 }] });
  });

  test("can hide a message by making it invalid, but nothing else", async () => {
    const { rig, room } = await inHall();
    rig.wire.say(message("hall", 1, { content: 7 }));
    rig.wire.say(message("hall", 2));
    rig.wire.take("join");
    rig.wire.say({ type: "ok", ref: 2 });
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 2, resumed: true });
    rig.wire.say(message("hall", 1, { content: 7, replay: true, prev: undefined }));
    rig.wire.say(message("hall", 2, { replay: true, prev: undefined }));
    rig.wire.say({ type: "synced", room: "hall", version: 2 });
    rig.wire.say(message("hall", 3));
    expect(room.snapshot().messages.map(({ id }) => id)).toEqual([2, 3]);
  });

  test("never makes the client throw or send without end", async () => {
    const version = fc.integer({ min: 0, max: 12 });
    const frame = fc.oneof(
      fc.record({
        type: fc.constant("joined"),
        room: fc.constant("hall"),
        epoch: fc.constantFrom("first", "second"),
        version,
        resumed: fc.boolean(),
        from: fc.constantFrom(undefined, 1, 5),
      }),
      fc
        .tuple(fc.integer({ min: 1, max: 12 }), version, version, fc.boolean())
        .map(([id, add, prev, replay]) =>
          message("hall", id, { version: id + add, ...(replay ? { replay, prev: undefined } : { prev }) }),
        ),
      fc
        .record({
          type: fc.constantFrom("added", "joined", "removed", "left", "role", "title", "deleted"),
          users: fc.constantFrom([], [{ id: "u_ada", username: "ada" }]),
          role: fc.constantFrom("owner", "member"),
          title: fc.string(),
        })
        .chain((change) =>
          fc
            .tuple(fc.integer({ min: 1, max: 12 }), version, fc.boolean())
            .map(([id, prev, replay]) =>
              notice("hall", id, change, replay ? { replay, prev: undefined } : { prev }),
            ),
        ),
      fc.record({
        type: fc.constant("rooms"),
        room: fc.constant("hall"),
        change: fc.constantFrom("added", "removed", "changed"),
      }),
      fc.record({ type: fc.constantFrom("synced", "lagging"), room: fc.constant("hall"), version }),
      fc.record({
        type: fc.constant("ok"),
        ref: version,
        messages: fc.constant([]),
        more: fc.constant(true),
      }),
      fc.record({
        type: fc.constant("error"),
        ref: version,
        code: fc.constantFrom("busy", "forbidden", "unknown"),
        message: fc.constant(""),
        retryable: fc.boolean(),
        retryAfterMs: fc.constantFrom(0, -5, 1e300),
      }),
      fc.record({
        type: fc.constant("left"),
        room: fc.constant("hall"),
        code: fc.constantFrom(4100, 4503, 0),
      }),
      fc.record({
        type: fc.constant("closing"),
        reason: fc.string(),
        retryAfterMs: fc.constantFrom(0, -1, 1e300),
      }),
      fc.record({ type: fc.constant("expiring"), at: fc.string() }),
      fc.constant({
        type: "welcome",
        user: { id: "u_ben", username: "ben" },
        expiresAt: "",
        heartbeatMs: 0,
        limits: {},
      }),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 60 }), async (frames) => {
        const { rig, room } = await inHall();
        const waiting = [
          room.send("one"),
          room.edit(3, "two"),
          room.read(2),
          room.older({ limit: 5 }),
          room.history(),
        ];
        const outcomes = waiting.map(outcome);
        for (const one of frames) {
          rig.wire.say(one);
          await rig.settle();
          const { entries, from } = room.snapshot();
          const ids = entries.map(({ id }) => id);
          expect(ids[0] ?? from).toBeGreaterThanOrEqual(from);
          expect(ids).toEqual(ids.toSorted((a, b) => a - b));
          expect(new Set(ids).size).toBe(ids.length);
        }
        expect(effort(rig)).toBeLessThan(20 + 4 * frames.length);
        await rig.chat.close();
        await Promise.all(outcomes);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a welcome", () => {
  test("with other limits is obeyed", async () => {
    const rig = createRig();
    const room = rig.chat.room("hall", { history: 0 }).join();
    await rig.settle();
    rig.wire.welcome({ limits: { frameBytes: 0, messageChars: 0, rooms: 0 } });
    expect(room.snapshot()).toMatchObject({ state: "out", error: { code: "too_large" } });
    expect(rig.wire.sent).toEqual([]);
  });

  test("with an absurd heartbeat interval is corrected", async () => {
    for (const heartbeatMs of [0, -1, 1e300]) {
      const rig = createRig();
      rig.chat.connect();
      await rig.settle();
      rig.wire.welcome({ heartbeatMs });
      await rig.pass(900);
      expect(rig.wire.sent).toEqual([]);
      await rig.pass(600_000);
      expect(effort(rig)).toBeGreaterThan(1);
    }
  });

  test("with an invalid expiry counts as never expiring", async () => {
    const rig = createRig();
    rig.chat.connect();
    await rig.settle();
    rig.wire.welcome({ expiresAt: "tomorrow" });
    rig.wire.end(1006);
    await rig.back();
    expect(rig.wires).toHaveLength(2);
  });

  test("counts once, and frames before it do not count", async () => {
    const rig = createRig();
    const room = rig.chat.room("hall", { history: 0 }).join();
    await rig.settle();
    rig.wire.say({ type: "joined", room: "hall", epoch: "first", version: 3, resumed: false });
    rig.wire.say(message("hall", 1));
    rig.wire.say({ type: "expiring", at: "" });
    expect(room.snapshot()).toMatchObject({ state: "offline", messages: [] });
    rig.wire.welcome();
    rig.wire.welcome({ user: { id: "u_ben", username: "ben" } });
    expect(rig.wire.sent.map(({ type }) => type)).toEqual(["join"]);
    expect(rig.chat.snapshot().connection).toMatchObject({ user: { username: "ada" } });
  });

  test("for another person drops the messages of the first one", async () => {
    const { rig, room } = await inHall();
    rig.wire.say(message("hall", 1));
    rig.wire.end(1006);
    await rig.back();
    rig.wire.welcome({ user: { id: "u_ben", username: "ben" } });
    expect(room.snapshot().messages).toEqual([]);
    expect(rig.wire.take("join").since).toBeUndefined();
  });
});

test("a server that accepts sockets but sends nothing is given up each time", async () => {
  const rig = createRig({ random: () => 0.999_999 });
  rig.chat.connect();
  await rig.pass(3_600_000);
  expect(rig.wires.length).toBeLessThan(100); // in an hour
  expect(rig.wires.slice(0, -1).every(({ closed }) => closed)).toBe(true);
  expect(["waiting", "connecting"]).toContain(rig.chat.snapshot().connection.state);
});

test("an absurd delay before the next connection is corrected", async () => {
  for (const [retryAfterMs, most] of [
    [1e300, 600_000],
    [-5, 1],
  ] as const) {
    const rig = createRig();
    rig.chat.connect();
    await rig.settle();
    rig.wire.welcome();
    rig.wire.say({ type: "closing", reason: "going_away", retryAfterMs });
    rig.wire.end(4000);
    await rig.pass(most);
    expect(rig.wires).toHaveLength(2);
  }
});

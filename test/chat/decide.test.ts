import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Change, changeKey } from "../../src/chat/room/change.ts";
import { type Decision, decide, messageKey, type State } from "../../src/chat/room/decide.ts";

const AT = "2026-01-01T00:00:00.000000Z";
const ROOMS = ["garden", "kitchen"];
const EMOJIS = ["👍", "❤️", "😀"];

// Few people, keys and ids, so that commands meet.
const person = fc.integer({ min: 1, max: 3 });
const base = {
  room: fc.constantFrom(...ROOMS),
  senderId: person,
  clientId: fc
    .integer({ min: 1, max: 12 })
    .map((n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`),
};
const id = fc.integer({ min: 1, max: 8 });
const text = fc.constantFrom("one", "two", "three");
const change: fc.Arbitrary<Change> = fc
  .oneof(
    fc.record({ kind: fc.constant("post" as const), ...base, content: text, replyTo: fc.constant(null) }),
    fc.record({ kind: fc.constant("edit" as const), ...base, id, content: text }),
    fc.record({ kind: fc.constant("delete" as const), ...base, id }),
    fc.record({
      kind: fc.constant("react" as const),
      ...base,
      id,
      emoji: fc.constantFrom(...EMOJIS),
      on: fc.boolean(),
    }),
  )
  .map((made) => ({ ...made, username: `person-${made.senderId}` }));
const changes = fc.array(change, { maxLength: 60 });

const empty: State = {
  rooms: new Map(ROOMS.map((room) => [room, { version: 0, at: AT }])),
  answered: new Map(),
  messages: new Map(),
};

/** The state that a database is in once a decision was written to it. */
function written(state: State, batch: readonly Change[], { outcomes, versions, messages }: Decision): State {
  const answered = new Map(state.answered);
  batch.forEach((made, index) => {
    const outcome = outcomes[index];
    if (outcome && "ack" in outcome && !outcome.ack.duplicate)
      answered.set(changeKey(made), { kind: made.kind, ack: outcome.ack });
  });
  return {
    rooms: new Map(
      [...state.rooms].map(([room, { version }]) => [
        room,
        { version: versions.get(room) ?? version, at: AT },
      ]),
    ),
    answered,
    messages: new Map([
      ...state.messages,
      ...[...messages].map(([key, { message }]) => [key, message] as const),
    ]),
  };
}

function decideAll(batches: readonly (readonly Change[])[]) {
  let state = empty;
  const outcomes = batches.flatMap((batch) => {
    const decision = decide(batch, state);
    state = written(state, batch, decision);
    return decision.outcomes;
  });
  return { outcomes, state };
}

test("a batch that is cut anywhere is decided as it is whole", () => {
  fc.assert(
    fc.property(changes, fc.nat(60), (all, cut) => {
      const whole = decideAll([all]);
      const parts = decideAll([all.slice(0, cut), all.slice(cut)]);
      expect(parts).toEqual(whole);
    }),
  );
});

test("a batch that comes again changes nothing, and what was acknowledged is acknowledged alike", () => {
  fc.assert(
    fc.property(changes, (all) => {
      const once = decideAll([all]);
      const again = decide(all, once.state);
      all.forEach((_, index) => {
        const first = once.outcomes[index];
        const second = again.outcomes[index];
        if (first && "ack" in first)
          expect(second).toEqual({ ack: { ...first.ack, duplicate: true }, state: null });
      });
    }),
  );
});

test("versions are contiguous, and each message stands at the version of its last change", () => {
  fc.assert(
    fc.property(changes, (all) => {
      const { outcomes, state } = decideAll([all]);
      for (const room of ROOMS) {
        const taken = outcomes.flatMap((outcome, index) =>
          all[index]?.room === room && "ack" in outcome && outcome.state ? [outcome.ack.version] : [],
        );
        expect(taken).toEqual(taken.map((_, index) => index + 1));
        expect(state.rooms.get(room)?.version).toBe(taken.length);
      }
    }),
  );
});

test("a tombstone has no text and no reactions, and nothing changes it any more", () => {
  fc.assert(
    fc.property(changes, changes, (before, after) => {
      const { state } = decideAll([before]);
      const dead = [...state.messages].filter(([, message]) => message.deletedAt !== null);
      const later = decide(after, state);
      for (const [key, message] of dead) {
        expect(message).toMatchObject({ content: "", reactors: [] });
        expect(later.messages.has(key)).toBe(false);
      }
    }),
  );
});

test("only who sent a message edits or deletes it; anyone reacts", () => {
  const post = {
    kind: "post",
    room: "garden",
    senderId: 1,
    username: "ada",
    clientId: "a",
    content: "one",
    replyTo: null,
  } as const;
  const ben = { room: "garden", senderId: 2, username: "ben", id: 1 } as const;
  const { outcomes } = decide(
    [
      post,
      { kind: "edit", ...ben, clientId: "b", content: "two" },
      { kind: "delete", ...ben, clientId: "c" },
      { kind: "react", ...ben, clientId: "d", emoji: "👍", on: true },
    ],
    empty,
  );
  expect(outcomes.map((outcome) => ("ack" in outcome ? outcome.ack.version : outcome.refused))).toEqual([
    1,
    "forbidden",
    "forbidden",
    2,
  ]);
});

test("an edit past its time is refused, and one that changes nothing is not", () => {
  const garden = { version: 1, at: "2026-01-01T00:10:00.000000Z" };
  const { state } = decideAll([
    [
      {
        kind: "post",
        room: "garden",
        senderId: 1,
        username: "ada",
        clientId: "a",
        content: "one",
        replyTo: null,
      },
    ],
  ]);
  const later = { ...state, rooms: new Map([["garden", garden]]) };
  const edit = { kind: "edit", room: "garden", senderId: 1, username: "ada", id: 1 } as const;
  const { outcomes } = decide(
    [
      { ...edit, clientId: "b", content: "two" },
      { ...edit, clientId: "c", content: "one" },
    ],
    later,
    { editWindowMs: 5 * 60_000 },
  );
  expect(outcomes[0]).toEqual({ refused: "too_late" });
  expect(outcomes[1]).toMatchObject({ ack: { version: 1 }, state: null });
  expect(state.messages.has(messageKey("garden", 1))).toBe(true);
});

test("a client id that stood for another message or another kind of change is refused", () => {
  const person1 = { room: "garden", senderId: 1, username: "ada" } as const;
  const { outcomes } = decide(
    [
      { kind: "post", ...person1, clientId: "a", content: "one", replyTo: null },
      { kind: "post", ...person1, clientId: "b", content: "two", replyTo: null },
      { kind: "edit", ...person1, clientId: "c", id: 1, content: "three" },
      { kind: "edit", ...person1, clientId: "c", id: 2, content: "three" },
      { kind: "delete", ...person1, clientId: "c", id: 1 },
      { kind: "edit", ...person1, clientId: "a", id: 1, content: "a post's key is in another space" },
    ],
    empty,
  );
  expect(outcomes.map((outcome) => ("refused" in outcome ? outcome.refused : "ok"))).toEqual([
    "ok",
    "ok",
    "ok",
    "client_id_reused",
    "client_id_reused",
    "ok",
  ]);
});

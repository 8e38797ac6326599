import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Change, changeKey } from "../../src/chat/change.ts";
import { type Decision, decide, messageKey, type State } from "../../src/chat/room/decide.ts";
import { noRoom } from "../../src/chat/rights.ts";
import { ORDER } from "../support/order.ts";
import { named } from "../support/stubs.ts";

const AT = "2026-01-01T00:00:00.000000Z";
const ROOMS = ["garden", "kitchen"];
const EMOJIS = ["👍", "❤️", "😀"];

// Few people, keys and ids, so that changes collide.
const person = fc.integer({ min: 1, max: 3 });
const base = {
  room: fc.constantFrom(...ROOMS),
  fence: fc.constant(0),
  senderId: person,
  clientId: fc
    .integer({ min: 1, max: 12 })
    .map((n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`),
};
const id = fc.integer({ min: 1, max: 8 });
const text = fc.constantFrom("one", "two", "three");
const change: fc.Arbitrary<Change> = fc
  .oneof(
    fc.record({
      kind: fc.constant("post" as const),
      ...base,
      content: text,
      data: fc.constantFrom(null, "{}"),
      replyTo: fc.constantFrom(null, null, 1, 3),
    }),
    fc.record({
      kind: fc.constant("edit" as const),
      ...base,
      id,
      content: text,
      data: fc.constantFrom(undefined, null, '{"a":1}'),
    }),
    fc.record({ kind: fc.constant("delete" as const), ...base, id }),
    fc.record({
      kind: fc.constant("react" as const),
      ...base,
      id,
      emoji: fc.constantFrom(...EMOJIS),
      on: fc.boolean(),
    }),
  )
  .map((made) => ({ ...made, ...named(`person-${made.senderId}`) }));
const changes = fc.array(change, { maxLength: 60 });

const empty: State = {
  rooms: new Map(ROOMS.map((room) => [room, { ...noRoom(room), exists: true, at: AT }])),
  answered: new Map(),
  seats: new Map(),
  messages: new Map(),
  replied: new Set(),
};

/** Returns the state of a database after a decision was written to it. */
function written(state: State, batch: readonly Change[], { outcomes, versions, messages }: Decision): State {
  const answered = new Map(state.answered);
  batch.forEach((made, index) => {
    const outcome = outcomes[index];
    if (outcome && "ack" in outcome && !outcome.ack.duplicate)
      answered.set(changeKey(made), { kind: made.kind, ack: outcome.ack });
  });
  const present = new Map([
    ...state.messages,
    ...[...messages].map(([key, { message }]) => [key, message] as const),
  ]);
  return {
    rooms: new Map(
      [...state.rooms].map(([room, facts]) => [
        room,
        { ...facts, version: versions.get(room) ?? facts.version },
      ]),
    ),
    answered,
    seats: state.seats,
    messages: present,
    replied: new Set(present.keys()),
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

test("a batch that is split anywhere is decided like the whole batch", () => {
  fc.assert(
    fc.property(changes, fc.nat(60), (all, cut) => {
      const whole = decideAll([all]);
      const parts = decideAll([all.slice(0, cut), all.slice(cut)]);
      expect(parts).toEqual(whole);
    }),
  );
});

test("a repeated batch changes nothing and gets the same acks", () => {
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

test("the versions of a room are contiguous, and its counter is the last one", () => {
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

test("a tombstone has no text and no reactions, and never changes again", () => {
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

test("only its sender may edit or delete a message; anyone may react", () => {
  const post = {
    kind: "post",
    room: "garden",
    senderId: 1,
    ...named("ada"),
    fence: 0,
    clientId: "a",
    content: "one",
    data: null,
    replyTo: null,
  } as const;
  const ben = { room: "garden", senderId: 2, ...named("ben"), fence: 0, id: 1 } as const;
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

test("an edit after the edit window is refused, unless it changes nothing", () => {
  const garden = { version: 1, at: "2026-01-01T00:10:00.000000Z" };
  const { state } = decideAll([
    [
      {
        kind: "post",
        room: "garden",
        senderId: 1,
        ...named("ada"),
        fence: 0,
        clientId: "a",
        content: "one",
        data: null,
        replyTo: null,
      },
    ],
  ]);
  const later = { ...state, rooms: new Map([["garden", { ...noRoom("garden"), ...garden }]]) };
  const edit = { kind: "edit", room: "garden", senderId: 1, ...named("ada"), fence: 0, id: 1 } as const;
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

test("a client id that was used for another message or another kind of change is refused", () => {
  const person1 = { room: "garden", senderId: 1, ...named("ada"), fence: 0 } as const;
  const { outcomes } = decide(
    [
      { kind: "post", ...person1, clientId: "a", content: "one", data: null, replyTo: null },
      { kind: "post", ...person1, clientId: "b", content: "two", data: null, replyTo: null },
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

const postOf = (senderId: number, clientId: string, room = "garden") =>
  ({
    kind: "post",
    room,
    senderId,
    ...named(`person-${senderId}`),
    fence: 0,
    clientId,
    content: "one",
    data: null,
    replyTo: null,
  }) as const;

test("mentions count as the most that they can take beside a text: people's names change", () => {
  const beside = (characters: number, mentions: object) => {
    // The server may mention everyone anywhere.
    const change = { ...postOf(0, "m"), content: "x".repeat(characters), ...mentions } as Change;
    const [outcome] = decide([change], empty).outcomes;
    return outcome && "refused" in outcome ? outcome.errors : undefined;
  };
  expect(beside(59_000, {})).toBeUndefined();
  expect(beside(51_000, { everyone: true })).toBeUndefined();
  expect(beside(59_000, { everyone: true })).toEqual({
    content: ["is too long beside its files and mentions"],
  });
});

test("an operator removes anyone's message; a repeat is acknowledged and changes nothing", () => {
  const { state } = decideAll([[postOf(1, "a")]]);
  const order = { ...ORDER, reason: "spam" };
  const removal = (clientId: string, id = 1) =>
    ({ kind: "remove", room: "garden", clientId, id, order }) as const;
  const decision = decide([removal("b"), removal("c"), removal("d", 9)], state);
  expect(decision.outcomes).toMatchObject([
    { ack: { id: 1, version: 2, duplicate: false }, state: { content: "", deletedAt: AT } },
    { ack: { id: 1, version: 2, duplicate: false }, state: null },
    { refused: "not_found" },
  ]);
  // Only the audit remembers it.
  expect(decision.removed).toMatchObject([{ order, room: "garden", message: { senderId: 1 } }]);
  expect(decision.recorded).toEqual([]);
});

test("posts enrol their senders, each once and with the version of their last post; other changes do not", () => {
  const known = decideAll([[postOf(3, "known")]]).state;
  const decision = decide(
    [
      postOf(1, "a"),
      postOf(2, "b"),
      postOf(1, "c"),
      postOf(1, "d", "kitchen"),
      postOf(3, "known"), // a repeat
      postOf(1, "e", "nowhere"), // refused
      {
        kind: "react",
        room: "garden",
        senderId: 3,
        ...named("cy"),
        fence: 0,
        clientId: "f",
        id: 1,
        emoji: "👍",
        on: true,
      },
    ],
    known,
  );
  expect(decision.enrolled).toEqual([
    { userId: 1, room: "garden", version: 4 },
    { userId: 2, room: "garden", version: 3 },
    { userId: 1, room: "kitchen", version: 1 },
  ]);
});

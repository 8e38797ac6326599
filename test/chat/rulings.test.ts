import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Change,
  changeKey,
  isRuling,
  type RoomSettings,
  SYSTEM_ID,
  targetOf,
} from "../../src/chat/change.ts";
import { seatKey } from "../../src/chat/ports.ts";
import { noRoom, type SeatFacts, STRANGER } from "../../src/chat/rights.ts";
import { type Answered, decide, type Decision, messageKey, type State } from "../../src/chat/room/decide.ts";
import { MEMBER_SETTINGS, PINS_MAX, ROLES } from "../../src/protocol/membership.ts";
import { ORDER } from "../support/order.ts";
import { named } from "../support/stubs.ts";
import { rulingsOf } from "./rulings.ts";

// Changes of rooms and members in the pure rules, against a plain model of what the database keeps.

const AT = "2026-01-01T00:00:00.000000Z";
const ROOMS = ["~den", "plaza"];
const PEOPLE = [1, 2, 3];
const LINK = "link";

const person = fc.constantFrom(...PEOPLE);
const clientId = fc.integer({ min: 1, max: 30 }).map(String);
const signed = fc.record({
  room: fc.constantFrom(...ROOMS),
  clientId,
  by: fc.constantFrom(SYSTEM_ID, ...PEOPLE),
});
const users = fc.uniqueArray(person, { minLength: 1, maxLength: 2 });
const flag = fc.boolean();
const what = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("post" as const), content: fc.constant("x") }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), id: fc.integer({ min: 1, max: 12 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("pin" as const),
      message: fc.integer({ min: 1, max: 12 }),
      on: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record(
      {
        kind: fc.constant("member" as const),
        set: fc.constantFrom(...MEMBER_SETTINGS),
        users,
        role: fc.constantFrom(...ROLES),
        heir: person,
        link: fc.constant(LINK),
      },
      { requiredKeys: ["kind", "set", "users"] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("room" as const),
      set: fc.oneof(
        {
          weight: 3,
          arbitrary: fc.record({ title: fc.constantFrom("a", "b"), archived: flag }, { requiredKeys: [] }),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom<RoomSettings>({ deleted: true }, { kind: "open" }, { kind: "private" }),
        },
      ),
      create: fc.option(
        fc.record({
          kind: fc.constantFrom("open" as const, "private" as const, "direct" as const),
          people: users,
        }),
        { nil: undefined, freq: 2 },
      ),
    }),
  },
);
const change = fc.tuple(signed, what).map(([{ by, ...where }, made]): Change => {
  const sender = { senderId: by, ...named(`person-${by}`) };
  if (made.kind === "post") return { ...where, ...sender, ...made, data: null, replyTo: null, fence: 0 };
  if (made.kind === "delete") return { ...where, ...sender, ...made, fence: 0 };
  return { ...where, ...sender, ...made, order: by === SYSTEM_ID ? ORDER : null } as Change;
});
const changes = fc.array(change, { maxLength: 50 });

const empty: State = {
  rooms: new Map(ROOMS.map((room) => [room, { ...noRoom(room), kind: "open", exists: true, at: AT }])),
  answered: new Map(),
  messages: new Map(),
  replied: new Set(),
  seats: new Map(),
};

const membersOf = (seats: State["seats"], room: string) =>
  PEOPLE.filter((userId) => seats.get(seatKey({ userId, room }))?.state === "in");

/** The pinned messages of a room after a decision. */
function pinsAfter(state: State, { ruled, pins }: Decision, room: string): number[] {
  const ids = new Set(ruled.emptied.has(room) ? [] : state.rulings?.pins?.get(room));
  for (const { id, version } of pins.filter((one) => one.room === room))
    if (version === null) ids.delete(id);
    else ids.add(id);
  return [...ids].sort((one, other) => one - other);
}

/** What the database knows for the next batch, after a decision was written. */
function written(state: State, batch: readonly Change[], decision: Decision, uses: number): State {
  const { outcomes, versions, messages, ruled, enrolled } = decision;
  const answered = new Map<string, Answered>(state.answered);
  batch.forEach((made, index) => {
    const outcome = outcomes[index];
    if (!outcome || !("ack" in outcome) || outcome.ack.duplicate) return;
    answered.set(changeKey(made), { kind: made.kind, target: targetOf(made), ack: outcome.ack });
    if (isRuling(made) && outcome.ack.id > 0)
      answered.set(changeKey({ ...made, kind: "post" }), { kind: "notice", ack: outcome.ack });
  });
  const seats = new Map<string, SeatFacts>(state.seats);
  for (const [room, version] of ruled.emptied)
    for (const userId of membersOf(seats, room)) {
      const seat = seats.get(seatKey({ userId, room })) as SeatFacts;
      seats.set(seatKey({ userId, room }), { ...seat, state: "removed", role: "member", changed: version });
    }
  for (const [key, { seat }] of ruled.seats) seats.set(key, seat);
  for (const [key, seat] of enrolled.map(
    (one) => [seatKey(one), seats.get(seatKey(one)) ?? STRANGER] as const,
  ))
    if (seat.state !== "in") seats.set(key, { ...seat, state: "in" });
  return {
    rooms: new Map(
      [...state.rooms].map(([room, facts]) => [
        room,
        { ...facts, ...ruled.rooms.get(room), version: versions.get(room) ?? facts.version },
      ]),
    ),
    answered,
    messages: new Map([
      ...state.messages,
      ...[...messages].map(([key, { message }]) => [key, message] as const),
    ]),
    replied: new Set(),
    seats,
    rulings: {
      people: new Map(
        PEOPLE.map((userId) => [userId, { userId, id: `u_${userId}`, username: "x", name: null }]),
      ),
      present: new Map(
        ROOMS.map((room) => {
          const members = membersOf(seats, room);
          const owners = members.filter((userId) => seats.get(seatKey({ userId, room }))?.role === "owner");
          return [room, { owners, members, more: false }];
        }),
      ),
      pins: new Map(ROOMS.map((room) => [room, pinsAfter(state, decision, room)])),
      blocks: new Set(["3 2"]),
      links: new Map([
        [
          LINK,
          {
            room: "~den",
            version: 1,
            expiresAt: Infinity,
            left: 2 - uses,
            revoked:
              [...ruled.emptied.keys()].includes("~den") || state.rulings?.links.get(LINK)?.revoked === true,
          },
        ],
      ]),
    },
  };
}

const NOTHING = decide([], empty);

function decideAll(
  batches: readonly (readonly Change[])[],
  check: (before: State, after: State) => void = () => {},
) {
  let uses = 0;
  let state = written(empty, [], NOTHING, uses);
  const outcomes = batches.flatMap((batch) => {
    const decision = decide(batch, state);
    uses += decision.ruled.redeemed.length;
    const before = state;
    state = written(state, batch, decision, uses);
    check(before, state);
    return decision.outcomes;
  });
  return { outcomes, state };
}

test("a batch of rulings and posts that is split anywhere is decided like the whole batch", () => {
  fc.assert(
    fc.property(changes, fc.nat(50), (all, cut) => {
      const whole = decideAll([all]);
      const parts = decideAll([all.slice(0, cut), all.slice(cut)]);
      expect(parts.outcomes).toEqual(whole.outcomes);
      expect(parts.state).toEqual(whole.state);
    }),
    { numRuns: 600 },
  );
});

test("repeats get their acks whatever happened since, and change nothing", () => {
  fc.assert(
    fc.property(changes, (all) => {
      const once = decideAll([all]);
      const again = decideAll([all, all.filter((_, index) => "ack" in (once.outcomes[index] ?? {}))]);
      const acked = once.outcomes.filter((outcome) => "ack" in outcome);
      expect(again.outcomes.slice(all.length)).toEqual(
        acked.map(
          (outcome) =>
            ({ ack: { ...("ack" in outcome && outcome.ack), duplicate: true }, state: null }) as never,
        ),
      );
      expect(again.state).toEqual(once.state);
    }),
    { numRuns: 300 },
  );
});

test("whoever may do less moves the fence, versions have no gaps, and notices stay as they are", () => {
  const less = (before: SeatFacts = STRANGER, after: SeatFacts = STRANGER) =>
    (before.state === "in" && after.state !== "in") ||
    (after.banned && !before.banned) ||
    (after.mutedUntil !== null && before.mutedUntil === null) ||
    ROLES.indexOf(after.role) > ROLES.indexOf(before.role);
  fc.assert(
    fc.property(changes, (all) => {
      decideAll(
        all.map((one) => [one]),
        (before, after) => {
          for (const room of ROOMS) {
            const [old, now] = [before.rooms.get(room), after.rooms.get(room)];
            if (!old || !now) throw new Error("a room is missing");
            expect(now.version - old.version).toBeWithin(0, 2);
            expect(now.fence - old.fence).toBeWithin(0, now.version - old.version + 1);
            const losers = PEOPLE.filter((userId) => {
              const key = seatKey({ userId, room });
              return less(before.seats.get(key), after.seats.get(key));
            });
            const closed =
              (now.archived && !old.archived) || now.deleted !== old.deleted || now.kind !== old.kind;
            if (losers.length > 0 || closed) expect(now.fence).toBe(old.fence + 1);
            for (const [key, message] of before.messages)
              if (message.notice) expect(after.messages.get(key)).toBe(message);
            if (now.version > old.version)
              expect(after.messages.get(messageKey(room, now.version)) ?? "a deletion").toBeDefined();
            if (room === "~den" && now.version === 0) expect(membersOf(after.seats, room)).toEqual([]);
          }
        },
      );
    }),
    { numRuns: 300 },
  );
});

test("pins are messages that are there, and only their notices change them", () => {
  fc.assert(
    fc.property(changes, (all) => {
      decideAll(
        all.map((one) => [one]),
        (before, after) => {
          for (const room of ROOMS) {
            const [old, now] = [before, after].map((state) => new Set(state.rulings?.pins?.get(room)));
            const { version = 0, beginsAfter = 0 } = after.rooms.get(room) ?? {};
            const latest = after.messages.get(messageKey(room, version))?.notice;
            const moved = before.rooms.get(room)?.version !== version ? latest?.message : undefined;
            for (const id of now ?? []) {
              const message = after.messages.get(messageKey(room, id));
              expect([message?.notice, message?.deletedAt, id > beginsAfter]).toEqual([null, null, true]);
              if (!old?.has(id)) expect([latest?.type, moved]).toEqual(["pinned", id]);
            }
            for (const id of old ?? []) {
              const isGone = after.messages.get(messageKey(room, id))?.deletedAt || id <= beginsAfter;
              if (!now?.has(id) && !isGone) expect([latest?.type, moved]).toEqual(["unpinned", id]);
            }
          }
        },
      );
    }),
    { numRuns: 300 },
  );
});

test("a room has at most fifty pins, and the end of one makes room for another", () => {
  const { appoint, create, pin } = rulingsOf({ userId: 1, username: "ada" });
  const post = (): Change => ({
    kind: "post",
    room: "~den",
    clientId: crypto.randomUUID(),
    senderId: 1,
    ...named("ada"),
    content: "x",
    data: null,
    replyTo: null,
    fence: 0,
  });
  const posts = Array.from({ length: PINS_MAX + 1 }, post);
  const pins = posts.map((_, at) => pin("~den", at + 2));
  const { outcomes, state } = decideAll([
    [create("~den", { kind: "private", people: [1, 2] }), ...posts, ...pins],
  ]);
  expect(outcomes.at(-2)).toMatchObject({ ack: { id: 2 * PINS_MAX + 2 } });
  expect(outcomes.at(-1)).toEqual({ refused: "too_many_pins" });
  expect(state.rulings?.pins?.get("~den")).toHaveLength(PINS_MAX);

  const last = PINS_MAX + 2;
  const on = decide([pin("~den", 2, false), pin("~den", last), pin("~den", last)], state);
  expect(on.outcomes.map((outcome) => "ack" in outcome && outcome.ack.id > 0)).toEqual([true, true, false]);
  const of = rulingsOf({ userId: 2, username: "ben" });
  const muted = decide(
    [of.pin("~den", last), appoint("~den", "role", [2], { role: "moderator" }), of.pin("~den", 2)],
    state,
  );
  expect(muted.outcomes.map((outcome) => "refused" in outcome && outcome.refused)).toEqual([
    "forbidden",
    false,
    false,
  ]);
});

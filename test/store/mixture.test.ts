import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import * as fc from "fast-check";
import type { Ack, Change } from "../../src/chat/change.ts";
import { CommitFailure } from "../../src/chat/ports.ts";
import { START_MS } from "../support/house.ts";
import { expected, holes, readRoom } from "../support/stored.ts";
import { onEachDriver, type Stocked, stock } from "../chat/stocked.ts";
import { upTo, named } from "../support/stubs.ts";

setDefaultTimeout(120_000);

// Posts, edits, deletions and reactions, with repeats, from two processes at once, on each driver. The expected contents
// of the database are derived from its rows of changes, not by the rules that wrote them.

const EMOJIS = ["👍", "❤️"];
const TEXTS = ["one", "two"];

/** A change without sender and room. Values are few, so that changes collide. */
const drawn = fc.record({
  what: fc.constantFrom("post", "post", "post", "edit", "edit", "delete", "react", "react"),
  byAda: fc.boolean(),
  elsewhere: fc.boolean(),
  id: fc.integer({ min: 1, max: 9 }),
  text: fc.constantFrom(...TEXTS),
  emoji: fc.constantFrom(...EMOJIS),
  on: fc.boolean(),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

interface Batch {
  readonly changes: readonly Drawn[];
  /** Indices of earlier changes that are repeated. */
  readonly again: readonly number[];
}
const batch: fc.Arbitrary<Batch> = fc.record({
  changes: fc.array(drawn, { minLength: 1, maxLength: 8 }),
  again: fc.array(fc.nat(20), { maxLength: 4 }),
});
/** The batches of each of the two processes. */
const work = fc.tuple(fc.array(batch, { maxLength: 6 }), fc.array(batch, { maxLength: 6 }));

onEachDriver((open) => {
  let at: Stocked;
  let second: Awaited<ReturnType<Stocked["another"]>>;

  beforeAll(async () => {
    at = await stock(open);
    second = await at.another();
  }, START_MS);
  afterAll(async () => {
    await second.close();
    await at.database.close();
  });

  const changeOf = (
    rooms: readonly [string, string],
    { what, byAda, elsewhere, ...drawn }: Drawn,
  ): Change => {
    const base = {
      room: rooms[elsewhere ? 1 : 0],
      senderId: byAda ? at.ada : at.ben,
      ...named(byAda ? "ada" : "ben"),
      clientId: crypto.randomUUID(),
      fence: 0,
    };
    const { id, text: content, emoji, on } = drawn;
    if (what === "edit") return { ...base, kind: what, id, content };
    if (what === "delete") return { ...base, kind: what, id };
    if (what === "react") return { ...base, kind: what, id, emoji, on };
    return { ...base, kind: "post", content, data: null, replyTo: null };
  };

  test("any mixture is stored once, completely and in order, and each change has one ack for ever", () =>
    fc.assert(
      fc.asyncProperty(work, async (both) => {
        const rooms = [`a-${crypto.randomUUID()}`, `b-${crypto.randomUUID()}`] as const;
        const asked = new Map<string, Change>();
        const answers = new Map<string, Ack>();
        const fresh = new Set<string>();

        const play = async (store: typeof at.store, batches: readonly Batch[]) => {
          for (const { changes, again } of batches) {
            const before = [...asked.values()];
            const made = changes.map((one) => changeOf(rooms, one));
            for (const change of made) asked.set(change.clientId, change);
            const repeated = before.filter((_, index) => again.includes(index));
            const all = [...made, ...repeated];
            // The other process may get its ack for the same change while this commit, which came first, is in flight.
            const acked = new Set(answers.keys());
            const { outcomes } = await store.commit(0, all, false).catch((error: CommitFailure) => {
              expect(error.kind).toBe("duplicate");
              return store.commit(0, all, true);
            });
            expect(outcomes).toHaveLength(all.length);
            outcomes.forEach((outcome, index) => {
              const { clientId } = all[index] as Change;
              if (!outcome || "refused" in outcome) return expect(acked.has(clientId)).toBe(false);
              const { duplicate, ...ack } = outcome.ack;
              if (!duplicate) {
                expect(fresh.has(clientId)).toBe(false);
                fresh.add(clientId);
              }
              expect({ ...ack, duplicate: false }).toEqual(
                answers.getOrInsert(clientId, { ...ack, duplicate: false }),
              );
            });
          }
        };
        await Promise.all([play(at.store, both[0]), play(second.store, both[1])]);

        const rows = new Map<string, { id: number; version: number }>();
        const wanted = new Map(
          [...asked].map(([clientId, change]) => [clientId, { ...change, type: change.kind }]),
        );
        for (const room of rooms) {
          const stored = await readRoom(at.database, room);
          expect(holes(stored)).toBe(0);
          expect(stored.messages).toEqual(expected(stored, wanted));
          for (const { clientId, id } of stored.messages) rows.set(clientId, { id, version: id });
          for (const { clientId, id, version, kind, senderId } of stored.changes) {
            expect(asked.get(clientId)).toMatchObject({ kind, id, senderId, room });
            rows.set(clientId, { id, version });
          }
          // A page of changes and a page of history show the same.
          const shown = await at.store.messages(room, { after: 0 }, upTo(1000));
          const replayed = await at.store.changesSince(room, 0);
          expect(replayed.messages.toSorted((a, b) => a.id - b.id)).toEqual([...shown.messages]);
          expect(shown.messages.map(({ content }) => content)).toEqual(
            stored.messages.map(({ content }) => content),
          );
          expect(
            shown.messages.map(({ reactions }) => reactions.reduce((sum, { count }) => sum + count, 0)),
          ).toEqual(stored.messages.map(({ reactions }) => reactions.length));
        }
        for (const [clientId, { id, version }] of answers)
          expect(rows.get(clientId)).toEqual({ id, version });
        expect(rows.size).toBe(answers.size);
      }),
      { numRuns: 60 },
    ));
});

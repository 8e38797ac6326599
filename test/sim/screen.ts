import { type Change, changeKey } from "../../src/chat/change.ts";
import { type MessageStore, seatKey } from "../../src/chat/ports.ts";
import type { Screen } from "../../src/chat/screenports.ts";
import type { Clock } from "../../src/clock.ts";
import type { Random } from "./random.ts";

/** How long an endpoint thinks about a message, in milliseconds, and how often it cannot say anything. */
const SLOW_MS = 200;
const UNCHECKED = 0.15;

interface ScreenOptions {
  readonly random: Random;
  readonly clock: Clock;
  readonly plan: { readonly faulty: boolean };
  fail(sentence: string, detail: string): void;
}

/** An endpoint that one process asks about messages. Checks that only what it allowed is committed, and in the order in which it came. */
export function createSimScreen({ random, clock, plan, fail }: ScreenOptions) {
  let count = 0;
  /** By the key of the change, when the process was asked about it. */
  const asked = new Map<string, number[]>();
  const allowed = new Set<string>();
  const seen = new WeakSet<Change>();
  /** The last of each person in each room that went to the database. */
  const last = new Map<string, number>();

  const screen: Screen = {
    ask: ({ person, room, saying: { kind, clientId } }) =>
      new Promise((resolve) => {
        const key = changeKey({ kind, room, senderId: person.userId, clientId });
        asked.getOrInsertComputed(key, () => []).push(count++);
        clock.after(random.between(0, SLOW_MS), () => {
          if (plan.faulty && random.chance(UNCHECKED)) return resolve({ action: "unchecked" });
          allowed.add(key);
          resolve({ action: "allow" });
        });
      }),
  };

  const check = (change: Change) => {
    if ((change.kind !== "post" && change.kind !== "edit") || seen.has(change)) return;
    seen.add(change);
    const key = changeKey(change);
    if (!allowed.has(key)) return fail("a message was committed that nobody had allowed", key);
    const [at, again] = asked.get(key) ?? [];
    // It is unknown which of several requests it is.
    if (at === undefined || again !== undefined) return;
    const seat = seatKey({ userId: change.senderId, room: change.room });
    if (at < (last.get(seat) ?? 0)) return fail("a message overtook an earlier one of its sender", key);
    last.set(seat, at);
  };

  return {
    screen,
    /** Returns the store of the process, which looks at what is committed. */
    watch: (store: MessageStore): MessageStore => ({
      ...store,
      commit(lane, changes, careful) {
        for (const change of changes) check(change);
        return store.commit(lane, changes, careful);
      },
    }),
  };
}

import type { Budgets } from "../../budgets.ts";
import { before, type Clock } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import { gatherer } from "../../gather.ts";
import type { Pass } from "../pass.ts";
import {
  type Joined,
  type Joining,
  type Marked,
  type MarkRange,
  type MemberStore,
  type Reading,
  readTo,
  type Seat,
} from "../ports.ts";

/** The most joins in one statement. */
const JOINS = 200;
/** How long a join waits for the database and the joins before it, and when it may be retried after that, in milliseconds. */
const JOIN_MS = 5_000;
const RETRY_MS = 1_000;
/** Read marks within this time are written together, in milliseconds. */
const GATHER_MS = 100;

/** Who belongs to which room, and how far they have read. Posting makes members, too: the commit does that. */
export interface Members {
  /**
   * Makes the pass' holder a member, and returns how far they have read. Creates the room if it does not exist and their
   * budget allows it. @throws {Refusal} rate_limited, busy, unavailable.
   */
  join(pass: Pass): Promise<Reading>;
  /**
   * Moves a read mark to a message, never past the room's end; with `back`, to right before it, and otherwise never back.
   * Resolves once it is committed. @throws {Refusal} unavailable.
   */
  mark(pass: Pass, id: number, back?: boolean): Promise<Marked>;
}

interface Mark extends Seat, MarkRange {
  readonly written: PromiseWithResolvers<Marked>;
}

interface MembersParts {
  readonly store: Pick<MemberStore, "join" | "mark">;
  readonly clock: Clock;
  readonly budgets: Pick<Budgets, "wait" | "charge" | "refused">;
}

export function createMembers({ store, clock, budgets }: MembersParts): Members {
  const join = gatherer<Joining, Joined | Refusal | null>(clock, JOINS, (seats) => store.join(seats));
  let marks = new Map<string, Mark>();

  async function flush(): Promise<void> {
    const batch = [...marks.values()];
    marks = new Map();
    try {
      const written = await store.mark(batch);
      batch.forEach((mark, index) => {
        const outcome = written[index] as Marked | Refusal;
        if (outcome instanceof Refusal) mark.written.reject(outcome);
        else mark.written.resolve(outcome);
      });
    } catch (error) {
      for (const mark of batch) mark.written.reject(error);
    }
  }

  return {
    async join({ person, room }) {
      // Paid in advance and given back, so that joins at the same time do not exceed the budget together.
      const wait = budgets.wait("rooms", person);
      if (wait === 0) budgets.charge("rooms", person, 1);
      let created = false;
      try {
        const joined = await before(
          clock,
          JOIN_MS,
          join({ userId: person.userId, room, mayCreate: wait === 0 }),
          () => new Refusal("unavailable", { retryAfterMs: RETRY_MS }),
        );
        if (joined instanceof Refusal) throw joined;
        if (!joined) {
          budgets.refused("rooms");
          throw new Refusal("rate_limited", { retryAfterMs: wait || RETRY_MS });
        }
        created = joined.created === true;
        const { lastRead, unread } = joined;
        return { lastRead, unread };
      } finally {
        if (wait === 0 && !created) budgets.charge("rooms", person, -1);
      }
    },
    mark({ person: { userId }, room }, id, back = false) {
      if (marks.size === 0) clock.after(GATHER_MS, () => void flush());
      const key = `${userId} ${room}`;
      const { written, ...range } = marks.get(key) ?? { ...ANYWHERE, written: Promise.withResolvers() };
      marks.set(key, { userId, room, ...moved(range, back ? id - 1 : id, back), written });
      return written.promise;
    },
  };
}

const ANYWHERE = readTo(0);

/** One move after another: forward to an id or beyond, or back to it or before. */
function moved({ min, max }: MarkRange, id: number, back: boolean): MarkRange {
  const limit = back ? Math.min : Math.max;
  return { min: limit(min, id), max: limit(max, id) };
}

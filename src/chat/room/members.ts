import { before, type Clock } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import { gatherer } from "../../gather.ts";
import type { Pass } from "../pass.ts";
import type { Marked, MemberStore, Reading, Seat } from "../ports.ts";

/** The most joins in one statement. */
const JOINS = 200;
/** How long a join waits for the database and the joins before it, and when it may be retried after that, in milliseconds. */
const JOIN_MS = 5_000;
const RETRY_MS = 1_000;
/** Read marks within this time are written together, in milliseconds. */
const GATHER_MS = 100;

/** Who belongs to which room, and how far they have read. Posting makes members, too: the commit does that. */
export interface Members {
  /** Makes the pass' holder a member, and returns how far they have read. @throws {Refusal} unavailable. */
  join(pass: Pass): Promise<Reading>;
  /**
   * Moves a read mark, never backwards and never past the room's end. Resolves once it is committed.
   * @throws {Refusal} unavailable.
   */
  mark(pass: Pass, id: number): Promise<Marked>;
}

interface Mark extends Seat {
  id: number;
  readonly written: PromiseWithResolvers<Marked>;
}

export function createMembers(store: Pick<MemberStore, "join" | "mark">, clock: Clock): Members {
  const join = gatherer<Seat, Reading>(clock, JOINS, (seats) => store.join(seats));
  let marks = new Map<string, Mark>();

  async function flush(): Promise<void> {
    const batch = [...marks.values()];
    marks = new Map();
    try {
      const written = await store.mark(batch);
      batch.forEach((mark, index) => mark.written.resolve(written[index] as Marked));
    } catch (error) {
      for (const mark of batch) mark.written.reject(error);
    }
  }

  return {
    join: ({ person: { userId }, room }) =>
      before(
        clock,
        JOIN_MS,
        join({ userId, room }),
        () => new Refusal("unavailable", { retryAfterMs: RETRY_MS }),
      ),
    mark({ person: { userId }, room }, id) {
      if (marks.size === 0) clock.after(GATHER_MS, () => void flush());
      const key = `${userId} ${room}`;
      const mark = marks.get(key) ?? { userId, room, id, written: Promise.withResolvers() };
      mark.id = Math.max(mark.id, id);
      marks.set(key, mark);
      return mark.written.promise;
    },
  };
}

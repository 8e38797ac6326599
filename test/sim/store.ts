import { type ChatStore, CommitFailure } from "../../src/chat/ports.ts";
import { Refusal } from "../../src/errors.ts";
import { emptyLists, emptyWatch, unmoderated } from "../support/stubs.ts";
import type { SimDatabase } from "./database.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** Whether the database can be reached and, if not, how it fails. */
export interface Reach {
  away: false | "refuses" | "hangs";
}

interface StoreOptions {
  readonly database: SimDatabase;
  readonly reach: Reach;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly plan: Plan;
  /** Whether the process that asks still runs. */
  alive(): boolean;
  note: ((line: string) => void) | undefined;
}

/** When a statement times out, in milliseconds. It may still run. */
const LIMIT_MS = 3_000;
const HOPS = 12;

/** A failure that the simulation caused. */
export class DatabaseAway extends Error {
  override readonly name = "DatabaseAway";
}

/** The path from one process to the database and back. It takes time, and may fail on either leg. */
export function createStore(options: StoreOptions): ChatStore {
  const { database, reach, schedule, random, plan, alive, note } = options;

  const leg = () => random.between(0.1, random.chance(plan.slowQueries) ? 200 : 3);

  /** Results arrive a few promises late, as through a driver: those of one packet interleave in any order. */
  const later = <T>(ms: number, settle: (value: T) => void, value: T) => {
    let hops = random.below(HOPS);
    const hop = () => (hops-- > 0 ? queueMicrotask(hop) : settle(value));
    schedule.after(ms, () => alive() && hop(), true);
  };

  /** Runs at one moment and returns at a later one: a snapshot. */
  const read = <T>(query: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const refuse = (ms: number) => later(ms, reject, new DatabaseAway());
      schedule.after(leg(), () => {
        if (reach.away) return refuse(reach.away === "hangs" ? LIMIT_MS : 1);
        if (plan.faulty && random.chance(plan.readFailures)) return refuse(leg());
        later(leg(), resolve, query());
      });
    });

  /** Runs at some moment and returns later, or fails before or after it ran. */
  const write = <T>(work: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const refuse = (ms: number) => later(ms, reject, new Refusal("unavailable", { retryAfterMs: 300 }));
      schedule.after(leg(), () => {
        if (reach.away) return refuse(reach.away === "hangs" ? LIMIT_MS : 1);
        const fate = plan.faulty ? random.next() / plan.readFailures : 1;
        if (fate < 0.5) return refuse(leg());
        const result = work();
        if (fate < 1) refuse(leg());
        else later(leg(), resolve, result);
      });
    });

  const orRefuse = <T>(found: Promise<T>): Promise<T> =>
    found.catch((error: unknown) => {
      throw error instanceof DatabaseAway ? new Refusal("unavailable", { retryAfterMs: 300 }) : error;
    });

  const messages: ChatStore["messages"] = {
    lanes: plan.lanes,

    commit: (lane, changes, careful) =>
      new Promise((resolve, reject) => {
        const unknown = (ms: number) =>
          later(ms, reject, new CommitFailure("unknown", new Error("simulated")));
        const carryOut = () => {
          const result = careful ? database.commitCarefully(changes) : database.commitNew(changes);
          note?.(
            `commit on lane ${lane}${careful ? ", careful" : ""}: ${result.outcomes
              .map((outcome, index) => {
                const { kind, room } = changes[index] ?? {};
                if (!outcome) return `${kind} in ${room} fenced off`;
                if ("refused" in outcome) return `${kind} in ${room} ${outcome.refused}`;
                return `${kind} ${room}.${outcome.ack.version}${outcome.state ? "" : " again"}`;
              })
              .join(", ")}`,
          );
          return result;
        };
        schedule.after(leg(), () => {
          if (reach.away) return unknown(reach.away === "hangs" ? LIMIT_MS : 1);
          const fate = plan.faulty ? random.next() / plan.commitFailures : 1;
          if (fate < 0.4) return unknown(leg());
          if (fate < 0.7) {
            // Timed out, and carried out all the same, perhaps after a retry.
            unknown(leg());
            return void schedule.after(random.between(0, 2_000), () => {
              try {
                carryOut();
              } catch {
                // Nobody waits for it any more.
              }
            });
          }
          try {
            const result = carryOut();
            if (fate < 1) unknown(leg());
            else later(leg(), resolve, result);
          } catch (error) {
            later(leg(), reject, error);
          }
        });
      }),

    answered: (change) => orRefuse(read(() => database.answered(change))),
    changesSince: (room, after) => read(() => database.changesSince(room, after)),
    postsSince: (room, after) => read(() => database.postsSince(room, after)),
    messages: (...of) => orRefuse(read(() => database.messages(...of))),
    counters: (rooms) => read(() => database.counters(rooms)),
  };

  const { people } = database;
  return {
    messages,
    members: {
      join: (seats) => write(() => database.join(seats)),
      memberships: (seats) => orRefuse(read(() => database.memberships(seats))),
      leave: (seat) => write(() => database.leave(seat)),
      mark: (marks) => write(() => database.mark(marks)),
      departures: (userIds) => orRefuse(read(() => people.departures(userIds))),
    },
    // Everyone's id is their number.
    people: { find: (names) => orRefuse(read(() => names.map((name) => Number(name) || null))) },
    moderation: unmoderated,
    lists: emptyLists,
    watch: emptyWatch,
  };
}

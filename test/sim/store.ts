import { CommitFailure } from "../../src/chat/ports.ts";
import type { MessageStore } from "../../src/store/messages.ts";
import type { SimDatabase } from "./database.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** Whether the database can be reached, and how it fails when it cannot. */
export interface Reach {
  away: false | "refuses" | "hangs";
}

interface StoreOptions {
  readonly database: SimDatabase;
  readonly reach: Reach;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly plan: Plan;
  /** Whether the process that asks is still there. */
  alive(): boolean;
  note: ((line: string) => void) | undefined;
}

/** After so long a statement is given up, in milliseconds. It may still be carried out. */
const LIMIT_MS = 3_000;
const HOPS = 12;

/** A failure that is no fault of the program. */
export class DatabaseAway extends Error {
  override readonly name = "DatabaseAway";
}

/** The way from one process to the database and back: it takes time, and fails on either leg. */
export function createStore(options: StoreOptions): MessageStore {
  const { database, reach, schedule, random, plan, alive, note } = options;

  const leg = () => random.between(0.1, random.chance(plan.slowQueries) ? 200 : 3);

  /** Answers come a few promises late, as through a driver: those of one packet run into each other in any order. */
  const later = <T>(ms: number, settle: (value: T) => void, value: T) => {
    let hops = random.below(HOPS);
    const hop = () => (hops-- > 0 ? queueMicrotask(hop) : settle(value));
    schedule.after(ms, () => alive() && hop(), true);
  };

  /** Runs at some moment and answers at a later one: a snapshot. */
  const read = <T>(query: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const refuse = (ms: number) => later(ms, reject, new DatabaseAway());
      schedule.after(leg(), () => {
        if (reach.away) return refuse(reach.away === "hangs" ? LIMIT_MS : 1);
        if (plan.faulty && random.chance(plan.readFailures)) return refuse(leg());
        later(leg(), resolve, query());
      });
    });

  return {
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
            // Given up, and carried out all the same: perhaps when it has been tried again.
            unknown(leg());
            return void schedule.after(random.between(0, 2_000), () => {
              try {
                carryOut();
              } catch {
                // Nobody hears of it.
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

    changesSince: (room, after) => read(() => database.changesSince(room, after)),
    postsSince: (room, after) => read(() => database.postsSince(room, after)),
    messages: (room, range, limit) => read(() => database.messages(room, range, limit)),
    counters: (rooms) => read(() => database.counters(rooms)),
  };
}

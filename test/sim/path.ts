import { Refusal } from "../../src/errors.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** Whether the database can be reached and, if not, how it fails. */
export interface Reach {
  away: false | "refuses" | "hangs";
}

export interface PathOptions {
  readonly reach: Readonly<Reach>;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly plan: Plan;
  /** Whether the process that asks still runs. */
  alive(): boolean;
}

/** When a statement times out, in milliseconds. It may still run. */
export const LIMIT_MS = 3_000;
const HOPS = 12;
const RETRY_MS = 300;

/** A failure that the simulation caused. */
export class DatabaseAway extends Error {
  override readonly name = "DatabaseAway";
}

/** The path from one process to the database and back. It takes time, and may fail on either leg. */
export function createPath({ reach, schedule, random, plan, alive }: PathOptions) {
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
      const refuse = (ms: number) =>
        later(ms, reject, new Refusal("unavailable", { retryAfterMs: RETRY_MS }));
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
      throw error instanceof DatabaseAway ? new Refusal("unavailable", { retryAfterMs: RETRY_MS }) : error;
    });

  return { leg, later, read, write, orRefuse };
}

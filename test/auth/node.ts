import { type AuthConfig, createAuth } from "../../src/auth/auth.ts";
import type { Clock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import type { Database } from "../../src/db/database.ts";
import { loadMeta } from "../../src/db/meta.ts";
import { Refusal } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";

/** A clock that stands still until it is told how much time has passed. */
export interface StoppedClock extends Clock {
  /** Lets time pass and runs what is due, in order. */
  pass(ms: number): void;
}

export function stoppedClock(): StoppedClock {
  const began = Date.now();
  const timers = new Set<{ at: number; task: () => void }>();
  let time = 0;
  return {
    now: () => began + time,
    monotonic: () => time,
    soon: (task) => void setImmediate(task),
    after(ms, task) {
      const timer = { at: time + ms, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass(ms) {
      time += ms;
      for (const timer of [...timers].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)) {
        timers.delete(timer);
        timer.task();
      }
    },
  };
}

/** One node's `Auth` on a database, with a clock that stands still. */
export async function startNode(database: Database, overrides: Partial<AuthConfig> = {}) {
  const clock = stoppedClock();
  const config = { ...loadConfig({}), ...overrides };
  const meta = await loadMeta(database);
  const auth = await createAuth({ database, config, meta, clock, log: createLog("silent") });
  return { auth, clock, meta, config };
}

export const HERE = { address: "198.51.100.7", userAgent: "test" };

export const PASSWORD = "correct horse battery";

/** The code of the refusal that work ends with, or what it answers. */
export const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error) => {
    if (error instanceof Refusal) return error.code;
    throw error;
  });

/** Waits until a check holds; every turn of the event loop it is asked again. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 4000; !(await check());) {
    if (performance.now() > end) throw new Error("it did not come to that");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

import { type AuthConfig, createAuth } from "../../src/auth/auth.ts";
import type { Clock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/config.ts";
import type { Database } from "../../src/db/database.ts";
import { loadMeta } from "../../src/db/meta.ts";
import { Refusal } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import type { Facts, SecurityEvent } from "../../src/security.ts";

/** A clock that advances only through `pass`. */
export interface StoppedClock extends Clock {
  /** Advances the clock and runs the tasks that are due, in order. */
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

/** Starts one node's `Auth` on a database, with a stopped clock. `lines` is its log, `events` its security log. */
export async function startNode(database: Database, overrides: Partial<AuthConfig> = {}) {
  const clock = stoppedClock();
  const config = { ...loadConfig({}), ...overrides };
  const meta = await loadMeta(database);
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  const events: [SecurityEvent, Facts][] = [];
  const security = { record: (event: SecurityEvent, facts: Facts) => void events.push([event, facts]) };
  const auth = await createAuth({ database, config, meta, clock, log, security });
  return { auth, clock, meta, config, events, lines };
}

export const HERE = { address: "198.51.100.7", userAgent: "test" };

export const PASSWORD = "correct horse battery";

/** Returns the code of the refusal that `work` rejects with, or the value that it resolves to. */
export const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error) => {
    if (error instanceof Refusal) return error.code;
    throw error;
  });

/** Waits until `check` holds, retrying it every turn of the event loop. @throws after 4 s. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 4000; !(await check());) {
    if (performance.now() > end) throw new Error("the condition did not hold within 4 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

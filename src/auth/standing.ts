import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import type { Ended, Login, Standing } from "../identity.ts";
import { createLookup } from "../lookup.ts";
import { readStatuses, type Status } from "./status.ts";

/** How long the database's word is believed, in milliseconds. */
const TTL_MS = 5000;
const CACHE_MAX = 20_000;
const BATCH_MAX = 1000;

/** Checks logins, and ends them. `ask` takes one query per 1,000 logins. */
export interface Logins extends Standing {
  /** @throws {Refusal} session_ended, account_disabled; `unavailable` if the database does not respond. */
  check(login: Login): Promise<void>;
  /** Access ended here: drops cached state and notifies the listeners and the other nodes. */
  end(ended: Ended): void;
  /** Drops cached state after access ended or was restored, without notifying other nodes. */
  forget(ended: Pick<Ended, "userId" | "sessionIds">): void;
}

interface StandingOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly bus: Pick<Bus, "announce" | "listen">;
}

export function createStanding({ pool, clock, bus }: StandingOptions): Logins {
  const listeners = new Set<(ended: Ended) => void>();
  const statuses = createLookup<Login, Status>({
    clock,
    ttlMs: TTL_MS,
    max: CACHE_MAX,
    batch: BATCH_MAX,
    idOf: ({ userId, sessionId }) => sessionId ?? userId,
    isSame: (one, other) => one.userId === other.userId,
    read: (logins) => pool.run((orm) => readStatuses(orm, logins)),
  });

  const forget = ({ userId, sessionIds }: Pick<Ended, "userId" | "sessionIds">) =>
    statuses.forgetAll((login) =>
      sessionIds ? login.sessionId !== null && sessionIds.includes(login.sessionId) : login.userId === userId,
    );

  const ended = (what: Ended) => {
    forget(what);
    for (const listener of listeners) listener(what);
  };

  bus.listen({
    heard(news) {
      if (news.type === "ended") ended(news);
    },
  });

  return {
    ask: statuses.refresh,
    forget,
    async check(login) {
      const status = await statuses.get(login).catch(() => {
        throw UNKNOWN();
      });
      if (status !== "alive") throw new Refusal(status);
    },
    end(what) {
      bus.announce({ type: "ended", ...what, sessionIds: what.sessionIds && [...what.sessionIds] });
      ended(what);
    },
    onEnded(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const UNKNOWN = () =>
  new Refusal("unavailable", {
    detail: "The session cannot be checked right now. Try again soon.",
    retryAfterMs: 2000,
  });

import { sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import { type Pool, rows } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";

/** How long an answer of the database is believed. */
const TTL_MS = 5000;
const CACHE_MAX = 20_000;
const BATCH_MAX = 1000;

export type Who = Pick<Identity, "userId" | "sessionId">;

/** Why access has ended. */
export type EndReason = "session_ended" | "account_disabled";

/** Access that has ended: some sessions of a user, or (null) all that the user has. */
export interface Ended {
  readonly userId: number;
  readonly sessionIds: readonly string[] | null;
  readonly reason: EndReason;
}

/** Whether sessions and users are alive. */
export interface Standing {
  /** @throws {Refusal} session_ended, account_disabled; unavailable where the database does not answer. */
  check(who: Who): Promise<void>;
  /** Asks the database, past the cache, in one query for up to 1,000: why each has ended, or null. */
  ask(whos: readonly Who[]): Promise<(EndReason | null)[]>;
  /** Access ended here: forgets what was known of it and tells the listeners. */
  end(ended: Ended): void;
  /** Access ended on another node: forgets what was known of it. */
  forget(ended: Ended): void;
  /** Hears of what ended here. The answer takes the listener away. */
  onEnded(listener: (ended: Ended) => void): () => void;
}

/** Answers are believed for 5 s. While one query is on its way, what is asked gathers for the next. */
export function createStanding({ pool, clock }: { pool: Pool; clock: Clock }): Standing {
  const known = new Map<string, { userId: number; reason: EndReason | null; until: number }>();
  const listeners = new Set<(ended: Ended) => void>();
  let asked = new Map<string, Question>();
  let answering = false;
  /** Rises with everything that ends: an answer that was on its way by then may be out of date. */
  let endings = 0;

  async function ask(whos: readonly Who[]): Promise<(EndReason | null)[]> {
    const answers: (EndReason | null)[] = [];
    for (let from = 0; from < whos.length; from += BATCH_MAX)
      answers.push(...(await pool.run((orm) => query(orm, whos.slice(from, from + BATCH_MAX)))));
    return answers;
  }

  async function answerAll() {
    answering = true;
    await new Promise<void>((resolve) => clock.soon(resolve)); // what else is asked in this tick comes along
    while (asked.size > 0) {
      const questions = asked;
      asked = new Map();
      const [until, before] = [clock.monotonic() + TTL_MS, endings];
      try {
        const reasons = await ask([...questions.values()].map(({ who }) => who));
        for (const [index, [key, { who, resolve }]] of [...questions].entries()) {
          const reason = reasons[index] ?? null;
          if (before === endings) remember(key, { userId: who.userId, reason, until });
          resolve(reason);
        }
      } catch {
        for (const { reject } of questions.values()) reject(UNKNOWN());
      }
    }
    answering = false;
  }

  function remember(key: string, answer: { userId: number; reason: EndReason | null; until: number }) {
    known.delete(key);
    known.set(key, answer);
    if (known.size > CACHE_MAX) for (const eldest of known.keys().take(1)) known.delete(eldest);
  }

  function reasonOf(who: Who): Promise<EndReason | null> | EndReason | null {
    const key = keyOf(who);
    const answer = known.get(key);
    if (answer && answer.until > clock.monotonic()) return answer.reason;
    const question = asked.get(key) ?? { who, ...Promise.withResolvers<EndReason | null>() };
    asked.set(key, question);
    if (!answering) void answerAll();
    return question.promise;
  }

  function forget({ userId, sessionIds }: Ended) {
    endings++;
    if (sessionIds) for (const sessionId of sessionIds) known.delete(keyOf({ userId, sessionId }));
    else for (const [key, answer] of known) if (answer.userId === userId) known.delete(key);
  }

  return {
    ask,
    forget,
    async check(who) {
      const reason = await reasonOf(who);
      if (reason) throw new Refusal(reason);
    },
    end(ended) {
      forget(ended);
      for (const listener of listeners) listener(ended);
    },
    onEnded(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

interface Question extends PromiseWithResolvers<EndReason | null> {
  readonly who: Who;
}

const keyOf = ({ userId, sessionId }: Who) => `${userId} ${sessionId ?? ""}`;

const UNKNOWN = () =>
  new Refusal("unavailable", {
    detail: "The session cannot be checked now: try again soon.",
    retryAfterMs: 2000,
  });

/** One row for each that is asked, in that order. */
async function query(orm: Parameters<typeof rows>[0], whos: readonly Who[]): Promise<(EndReason | null)[]> {
  const input = JSON.stringify(
    whos.map(({ userId, sessionId }, at) => ({ at, user: userId, session: sessionId })),
  );
  const found = await rows<{ enabled: boolean; alive: boolean }>(
    orm,
    sql`select u.id is not null and u.disabled_at is null and u.deleted_at is null as enabled,
        i.session is null or (s.id is not null and s.revoked_at is null and s.expires_at > clock_timestamp()) as alive
      from json_to_recordset(${input}::text::json) as i(at int, "user" bigint, session uuid)
      left join users u on u.id = i."user"
      left join sessions s on s.id = i.session and s.user_id = i."user"
      order by i.at`,
  );
  return found.map(({ enabled, alive }) => (enabled ? (alive ? null : "session_ended") : "account_disabled"));
}

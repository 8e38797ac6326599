import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { type EndReason, readStatuses, type Status, type Who } from "./status.ts";

/** How long an answer of the database is believed. */
const TTL_MS = 5000;
const CACHE_MAX = 20_000;
const BATCH_MAX = 1000;

/** Access that has ended: some sessions of a user, or (null) all that the user has. */
export interface Ended {
  readonly userId: number;
  readonly sessionIds: readonly string[] | null;
  readonly reason: EndReason;
}

/** Whether sessions and users are alive, and which rooms are closed to them. */
export interface Standing {
  /**
   * The rooms that someone is banned from.
   * @throws {Refusal} session_ended, account_disabled; unavailable where the database does not answer.
   */
  check(who: Who): Promise<ReadonlySet<string>>;
  /** Asks the database, past the cache, in one query for up to 1,000; answers in their order. */
  ask(whos: readonly Who[]): Promise<readonly Status[]>;
  /** Access ended here: forgets what was known of it, tells the listeners and the other nodes. */
  end(ended: Ended): void;
  /** Access ended, or began again, where it is not told on: forgets what was known of it. */
  forget(ended: Pick<Ended, "userId" | "sessionIds">): void;
  /** Hears of what ended, here or on another node. The answer takes the listener away. */
  onEnded(listener: (ended: Ended) => void): () => void;
  /**
   * A user was banned from a room here, or let in again: forgets what was known of them, tells the listeners and the
   * other nodes. Settles when the listeners have acted on it.
   */
  bansChanged(userId: number): Promise<void>;
  onBansChanged(listener: (userId: number) => Promise<void>): () => void;
}

interface StandingOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly bus: Pick<Bus, "announce" | "listen">;
}

/** Answers are believed for 5 s. While one query is on its way, what is asked gathers for the next. */
export function createStanding({ pool, clock, bus }: StandingOptions): Standing {
  const known = new Map<string | number, { userId: number; status: Status; until: number }>();
  const endListeners = new Set<(ended: Ended) => void>();
  const banListeners = new Set<(userId: number) => Promise<void>>();
  let asked = new Map<string, Question>();
  let answering = false;
  /** Rises with everything that changes: an answer that was on its way by then may be out of date. */
  let changes = 0;

  async function ask(whos: readonly Who[]): Promise<readonly Status[]> {
    const answers: Status[] = [];
    for (let from = 0; from < whos.length; from += BATCH_MAX) {
      const batch = whos.slice(from, from + BATCH_MAX);
      const [until, before] = [clock.monotonic() + TTL_MS, changes];
      const statuses = await pool.run((orm) => readStatuses(orm, batch));
      if (before === changes)
        for (const [index, status] of statuses.entries()) remember(batch[index] as Who, status, until);
      answers.push(...statuses);
    }
    return answers;
  }

  async function answerAll() {
    answering = true;
    await new Promise<void>((resolve) => clock.soon(resolve)); // what else is asked in this tick comes along
    while (asked.size > 0) {
      const questions = [...asked.values()];
      asked = new Map();
      try {
        const statuses = await ask(questions.map(({ who }) => who));
        for (const [index, { resolve }] of questions.entries()) resolve(statuses[index] as Status);
      } catch {
        for (const { reject } of questions) reject(UNKNOWN());
      }
    }
    answering = false;
  }

  function remember(who: Who, status: Status, until: number) {
    const key = who.sessionId ?? who.userId; // strings that are there already: there is one for each person who is here
    known.delete(key);
    known.set(key, { userId: who.userId, status, until });
    if (known.size > CACHE_MAX) for (const eldest of known.keys().take(1)) known.delete(eldest);
  }

  function statusOf(who: Who): Promise<Status> | Status {
    const answer = known.get(who.sessionId ?? who.userId);
    if (answer?.userId === who.userId && answer.until > clock.monotonic()) return answer.status;
    const key = keyOf(who);
    const question = asked.get(key) ?? { who, ...Promise.withResolvers<Status>() };
    asked.set(key, question);
    if (!answering) void answerAll();
    return question.promise;
  }

  function forget({ userId, sessionIds }: Pick<Ended, "userId" | "sessionIds">) {
    changes++;
    if (sessionIds) for (const sessionId of sessionIds) known.delete(sessionId);
    else for (const [key, answer] of known) if (answer.userId === userId) known.delete(key);
  }

  const ended = (what: Ended) => {
    forget(what);
    for (const listener of endListeners) listener(what);
  };

  async function bansChanged(userId: number) {
    forget({ userId, sessionIds: null });
    await Promise.all([...banListeners].map((listener) => listener(userId)));
  }

  bus.listen({
    heard(news) {
      if (news.type === "ended") ended(news);
      if (news.type === "bans") void bansChanged(news.userId);
    },
  });

  return {
    ask,
    forget,
    async check(who) {
      const { reason, banned } = await statusOf(who);
      if (reason) throw new Refusal(reason);
      return banned;
    },
    end(what) {
      bus.announce({ type: "ended", ...what, sessionIds: what.sessionIds && [...what.sessionIds] });
      ended(what);
    },
    onEnded: (listener) => add(endListeners, listener),
    async bansChanged(userId) {
      bus.announce({ type: "bans", userId });
      await bansChanged(userId);
    },
    onBansChanged: (listener) => add(banListeners, listener),
  };
}

interface Question extends PromiseWithResolvers<Status> {
  readonly who: Who;
}

const keyOf = ({ userId, sessionId }: Who) => `${userId} ${sessionId ?? ""}`;

const UNKNOWN = () =>
  new Refusal("unavailable", {
    detail: "The session cannot be checked now: try again soon.",
    retryAfterMs: 2000,
  });

/** The answer takes it away again. */
function add<T>(set: Set<T>, entry: T): () => void {
  set.add(entry);
  return () => void set.delete(entry);
}

import { before, type Clock } from "../../clock.ts";
import { Refusal, refusalOf } from "../../errors.ts";
import {
  type Ack,
  type Change,
  changeKey,
  type Decree,
  refusalOf as refusalFor,
  sign,
  type Submission,
} from "../change.ts";
import type { Pass } from "../pass.ts";
import { type MessageStore, seatKey } from "../ports.ts";
import type { Answer, Committer } from "../room/committer.ts";
import type { Saying, Screen, Verdict } from "../screenports.ts";

/** How long it may take to look up whom a message mentions, or whether a refused one was committed before, in milliseconds. */
const LOOKUP_MS = 2_000;
const RETRY_MS = 1_000;

/** A change that somebody may make, on its way to the committer. */
interface Coming {
  readonly pass: Pass<never>;
  readonly wish: Submission | Decree;
  /** Makes the change of what is left of the wish. @throws {Refusal}, also as a rejection. */
  prepare(wish: Submission | Decree): Change | Promise<Change>;
  enter(change: Change, answer: Answer): void;
  readonly answer: Answer;
}

/**
 * Holds new messages and edits back until the screen has decided about them. What one person sends to one room stays in its
 * order: whatever comes behind such a change waits for it. Several are decided about at the same time.
 */
export interface Screening {
  /** Changes that wait. */
  readonly waiting: number;
  /** Returns false if a change has nothing to wait for. Otherwise calls its `answer` once. */
  hold(coming: Coming): boolean;
  /** Refuses new changes with `busy`. Resolves when all others are with the committer, or refused. */
  drain(): Promise<void>;
}

interface Held {
  readonly key: string;
  /** The message that an edit is about. */
  readonly about: number | undefined;
  /** Whoever sent the same change meanwhile is answered too. */
  readonly answers: Answer[];
  /** What to do when it is its turn, once that is known. */
  end?: (answer: Answer) => void;
}

interface ScreeningParts {
  readonly screen: Screen;
  readonly store: Pick<MessageStore, "answered">;
  readonly committer: Pick<Committer, "join">;
  readonly clock: Clock;
  /** Reports an unexpected error. */
  faulted(error: unknown): void;
}

export function createScreening({ screen, store, committer, clock, faulted }: ScreeningParts): Screening {
  /** By person and room, in the order in which they came. */
  const lines = new Map<string, Held[]>();
  /** The messages and edits among them. */
  const asked = new Map<string, Held>();
  /** Refused ones that are being looked up. */
  let lookups = 0;
  let stopping = false;
  let stopped = () => {};
  const stopIfEmpty = () => {
    if (stopping && lines.size === 0 && lookups === 0) stopped();
  };

  /** Refuses a change, unless it was committed before: a retry gets its ack, whatever the screen says now. */
  const refuse = async (refusal: Refusal, { pass, wish }: Coming, answer: Answer) => {
    lookups++;
    const late = () => new Refusal("unavailable", { retryAfterMs: RETRY_MS });
    const earlier = store.answered(sign(wish as Saying, pass.room, pass.person));
    try {
      const outcome = await before(clock, LOOKUP_MS, earlier, late);
      answer(!outcome ? refusal : "refused" in outcome ? refusalFor(outcome) : outcome.ack);
    } catch (error) {
      if (!(error instanceof Refusal)) faulted(error);
      answer(refusalOf(error));
    } finally {
      lookups--;
      stopIfEmpty();
    }
  };

  /** Resolves to what to do when it is its turn. */
  async function decide(coming: Coming, isAsked: boolean): Promise<Held["end"]> {
    const { pass, wish, prepare, enter } = coming;
    const verdict: Verdict = isAsked
      ? await screen.ask({ person: pass.person, room: pass.room, saying: wish as Saying })
      : { action: "allow" };
    // What commits nothing keeps nobody behind it waiting.
    if (verdict.action === "refuse" || verdict.action === "unchecked")
      return (answer) => void refuse(refusalBy(verdict), coming, answer);
    const isChanged = verdict.action === "change";
    const late = () => new Refusal("busy", { retryAfterMs: RETRY_MS });
    const preparing = prepare(isChanged ? changed(wish as Saying, verdict) : wish);
    const change = preparing instanceof Promise ? await before(clock, LOOKUP_MS, preparing, late) : preparing;
    if (!isChanged) return (answer) => enter(change, answer);
    return (answer) => enter(change, (outcome, state) => answer(withText(outcome, verdict.content), state));
  }

  /** Ends those at the front of a line that have been decided about. */
  const advance = (seat: string, line: Held[]) => {
    for (let [first] = line; first?.end; [first] = line) {
      line.shift();
      if (asked.get(first.key) === first) asked.delete(first.key);
      for (const answer of first.answers) {
        try {
          first.end(answer);
        } catch (error) {
          faulted(error);
          answer(refusalOf(error));
        }
      }
    }
    if (line.length === 0) lines.delete(seat);
    stopIfEmpty();
  };

  return {
    get waiting() {
      return lines.values().reduce((sum, line) => sum + line.length, 0);
    },
    hold(coming) {
      const { pass, wish, answer } = coming;
      const { userId } = pass.person;
      const seat = seatKey({ userId, room: pass.room });
      const isAsked = wish.kind === "post" || wish.kind === "edit";
      if (!isAsked && !lines.has(seat)) return false;
      // A refusal would not be final for what is being committed already.
      if (isAsked && committer.join(sign(wish, pass.room, pass.person), answer)) return true;
      const { kind, clientId } = wish;
      const key = changeKey({ kind, room: pass.room, senderId: userId, clientId });
      const about = "id" in wish ? wish.id : undefined;
      const same = isAsked ? asked.get(key) : undefined;
      if (same) {
        if (same.about === about) same.answers.push(answer);
        else answer(new Refusal("client_id_reused"));
        return true;
      }
      if (stopping) {
        answer(new Refusal("busy", { retryAfterMs: RETRY_MS }));
        return true;
      }
      const held: Held = { key, about, answers: [answer] };
      const line = lines.getOrInsertComputed(seat, () => []);
      line.push(held);
      if (isAsked) asked.set(key, held);
      void decide(coming, isAsked)
        .catch((error: unknown): Held["end"] => {
          if (!(error instanceof Refusal)) faulted(error);
          const refusal = refusalOf(error);
          return (one) => one(refusal);
        })
        .then((end) => {
          held.end = end;
          advance(seat, line);
        });
      return true;
    },
    async drain() {
      stopping = true;
      await new Promise<void>((resolve) => {
        stopped = resolve;
        stopIfEmpty();
      });
    },
  };
}

const refusalBy = (verdict: Extract<Verdict, { action: "refuse" } | { action: "unchecked" }>): Refusal =>
  verdict.action === "unchecked"
    ? new Refusal("message_unchecked", { retryAfterMs: RETRY_MS })
    : new Refusal("message_refused", verdict.reason === undefined ? {} : { detail: verdict.reason });

const changed = (
  saying: Saying,
  { content, mentions = saying.mentions, everyone = saying.everyone }: Extract<Verdict, { action: "change" }>,
): Saying => ({ ...saying, content, mentions, everyone });

/** Tells the sender what was committed instead. A repeat may have been committed with another text. */
const withText = (outcome: Ack | Refusal, content: string): Ack | Refusal =>
  outcome instanceof Refusal || outcome.duplicate ? outcome : { ...outcome, content };

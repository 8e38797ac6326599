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
import type { Answer } from "../room/committer.ts";
import type { Saying, Screen, Verdict } from "../screenports.ts";

/** How long it may take to find out whether a refused message was committed before, in milliseconds. */
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
  readonly clock: Clock;
}

export function createScreening({ screen, store, clock }: ScreeningParts): Screening {
  /** By person and room, in the order in which they came. */
  const lines = new Map<string, Held[]>();
  /** The messages and edits among them. */
  const asked = new Map<string, Held>();
  let stopping = false;
  let stopped = () => {};

  /** A retry of what was committed gets its ack, whatever the screen says now. */
  async function earlier(refusal: Refusal, { pass, wish }: Coming): Promise<Held["end"]> {
    const change = sign(wish as Saying, pass.room, pass.person);
    const late = () => new Refusal("unavailable", { retryAfterMs: RETRY_MS });
    const outcome = await before(clock, LOOKUP_MS, store.answered(change), late);
    if (!outcome) return (answer) => answer(refusal);
    return (answer) => answer("refused" in outcome ? refusalFor(outcome) : outcome.ack);
  }

  async function decide(coming: Coming, isAsked: boolean): Promise<Held["end"]> {
    const { pass, wish, prepare, enter } = coming;
    if (!isAsked) {
      const change = await prepare(wish);
      return (answer) => enter(change, answer);
    }
    const saying = wish as Saying;
    const verdict = await screen.ask({ person: pass.person, room: pass.room, saying });
    if (verdict.action === "refuse" || verdict.action === "unchecked")
      return earlier(refusalBy(verdict), coming);
    const change = await prepare(verdict.action === "change" ? changed(saying, verdict) : saying);
    if (verdict.action === "allow") return (answer) => enter(change, answer);
    return (answer) => enter(change, (outcome, state) => answer(withText(outcome, verdict.content), state));
  }

  /** Ends those at the front of a line that have been decided about. */
  const advance = (seat: string, line: Held[]) => {
    for (let [first] = line; first?.end; [first] = line) {
      line.shift();
      if (asked.get(first.key) === first) asked.delete(first.key);
      for (const answer of first.answers) first.end(answer);
    }
    if (line.length === 0) lines.delete(seat);
    if (stopping && lines.size === 0) stopped();
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
      if (lines.size > 0) await new Promise<void>((resolve) => (stopped = resolve));
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

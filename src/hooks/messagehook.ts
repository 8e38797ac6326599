import { type Owner, ownerOf } from "../budgets.ts";
import type { Question, Screen, SentFile, Verdict } from "../chat/chat.ts";
import { before, type Clock } from "../clock.ts";
import { createPlaces } from "../limits/places.ts";
import { createFairQueue } from "../limits/queue.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { type Outbound, OutboundError } from "../outbound/outbound.ts";
import { createCircuit } from "./circuit.ts";
import { createAnswers, NoAnswer, questionBody } from "./question.ts";
import { signed } from "./signing.ts";

/** Requests at a time: for one person or key, for one room, and in total. The rest is for others. */
const PLACES = { person: 8, room: 24, total: 64 } as const;
/** How many messages may wait for one. */
const WAITING = { person: 100, room: 1_000, total: 2_000 } as const;

interface MessageHookParts {
  readonly url: string;
  /** Each of them signs. */
  readonly secrets: readonly string[];
  /** How long a message waits, with the time until there is a place for its request, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether messages are committed unchecked if there is no answer. */
  readonly allowsUnchecked: boolean;
  /** The longest message, in code points. */
  readonly messageChars: number;
  /** Describes what somebody is about to send. */
  readonly files: { unsent(userId: number, ids: readonly string[]): Promise<readonly SentFile[]> };
  readonly outbound: Pick<Outbound, "send">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "messageHook" | "messageHookSeconds">;
}

/** Asks an endpoint of the operator's about messages before they are committed. */
export function createMessageHook(parts: MessageHookParts): Screen {
  const { url, secrets, timeoutMs, allowsUnchecked, files, outbound, clock, log, metrics } = parts;
  const own = createPlaces({ each: PLACES.person, waiting: WAITING.person });
  const ofRooms = createPlaces({ each: PLACES.room, waiting: WAITING.room });
  const all = createFairQueue({ parallel: PLACES.total, max: WAITING.total, share: WAITING.person });
  const circuit = createCircuit(clock, log);
  const verdictOf = createAnswers(parts.messageChars);
  /** How many messages of each person or key are here. */
  const here = new Map<Owner, number>();

  /** @throws {NoAnswer} {@link OutboundError} */
  async function request(question: Question, sent: readonly SentFile[], ms: number): Promise<Verdict> {
    const now = clock.now();
    const begun = clock.monotonic();
    const body = questionBody(question, sent, new Date(now).toISOString());
    // A receiver that knows an id already may skip what comes with it, so each question has its own.
    const id = `msg_${crypto.randomUUID()}`;
    try {
      const response = await outbound.send({
        ...{ url, body, trusted: true, timeoutMs: ms },
        headers: {
          "content-type": "application/json",
          ...signed(secrets, { id, seconds: Math.floor(now / 1000), body }),
        },
      });
      return verdictOf(response, question);
    } finally {
      metrics.messageHookSeconds.observe((clock.monotonic() - begun) / 1000);
    }
  }

  /** Asks when there are places. `given` gets the time that is left for the request. @throws if there is no answer. */
  async function askInTurn(question: Question, owner: Owner, given: (ms: number) => void) {
    const { person, room, saying } = question;
    const until = clock.monotonic() + timeoutMs;
    const left = () => {
      const ms = until - clock.monotonic();
      if (ms <= 0) throw late();
      return ms;
    };
    const named = (saying.kind === "post" && saying.files) || [];
    const sent = async () => {
      if (named.length === 0) return [];
      const alt = new Map(named.map((file) => [file.id, file.alt]));
      const found = await files.unsent(person.userId, [...alt.keys()]);
      return found.map((file) => ({ ...file, alt: alt.get(file.id) }));
    };
    const ask = async () => {
      left();
      const described = await sent();
      const ms = left();
      given(ms);
      return request(question, described, ms);
    };
    const inRoom = () => ofRooms.run(room, () => all.run([room, String(owner)], ask));
    return own.run(owner, () => (left(), inRoom()));
  }

  return {
    async ask(question) {
      if (!circuit.admits()) return unchecked("skipped", allowsUnchecked);
      const owner = ownerOf(question.person);
      const others = here.get(owner) ?? 0;
      here.set(owner, others + 1);
      // Otherwise somebody could send more at a time than is asked about, and the rest would go unchecked.
      const allows = allowsUnchecked && others < PLACES.person;
      let ms = 0;
      try {
        const asking = askInTurn(question, owner, (left) => (ms = left));
        const verdict = await before(clock, timeoutMs, asking, late);
        circuit.succeeded();
        metrics.messageHook.of(OUTCOMES[verdict.action]).count++;
        return verdict;
      } catch (error) {
        // An endpoint that had little time has not failed.
        if (ms < timeoutMs / 2) return unchecked("crowded", allows);
        circuit.failed(owner, reasonOf(error));
        return unchecked("failed", allows);
      } finally {
        const rest = (here.get(owner) ?? 1) - 1;
        if (rest > 0) here.set(owner, rest);
        else here.delete(owner);
      }
    },
  };

  function unchecked(outcome: "skipped" | "crowded" | "failed", allows: boolean): Verdict {
    metrics.messageHook.of(outcome).count++;
    return { action: allows ? "allow" : "unchecked" };
  }
}

const OUTCOMES = { allow: "allowed", refuse: "refused", change: "changed", unchecked: "failed" } as const;

const late = () => new NoAnswer("The response was not complete in time.");

const reasonOf = (error: unknown): string =>
  error instanceof NoAnswer || error instanceof OutboundError ? error.message : "The request failed.";

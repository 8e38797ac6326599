import { type Clock, every } from "../clock.ts";
import type { Identity } from "../identity.ts";
import type { CloseReason } from "../protocol/codes.ts";
import type { Hub } from "./hub.ts";

/** How often open sockets are held against the database, in milliseconds. */
const CHECK_MS = 5_000;

export type EndReason = "session_ended" | "account_disabled";

/** Whether sessions and accounts are alive, and word of those that end here. */
export interface Standing {
  /** Why each of them has ended, or null; past every cache. */
  ask(people: readonly Pick<Identity, "userId" | "sessionId">[]): Promise<readonly (EndReason | null)[]>;
  /** `sessionIds` null: everything of that user. The answer takes the listener away. */
  onEnded(
    listener: (ended: { userId: number; sessionIds: readonly string[] | null; reason: EndReason }) => void,
  ): () => void;
}

/** Do not come back with this token; do not come back at all. */
const CLOSES = { session_ended: "token_invalid", account_disabled: "forbidden" } as const satisfies Record<
  EndReason,
  CloseReason
>;

interface GuardOptions {
  readonly hub: Hub;
  readonly standing: Standing;
  readonly clock: Clock;
}

/** Closes the sockets of ended sessions and accounts: at once where they end here, else at the next look. Answers its end. */
export function guardSockets({ hub, standing, clock }: GuardOptions): () => void {
  async function check(): Promise<void> {
    const people = [...new Map(hub.identities().map((person) => [keyOf(person), person])).values()];
    if (people.length === 0) return;
    try {
      const reasons = await standing.ask(people);
      const ended = new Map(people.map((person, index) => [keyOf(person), reasons[index] ?? null]));
      hub.closeWhere((person) => {
        const reason = ended.get(keyOf(person));
        return reason ? CLOSES[reason] : undefined;
      });
    } catch {
      // The database is away, which the check of the rooms tells of; the next look comes.
    }
  }

  const stopListening = standing.onEnded(({ userId, sessionIds, reason }) =>
    hub.closeWhere((person) => {
      const concerned =
        sessionIds === null || (person.sessionId !== null && sessionIds.includes(person.sessionId));
      return person.userId === userId && concerned ? CLOSES[reason] : undefined;
    }),
  );
  const stopChecking = every(clock, CHECK_MS, check);
  return () => {
    stopListening();
    stopChecking();
  };
}

const keyOf = ({ userId, sessionId }: Identity) => `${userId} ${sessionId ?? ""}`;

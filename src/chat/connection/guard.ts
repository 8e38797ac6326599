import { type Clock, every } from "../../clock.ts";
import type { Identity } from "../../identity.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { Hub } from "./hub.ts";
import { TOKEN_LOOK_MS } from "../limits.ts";

/** How often open sockets are held against the database, in milliseconds. */
const CHECK_MS = 5_000;

export type EndReason = "session_ended" | "account_disabled";

/** Whether sessions and accounts are alive and where people are banned, and word of what changes here. */
export interface Standing {
  /** Why each of them has ended, or null, and the rooms that they are banned from; past every cache. */
  ask(
    people: readonly Pick<Identity, "userId" | "sessionId">[],
  ): Promise<readonly { readonly reason: EndReason | null; readonly banned: ReadonlySet<string> }[]>;
  /** `sessionIds` null: everything of that user. The answer takes the listener away. */
  onEnded(
    listener: (ended: { userId: number; sessionIds: readonly string[] | null; reason: EndReason }) => void,
  ): () => void;
  onBansChanged(listener: (userId: number) => Promise<void>): () => void;
}

/** Do not come back with this token; do not come back at all. */
const CLOSES = { session_ended: "token_invalid", account_disabled: "forbidden" } as const satisfies Record<
  EndReason,
  CloseReason
>;

interface GuardOptions {
  readonly hub: Pick<Hub, "connections">;
  readonly standing: Standing;
  readonly clock: Clock;
}

/**
 * Closes the sockets of ended sessions and accounts, and takes who is banned out of the room: at once where it is done
 * here, else at the next look. Has all tokens looked at for their end: a timer for each would weigh more than an idle
 * connection. Answers its end.
 */
export function guardSockets({ hub, standing, clock }: GuardOptions): () => void {
  async function ask(userId: number | undefined): Promise<void> {
    const people = new Map<string, Identity>();
    for (const { identity } of hub.connections)
      if (userId === undefined || identity.userId === userId) people.set(keyOf(identity), identity);
    if (people.size === 0) return;
    try {
      const answers = await standing.ask([...people.values()]);
      const found = new Map([...people.keys()].map((key, index) => [key, answers[index]]));
      for (const connection of hub.connections) {
        const { reason, banned } = found.get(keyOf(connection.identity)) ?? {};
        if (reason) connection.close(CLOSES[reason]);
        else if (banned) connection.setBans(banned);
      }
    } catch {
      // The database is away, which the check of the rooms tells of; the next look comes.
    }
  }

  // One look at a time: of two that overlap, the one that was asked first could be answered last.
  let last = Promise.resolve();
  const look = (userId?: number) => (last = last.then(() => ask(userId)));

  const stops = [
    standing.onEnded(({ userId, sessionIds, reason }) => {
      for (const connection of hub.connections) {
        const { identity } = connection;
        const concerned =
          sessionIds === null || (identity.sessionId !== null && sessionIds.includes(identity.sessionId));
        if (identity.userId === userId && concerned) connection.close(CLOSES[reason]);
      }
    }),
    standing.onBansChanged(look),
    every(clock, CHECK_MS, () => look()),
    every(clock, TOKEN_LOOK_MS, () => {
      for (const connection of hub.connections) connection.checkToken();
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

const keyOf = ({ userId, sessionId }: Identity) => `${userId} ${sessionId ?? ""}`;

import { type Clock, every } from "../../clock.ts";
import type { EndReason, Login, Standing } from "../../identity.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { Memberships } from "../access/memberships.ts";
import { TOKEN_LOOK_MS } from "../limits.ts";
import type { Hub, Subscriptions } from "./hub.ts";

/** How often open sockets are checked against the database, in milliseconds. */
const CHECK_MS = 5_000;

/** `token_invalid`: do not come back with this token. `forbidden`: do not come back at all. */
const CLOSES = { session_ended: "token_invalid", account_disabled: "forbidden" } as const satisfies Record<
  EndReason,
  CloseReason
>;

interface GuardOptions {
  readonly hub: Pick<Hub, "connections" | "of" | "subscriptionsOf">;
  readonly standing: Standing;
  readonly memberships: Pick<Memberships, "departures" | "onLeft">;
  readonly clock: Clock;
}

export interface Guard {
  /** Takes a person out of the rooms that the database says they are out of. Rejects if it does not respond. */
  recheck(userId: number): Promise<void>;
  /** Ends those of these subscriptions that are to a room. */
  expel(room: string, why: "banned" | "left", open: Subscriptions): void;
  stop(): void;
}

/**
 * Ends access of open sockets when it ends: closes those of ended sessions and accounts, and takes people out of rooms
 * that they were banned from or left, at the next check at the latest. Also checks all tokens for their expiry, because a
 * timer for each would take more memory than an idle connection.
 */
export function createGuard({ hub, standing, memberships, clock }: GuardOptions): Guard {
  async function checkLogins(): Promise<void> {
    const logins = new Map([...hub.connections].map(({ identity }) => [keyOf(identity), identity]));
    if (logins.size === 0) return;
    const statuses = await standing.ask([...logins.values()]);
    const found = new Map([...logins.keys()].map((key, index) => [key, statuses[index]]));
    for (const connection of hub.connections) {
      const status = found.get(keyOf(connection.identity));
      if (status && status !== "alive") connection.close(CLOSES[status]);
    }
  }

  async function checkRooms(userIds: Iterable<number>): Promise<void> {
    // Taken before the query: a room that is joined meanwhile was joined after whatever the query finds.
    const present = [...new Set(userIds)]
      .map((userId) => ({ userId, open: hub.subscriptionsOf(userId) }))
      .filter(({ open }) => open.some(([, { length }]) => length > 0));
    if (present.length === 0) return;
    const departures = await memberships.departures(present.map(({ userId }) => userId));
    present.forEach(({ open }, index) => {
      const theirs = departures[index];
      for (const [connection, subscriptions] of open) if (theirs) connection.depart(theirs, subscriptions);
    });
  }

  /** The database is away: the check of the rooms logs it, and the next check comes. */
  const ignore = () => {};
  const everyone = () => [...hub.connections].map(({ identity }) => identity.userId);

  const stops = [
    standing.onEnded(({ userId, sessionIds, reason }) => {
      for (const connection of hub.of(userId)) {
        const { sessionId } = connection.identity;
        const concerned = sessionIds === null || (sessionId !== null && sessionIds.includes(sessionId));
        if (concerned) connection.close(CLOSES[reason]);
      }
    }),
    every(clock, CHECK_MS, () => checkLogins().catch(ignore)),
    every(clock, CHECK_MS, () => checkRooms(everyone()).catch(ignore)),
    every(clock, TOKEN_LOOK_MS, () => {
      for (const connection of hub.connections) connection.checkToken();
    }),
  ];
  memberships.onLeft((userId) => void checkRooms([userId]).catch(ignore));

  return {
    recheck: (userId) => checkRooms([userId]),
    expel(room, why, open) {
      const departures = new Map([[room, why]]);
      for (const [connection, subscriptions] of open) connection.depart(departures, subscriptions);
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

const keyOf = ({ userId, sessionId, keyId }: Login) => `${userId} ${sessionId ?? ""} ${keyId ?? ""}`;

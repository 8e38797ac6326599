import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { personOf, type PersonRow } from "../person.ts";
import type { Facts, Origin, SecurityEvent, SecurityLog } from "../security.ts";
import { type Keys, keysAway } from "./keys.ts";
import { type RefreshClaim, readRefreshToken, refreshToken } from "./refresh.ts";
import {
  advanceSession,
  insertSession,
  type Lifetime,
  listSessions,
  readSession,
  revokeSession,
  revokeSessions,
} from "./sessionstore.ts";
import type { Logins } from "./standing.ts";
import type { Tokens } from "./tokens.ts";
import type { User } from "./users.ts";

/** Grace period of the previous refresh token. Covers lost responses and concurrent tabs. */
const GRACE_MS = 60_000;

export interface TokenPair {
  readonly access: string;
  readonly refresh: string;
}

export interface SessionInfo {
  readonly id: string;
  readonly userAgent: string;
  readonly createdAt: string;
  readonly usedAt: string;
  readonly expiresAt: string;
  /** Whether this session made the request. */
  readonly current: boolean;
}

/** Login sessions. Each is a row in the database, kept alive by a chain of refresh tokens. */
export interface Sessions {
  /** Ask before anything is changed that would need a session. @throws {Refusal} unavailable if none can be opened now. */
  canSign(): void;
  /**
   * Opens a session for a user whose password was just verified; undefined if the user has changed since. If the user
   * has too many, ends those that were used least recently.
   */
  open(user: User, origin: Origin): Promise<TokenPair | undefined>;
  /**
   * Returns the next pair of tokens. The current refresh token advances the session. For 60 s, the previous
   * one returns the current one again. Any other used token ends the session.
   * @throws {Refusal} refresh_invalid, refresh_reused, session_ended, account_disabled.
   */
  refresh(token: string, origin: Origin): Promise<TokenPair>;
  /** Returns the session of a refresh token that this server made, whatever has become of it; undefined for any other. */
  idOf(token: string): string | undefined;
  /** Ends the session of a refresh token of any generation. @throws {Refusal} refresh_invalid. */
  logout(token: string, origin: Origin): Promise<void>;
  /** Returns the person's live sessions, most recently used first. */
  list(who: Identity): Promise<SessionInfo[]>;
  /** @throws {Refusal} not_found if the person has no such live session. */
  end(who: Identity, sessionId: string, origin: Origin): Promise<void>;
  endOthers(who: Identity, origin: Origin): Promise<void>;
}

/** The person of a session, as their tokens say. */
type Owner = PersonRow & { readonly userId: number; readonly picture: string | null };

interface SessionsOptions {
  readonly pool: Pool;
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly standing: Logins;
  readonly security: Pick<SecurityLog, "record">;
  readonly lifetime: Lifetime;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { pool, keys, tokens, standing, security, lifetime } = options;

  async function pairOf(row: Owner, { sessionId, generation }: RefreshClaim): Promise<TokenPair> {
    const secret = keys.secret();
    const { userId, username, picture } = row;
    const access = await tokens.issue({ userId, username, user: personOf(row), picture, sessionId });
    return { access, refresh: refreshToken({ sessionId, generation }, secret) };
  }

  const canSign = () => void [keys.signer(), keys.secret()];

  const ended = (sessionIds: readonly string[], event: SecurityEvent, about: Facts & { userId: number }) => {
    if (sessionIds.length === 0) return;
    security.record(event, { ...about, sessions: sessionIds.length });
    standing.end({ userId: about.userId, sessionIds, reason: "session_ended" });
  };

  function claimOf(token: string): RefreshClaim {
    const claim = readRefreshToken(token, keys.secrets());
    if (claim) return claim;
    throw keys.isBehind() ? keysAway() : new Refusal("refresh_invalid");
  }

  return {
    canSign,
    async open(user, origin) {
      canSign();
      const sessionId = Bun.randomUUIDv7();
      const evicted = await pool.run((orm) =>
        insertSession(orm, user, sessionId, origin.userAgent, lifetime),
      );
      if (!evicted) return undefined;
      const { id: userId, username } = user;
      ended(evicted, "session.evict", { userId, username, origin });
      return pairOf({ ...user, userId }, { sessionId, generation: 1 });
    },
    async refresh(token, origin) {
      const claim = claimOf(token);
      canSign();
      const { sessionId, generation } = claim;
      // A lost race leads to one more round: by then the generation has changed or the session has ended.
      for (;;) {
        const session = await pool.run((orm) => readSession(orm, sessionId, lifetime));
        if (!session || generation > session.generation) throw new Refusal("refresh_invalid");
        if (!session.enabled) throw new Refusal("account_disabled");
        if (!session.alive) throw new Refusal("session_ended");
        if (generation === session.generation) {
          if (await pool.run((orm) => advanceSession(orm, claim, lifetime)))
            return pairOf(session, { sessionId, generation: generation + 1 });
        } else if (generation === session.generation - 1 && session.age <= GRACE_MS) {
          return pairOf(session, { sessionId, generation: session.generation });
        } else {
          const { userId, username } = session;
          const ids = await pool.run((orm) => revokeSession(orm, userId, sessionId));
          ended(ids, "refresh.reuse", { userId, username, sessionId, origin });
          throw new Refusal("refresh_reused");
        }
      }
    },
    idOf: (token) => readRefreshToken(token, keys.secrets())?.sessionId,
    async logout(token, origin) {
      const { sessionId } = claimOf(token);
      const session = await pool.run((orm) => readSession(orm, sessionId, lifetime));
      if (!session) return;
      const { userId, username } = session;
      const ids = await pool.run((orm) => revokeSession(orm, userId, sessionId));
      ended(ids, "session.end", { userId, username, sessionId, origin });
    },
    async list({ userId, sessionId }) {
      const found = await pool.run((orm) => listSessions(orm, userId));
      return found.map(({ id, userAgent, createdAt, usedAt, expiresAt }) => ({
        id,
        userAgent,
        createdAt: createdAt.toISOString(),
        usedAt: usedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
        current: id === sessionId,
      }));
    },
    async end({ userId, username }, sessionId, origin) {
      const ids = await pool.run((orm) => revokeSession(orm, userId, sessionId));
      if (ids.length === 0) throw new Refusal("not_found");
      ended(ids, "session.end", { userId, username, sessionId, origin });
    },
    async endOthers({ userId, username, sessionId }, origin) {
      const ids = await pool.run((orm) => revokeSessions(orm, userId, sessionId));
      ended(ids, "session.end", { userId, username, origin });
    },
  };
}

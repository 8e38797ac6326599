import { and, desc, eq, gt, isNull, ne, sql } from "drizzle-orm";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { sessions } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { Keys } from "./keys.ts";
import { type RefreshClaim, readRefreshToken, refreshToken } from "./refresh.ts";
import type { Standing } from "./standing.ts";
import type { Tokens } from "./tokens.ts";
import type { User } from "./users.ts";

/** How long the refresh token before the current one is still answered: for a lost answer, or two tabs. */
const GRACE_MS = 60_000;
const USER_AGENT_MAX = 256;

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
  /** The session that asks. */
  readonly current: boolean;
}

/** Logins: each is a row, which a chain of refresh tokens keeps alive. */
export interface Sessions {
  /** Begins one for a user whose password was just compared; undefined where user or password have changed since. */
  open(user: User, userAgent: string): Promise<TokenPair | undefined>;
  /**
   * The next pair of tokens. The current refresh token moves the session on; the one before it is answered with the
   * current one again for 60 s; any other that was used ends the session.
   * @throws {Refusal} refresh_invalid, refresh_reused, session_ended, account_disabled.
   */
  refresh(token: string): Promise<TokenPair>;
  /** Ends the session of a refresh token, whichever of its tokens it is. @throws {Refusal} refresh_invalid. */
  logout(token: string): Promise<void>;
  /** The person's sessions that are alive, the last used first. */
  list(who: Identity): Promise<SessionInfo[]>;
  /** @throws {Refusal} not_found where the person has no such session alive. */
  end(who: Identity, sessionId: string): Promise<void>;
  endOthers(who: Identity): Promise<void>;
}

interface SessionsOptions {
  readonly pool: Pool;
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly standing: Standing;
  /** How long a session lasts that is not used. */
  readonly ttlMs: number;
}

export function createSessions({ pool, keys, tokens, standing, ttlMs }: SessionsOptions): Sessions {
  const expiry = sql`clock_timestamp() + ${ttlMs}::float8 * interval '1 millisecond'`;

  async function pairOf(user: { userId: number; username: string }, claim: RefreshClaim): Promise<TokenPair> {
    const [secret] = keys.secrets();
    if (!secret) throw new Error("the database has no key for refresh tokens");
    const access = await tokens.issue({ ...user, sessionId: claim.sessionId });
    return { access, refresh: refreshToken(claim, secret) };
  }

  const ended = (userId: number, sessionIds: readonly string[]) => {
    if (sessionIds.length > 0) standing.end({ userId, sessionIds, reason: "session_ended" });
  };

  function claimOf(token: string): RefreshClaim {
    const claim = readRefreshToken(token, keys.secrets());
    if (!claim) throw new Refusal("refresh_invalid");
    return claim;
  }

  /** Moves a session from one generation to the next; false where another request has done so already, or it ended. */
  const advance = async ({ sessionId, generation }: RefreshClaim) => {
    const moved = await pool.run((orm) =>
      orm
        .update(sessions)
        .set({
          generation: generation + 1,
          rotatedAt: sql`clock_timestamp()`,
          usedAt: sql`clock_timestamp()`,
          expiresAt: expiry,
        })
        .where(and(eq(sessions.id, sessionId), eq(sessions.generation, generation), isNull(sessions.revokedAt)))
        .returning({ id: sessions.id }),
    );
    return moved.length > 0;
  };

  return {
    async open(user, userAgent) {
      const sessionId = Bun.randomUUIDv7();
      const opened = await pool.run((orm) => insertSession(orm, user, sessionId, userAgent, ttlMs));
      return opened ? pairOf({ userId: user.id, username: user.username }, { sessionId, generation: 1 }) : undefined;
    },
    async refresh(token) {
      const claim = claimOf(token);
      const { sessionId, generation } = claim;
      // Whoever loses the swap judges again; it can be lost once, for by then the generation is another.
      for (;;) {
        const session = await pool.run((orm) => readSession(orm, sessionId));
        if (!session || generation > session.generation) throw new Refusal("refresh_invalid");
        if (!session.enabled) throw new Refusal("account_disabled");
        if (!session.alive) throw new Refusal("session_ended");
        if (generation === session.generation) {
          if (await advance(claim)) return pairOf(session, { sessionId, generation: generation + 1 });
        } else if (generation === session.generation - 1 && session.age <= GRACE_MS) {
          return pairOf(session, { sessionId, generation: session.generation });
        } else {
          ended(session.userId, await pool.run((orm) => revoke(orm, eq(sessions.id, sessionId))));
          throw new Refusal("refresh_reused");
        }
      }
    },
    async logout(token) {
      const { sessionId } = claimOf(token);
      const session = await pool.run((orm) => readSession(orm, sessionId));
      if (session) ended(session.userId, await pool.run((orm) => revoke(orm, eq(sessions.id, sessionId))));
    },
    async list({ userId, sessionId }) {
      const alive = and(eq(sessions.userId, userId), isNull(sessions.revokedAt), gt(sessions.expiresAt, sql`clock_timestamp()`));
      const found = await pool.run((orm) => orm.select().from(sessions).where(alive).orderBy(desc(sessions.usedAt)));
      return found.map(({ id, userAgent, createdAt, usedAt, expiresAt }) => ({
        id,
        userAgent,
        createdAt: createdAt.toISOString(),
        usedAt: usedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
        current: id === sessionId,
      }));
    },
    async end({ userId }, sessionId) {
      const own = and(eq(sessions.id, sessionId), eq(sessions.userId, userId), gt(sessions.expiresAt, sql`clock_timestamp()`));
      const ids = await pool.run((orm) => revoke(orm, own));
      if (ids.length === 0) throw new Refusal("not_found");
      ended(userId, ids);
    },
    async endOthers({ userId, sessionId }) {
      ended(userId, await pool.run((orm) => revokeSessions(orm, userId, sessionId)));
    },
  };
}

/** Ends all sessions of a user, but for one; answers which. Listeners are not told. */
export const revokeSessions = (orm: Orm, userId: number, except: string | null): Promise<string[]> =>
  revoke(orm, and(eq(sessions.userId, userId), ...(except === null ? [] : [ne(sessions.id, except)])));

async function revoke(orm: Orm, which: ReturnType<typeof and>): Promise<string[]> {
  const revoked = await orm
    .update(sessions)
    .set({ revokedAt: sql`clock_timestamp()` })
    .where(and(which, isNull(sessions.revokedAt)))
    .returning({ id: sessions.id });
  return revoked.map(({ id }) => id);
}

/**
 * Inserts a session while user and password are what was compared, and clears away those that expired. It holds the
 * user's row: a change of password either is seen here, or comes after and ends this session too.
 */
async function insertSession(orm: Orm, user: User, id: string, userAgent: string, ttlMs: number): Promise<boolean> {
  const agent = userAgent.toWellFormed().replaceAll("\0", "").slice(0, USER_AGENT_MAX).toWellFormed();
  const inserted = await rows(
    orm,
    sql`with expired as (
        delete from sessions where user_id = ${user.id}::bigint and expires_at < clock_timestamp()
      )
      insert into sessions (id, user_id, expires_at, user_agent)
      select ${id}::uuid, id, clock_timestamp() + ${ttlMs}::float8 * interval '1 millisecond', ${agent}::text
      from users
      where id = ${user.id}::bigint and password_hash = ${user.passwordHash}::text
        and disabled_at is null and deleted_at is null
      for share
      returning id`,
  );
  return inserted.length > 0;
}

interface SessionRow {
  readonly userId: number;
  readonly username: string;
  readonly generation: number;
  readonly enabled: boolean;
  readonly alive: boolean;
  /** Since the last rotation, in milliseconds, by the database's clock. */
  readonly age: number;
}

async function readSession(orm: Orm, id: string): Promise<SessionRow | undefined> {
  const [session] = await rows<SessionRow>(
    orm,
    sql`select s.user_id::float8 as "userId", u.username, s.generation::float8 as generation,
        u.disabled_at is null and u.deleted_at is null as enabled,
        s.revoked_at is null and s.expires_at > clock_timestamp() as alive,
        (extract(epoch from clock_timestamp() - s.rotated_at) * 1000)::float8 as age
      from sessions s join users u on u.id = s.user_id where s.id = ${id}::uuid`,
  );
  return session;
}

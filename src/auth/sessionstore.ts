import { and, desc, eq, gt, isNull, ne, type SQL, sql } from "drizzle-orm";
import { type Orm, rows } from "../db/database.ts";
import { sessions } from "../db/schema.ts";
import type { RefreshClaim } from "./refresh.ts";
import type { User } from "./users.ts";

const USER_AGENT_MAX = 256;

// All times are the database's: nodes may disagree about theirs.
const now = sql`clock_timestamp()`;
const after = (ms: number) => sql`clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`;
const unended = and(isNull(sessions.revokedAt), gt(sessions.expiresAt, now));

/**
 * Inserts a session while user and password are what was compared, and clears away those that expired. It holds the
 * user's row: a change of password either is seen here, or comes after and ends this session too.
 */
export async function insertSession(
  orm: Orm,
  user: User,
  id: string,
  userAgent: string,
  ttlMs: number,
): Promise<boolean> {
  const agent = userAgent.toWellFormed().replaceAll("\0", "").slice(0, USER_AGENT_MAX).toWellFormed();
  const inserted = await rows(
    orm,
    sql`with expired as (
        delete from sessions where user_id = ${user.id}::bigint and expires_at < clock_timestamp()
      )
      insert into sessions (id, user_id, expires_at, user_agent)
      select ${id}::uuid, id, ${after(ttlMs)}, ${agent}::text
      from users
      where id = ${user.id}::bigint and password_hash = ${user.passwordHash}::text
        and disabled_at is null and deleted_at is null
      for share
      returning id`,
  );
  return inserted.length > 0;
}

export interface SessionRow {
  readonly userId: number;
  readonly username: string;
  readonly generation: number;
  readonly enabled: boolean;
  readonly alive: boolean;
  /** Since the last rotation, in milliseconds, by the database's clock. */
  readonly age: number;
}

export async function readSession(orm: Orm, id: string): Promise<SessionRow | undefined> {
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

/** Moves a session from one generation to the next; false where another request has done so already, or it has ended. */
export async function advanceSession(orm: Orm, { sessionId, generation }: RefreshClaim, ttlMs: number) {
  const moved = await orm
    .update(sessions)
    .set({ generation: generation + 1, rotatedAt: now, usedAt: now, expiresAt: after(ttlMs) })
    .where(and(eq(sessions.id, sessionId), eq(sessions.generation, generation), unended))
    .returning({ id: sessions.id });
  return moved.length > 0;
}

/** The sessions of a user that have not ended, the last used first. */
export const listSessions = (orm: Orm, userId: number) =>
  orm
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, userId), unended))
    .orderBy(desc(sessions.usedAt));

/** Ends one session of a user, if it has not ended: then its id is answered. */
export const revokeSession = (orm: Orm, userId: number, sessionId: string) =>
  revoke(orm, userId, eq(sessions.id, sessionId));

/** Ends all sessions of a user, but for one; answers which had not ended. */
export const revokeSessions = (orm: Orm, userId: number, except: string | null) =>
  revoke(orm, userId, except === null ? undefined : ne(sessions.id, except));

async function revoke(orm: Orm, userId: number, which: SQL | undefined): Promise<string[]> {
  const revoked = await orm
    .update(sessions)
    .set({ revokedAt: now })
    .where(and(eq(sessions.userId, userId), which, unended))
    .returning({ id: sessions.id });
  return revoked.map(({ id }) => id);
}

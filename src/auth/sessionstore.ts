import { and, desc, eq, gt, isNull, ne, type SQL, sql } from "drizzle-orm";
import { type Orm, rows } from "../db/database.ts";
import { sessions } from "../db/schema.ts";
import type { RefreshClaim } from "./refresh.ts";
import type { User } from "./users.ts";

const USER_AGENT_MAX = 256;

// All times come from the database's clock, because the clocks of nodes differ.
const now = sql`clock_timestamp()`;
const after = (ms: number) => sql`clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`;
const unended = and(isNull(sessions.revokedAt), gt(sessions.expiresAt, now));

/**
 * Inserts a session and deletes the user's expired ones. Returns false if the user's password has changed
 * since it was compared, or the user may no longer log in. Locks the user's row, so a concurrent change of
 * password is either seen here or comes later and ends this session too.
 */
export async function insertSession(
  orm: Orm,
  user: User,
  id: string,
  userAgent: string,
  ttlMs: number,
): Promise<boolean> {
  const agent = userAgent.slice(0, USER_AGENT_MAX).toWellFormed().replaceAll("\0", "");
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
  /** Time since the last rotation, in milliseconds, by the database's clock. */
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

/**
 * Advances a session to its next generation. Returns false if another request already did this or the session
 * has ended.
 */
export async function advanceSession(orm: Orm, { sessionId, generation }: RefreshClaim, ttlMs: number) {
  const moved = await orm
    .update(sessions)
    .set({ generation: generation + 1, rotatedAt: now, usedAt: now, expiresAt: after(ttlMs) })
    .where(and(eq(sessions.id, sessionId), eq(sessions.generation, generation), unended))
    .returning({ id: sessions.id });
  return moved.length > 0;
}

/** Returns a user's live sessions, most recently used first. */
export const listSessions = (orm: Orm, userId: number) =>
  orm
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, userId), unended))
    .orderBy(desc(sessions.usedAt));

/** Ends one session of a user. Returns its id, or an empty list if it had already ended. */
export const revokeSession = (orm: Orm, userId: number, sessionId: string) =>
  revoke(orm, userId, eq(sessions.id, sessionId));

/** Ends all live sessions of a user, `except` one. Returns their ids. */
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

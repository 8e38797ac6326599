import { and, desc, eq, gt, inArray, isNull, ne, type SQL, sql } from "drizzle-orm";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { pushDevices, sessions } from "../db/schema.ts";
import { ago, fromNow } from "../db/time.ts";
import type { PersonRow } from "../person.ts";
import type { RefreshClaim } from "./refresh.ts";
import type { User } from "./users.ts";

const USER_AGENT_MAX = 256;
/** How many live sessions a person has at most. */
const SESSIONS_MAX = 100;
/** How many expired sessions a login deletes, so that its cost does not grow with them. */
const EXPIRED_BATCH = 10;
/** How many sessions one statement ends. */
const ENDED_BATCH = 5000;
/** How long the row of an ended session is kept, so that its tokens are told why they no longer work. */
const ENDED_KEPT_MS = 24 * 3600 * 1000;

const now = sql`clock_timestamp()`;
/** When a session reaches its maximum age. */
const until = (maxAgeMs: number) => sql`created_at + ${maxAgeMs}::float8 * interval '1 millisecond'`;
/** When the row of a session that ends now is no longer kept. */
const keptUntil = sql`least(${sessions.expiresAt}, ${fromNow(ENDED_KEPT_MS)})`;
const unended = and(isNull(sessions.revokedAt), gt(sessions.expiresAt, now));

/** How long sessions last, in milliseconds. */
export interface Lifetime {
  /** Without a refresh. */
  readonly ttlMs: number;
  /** In total. */
  readonly maxAgeMs: number;
}

/**
 * Inserts a session and deletes some of the user's expired ones. Beyond {@link SESSIONS_MAX} live sessions, ends those
 * that were used least recently, and returns their ids. Returns undefined if the user's password has changed since it
 * was compared, or the user may no longer log in.
 */
export const insertSession = (
  orm: Orm,
  user: User,
  id: string,
  userAgent: string,
  { ttlMs, maxAgeMs }: Lifetime,
): Promise<string[] | undefined> =>
  orm.transaction(async (tx) => {
    const agent = userAgent.slice(0, USER_AGENT_MAX).toWellFormed().replaceAll("\0", "");
    // Locks the user's row. A concurrent change of password is either seen here or comes later and ends this session
    // too. Concurrent logins of one person take turns, so each counts the sessions of those before it.
    const inserted = await rows(
      tx,
      sql`insert into sessions (id, user_id, expires_at, user_agent)
        select ${id}::uuid, id, ${fromNow(Math.min(ttlMs, maxAgeMs))}, ${agent}::text
        from users
        where id = ${user.id}::bigint and password_hash = ${user.passwordHash}::text
          and disabled_at is null and deleted_at is null
        for no key update
        returning id`,
    );
    if (inserted.length === 0) return undefined;
    const excess = await rows<{ id: string }>(
      tx,
      sql`with expired as (
          delete from sessions where id in (
            select id from sessions where user_id = ${user.id}::bigint and expires_at < now()
            order by expires_at limit ${EXPIRED_BATCH}::int
          )
        )
        select id from sessions
        where user_id = ${user.id}::bigint and id <> ${id}::uuid and revoked_at is null
          and expires_at > clock_timestamp()
        order by used_at desc offset ${SESSIONS_MAX - 1}::int`,
    );
    const ids = excess.map(({ id }) => id);
    return ids.length === 0 ? [] : revoke(tx, user.id, inArray(sessions.id, ids));
  });

export interface SessionRow extends PersonRow {
  readonly userId: number;
  readonly picture: string | null;
  readonly generation: number;
  readonly enabled: boolean;
  readonly alive: boolean;
  /** Time since the last rotation, in milliseconds, by the database's clock. */
  readonly age: number;
}

export async function readSession(
  orm: Orm,
  id: string,
  { maxAgeMs }: Lifetime,
): Promise<SessionRow | undefined> {
  const [session] = await rows<SessionRow>(
    orm,
    sql`select s.user_id::float8 as "userId", u.username, u.uid, u.name, u.picture, s.generation::float8 as generation,
        u.disabled_at is null and u.deleted_at is null as enabled,
        s.revoked_at is null and s.expires_at > clock_timestamp()
          and s.${until(maxAgeMs)} > clock_timestamp() as alive,
        (extract(epoch from clock_timestamp() - s.rotated_at) * 1000)::float8 as age
      from sessions s join users u on u.id = s.user_id where s.id = ${id}::uuid`,
  );
  return session;
}

/**
 * Advances a session to its next generation. Returns false if another request already did this or the session
 * has ended.
 */
export async function advanceSession(
  orm: Orm,
  { sessionId, generation }: RefreshClaim,
  { ttlMs, maxAgeMs }: Lifetime,
): Promise<boolean> {
  const expiresAt = sql`least(${fromNow(ttlMs)}, ${until(maxAgeMs)})`;
  const moved = await orm
    .update(sessions)
    .set({ generation: generation + 1, rotatedAt: now, usedAt: now, expiresAt })
    .where(and(eq(sessions.id, sessionId), eq(sessions.generation, generation), unended))
    .returning({ id: sessions.id });
  return moved.length > 0;
}

/** Whether a session was opened less than `ms` ago. */
export async function isYoung(orm: Orm, sessionId: string, ms: number): Promise<boolean> {
  const found = await orm
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.id, sessionId), gt(sessions.createdAt, ago(ms))));
  return found.length > 0;
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
    .set({ revokedAt: now, expiresAt: keptUntil })
    .where(and(eq(sessions.userId, userId), which, unended))
    .returning({ id: sessions.id });
  const ids = revoked.map(({ id }) => id);
  // Nothing is pushed for an ended session anyway.
  if (ids.length > 0) await orm.delete(pushDevices).where(inArray(pushDevices.sessionId, ids));
  return ids;
}

/** Ends everyone's sessions, in batches. Returns how many. */
export async function revokeAllSessions(pool: Pool): Promise<number> {
  for (let ended = 0; ;) {
    const batch = await pool.run((orm) => {
      const some = orm.select({ id: sessions.id }).from(sessions).where(unended).limit(ENDED_BATCH);
      return orm
        .update(sessions)
        .set({ revokedAt: now, expiresAt: keptUntil })
        .where(inArray(sessions.id, some))
        .returning({ id: sessions.id });
    });
    ended += batch.length;
    if (batch.length === 0) return ended;
  }
}

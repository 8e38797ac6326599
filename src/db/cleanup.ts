import { sql } from "drizzle-orm";
import { type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { clearDeletedRooms } from "./clearing.ts";
import { type Pool, rows } from "./database.ts";
import { ago } from "./time.ts";

/** Lower than every random id. */
const NO_ID = "00000000-0000-0000-0000-000000000000";
/** How often each node removes some of what nobody needs, in milliseconds, and how many rows it looks at then. */
const INTERVAL_MS = 60_000;
const LOOKED_AT = 2_000;
/** How long a room without messages and members stays, in milliseconds. */
const ROOM_MS = 24 * 3600_000;
/** How long ended sessions, links and keys stay, in milliseconds: until then a reused refresh token is recognised. */
const ENDED_MS = 30 * 24 * 3600_000;

/** How long the tickets of mails count, in milliseconds. */
const TICKET_MS = 24 * 3600_000;
/** How long reports stay after they were resolved, with the message as it was, in milliseconds. */
const REPORT_MS = 30 * 24 * 3600_000;

/** How long a device gets pushes after it last said that it is there, in milliseconds. */
const DEVICE_MS = 90 * 24 * 3600_000;

/** Where a walk through a table continues; null: at its beginning. */
type Cursor = number | string | null;

interface CleanupParts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a retired key may be needed, in milliseconds. */
  readonly keyMs: number;
}

/** Removes what nobody needs, a few rows at a time. Any number of nodes may do so at once. Returns a function that stops it. */
export function cleanRegularly({ pool, clock, log, keyMs }: CleanupParts): () => void {
  let room: Cursor = null;
  let session: Cursor = null;
  let invitation: Cursor = null;
  let device: Cursor = null;
  const clean = async () => {
    room = await removeUnusedRooms(pool, room);
    session = await removeEndedSessions(pool, session);
    await removeOldLinks(pool);
    await removeOldTickets(pool);
    invitation = await removeOldInvitations(pool, invitation);
    await removeOldReports(pool);
    device = await removeEndedDevices(pool, device);
    await clearDeletedRooms(pool);
    await removeOldKeys(pool, keyMs + ENDED_MS);
  };
  return tryEvery(clock, INTERVAL_MS, clean, (error) =>
    log.warn(
      { event: "cleanup_failed", fault: faultOf(error) },
      "what nobody needs could not be removed; the next attempt is in a minute",
    ),
  );
}

/**
 * Removes rooms that never had a message, that nobody is a member of or banned from, and that the audit does not name.
 * A room with messages stays for ever: its counter must never start again. Returns where to continue.
 *
 * Anyone who joins such a room or bans someone from it locks its row first. So the rooms are locked, and then a second
 * statement, which sees what was committed before, decides. Rooms that others have locked are skipped.
 */
export const removeUnusedRooms = (pool: Pool, after: Cursor, olderThanMs = ROOM_MS): Promise<Cursor> =>
  pool.run((orm) =>
    orm.transaction(async (tx) => {
      const [walk] = await rows<{ last: number | null; count: number }>(
        tx,
        sql`select max(id)::float8 as last, count(*)::int as count from (
          select id from rooms where not posted and id > ${after ?? 0}::bigint order by id limit ${LOOKED_AT}::int) r`,
      );
      if (!walk || walk.last === null) return null;
      const locked = await rows<{ id: number }>(
        tx,
        sql`select r.id::float8 as id from rooms r
          where not r.posted and r.id > ${after ?? 0}::bigint and r.id <= ${walk.last}::bigint
            and r.created_at < ${ago(olderThanMs)} and ${unused}
          order by r.id for update skip locked`,
      );
      if (locked.length > 0)
        await rows(
          tx,
          sql`with gone as (
              delete from rooms r
              where r.id = any(${`{${locked.map(({ id }) => id).join()}}`}::text::bigint[]) and not r.posted and ${unused}
                and r.id not in (select room_id from audit where room_id is not null)
              returning id
            )
            delete from members m using gone where m.room_id = gone.id`,
        );
      return walk.count < LOOKED_AT ? null : walk.last;
    }),
  );

const unused = sql`not exists (select from members m where m.room_id = r.id and m.state = 'in')
  and not exists (select from bans b where b.room_id = r.id)`;

/** Walks through a table by uuid and removes rows that ended long ago. Returns where to continue. */
const removeEnded =
  (table: "sessions" | "invitations") =>
  async (pool: Pool, after: Cursor, olderThanMs = ENDED_MS): Promise<Cursor> => {
    const rowsOf = sql.identifier(table);
    const [walk] = await pool.run((orm) =>
      rows<{ last: string | null; count: number }>(
        orm,
        sql`with seen as materialized (
          select id from ${rowsOf} where id > ${after ?? NO_ID}::text::uuid order by id limit ${LOOKED_AT}::int
        ), gone as (
          delete from ${rowsOf} x using seen
          where x.id = seen.id and least(x.revoked_at, x.expires_at) < ${ago(olderThanMs)} returning x.id
        )
        select (select id from seen order by id desc limit 1)::text as last, (select count(*) from seen)::int as count`,
      ),
    );
    return walk && walk.count === LOOKED_AT ? walk.last : null;
  };

export const removeEndedSessions = removeEnded("sessions");
/** Links to rooms that were revoked or have expired. */
export const removeOldInvitations = removeEnded("invitations");

/** Removes links for registration that were used or have expired long ago. */
export const removeOldLinks = (pool: Pool, olderThanMs = ENDED_MS): Promise<unknown> =>
  pool.run((orm) =>
    rows(orm, sql`delete from registration_links where least(used_at, expires_at) < ${ago(olderThanMs)}`),
  );

/** Removes what links in mails allowed, some at a time, once it has neither a use nor a place in a limit. */
export const removeOldTickets = (pool: Pool, olderThanMs = TICKET_MS): Promise<unknown> =>
  pool.run((orm) =>
    rows(
      orm,
      sql`delete from tickets where hash in (
        select hash from tickets where created_at < ${ago(olderThanMs)} and expires_at < clock_timestamp()
        order by created_at limit ${LOOKED_AT}::int)`,
    ),
  );

/** Removes reports that were resolved long ago, some at a time. Those that nobody has resolved stay. */
export const removeOldReports = (pool: Pool, olderThanMs = REPORT_MS): Promise<unknown> =>
  pool.run((orm) =>
    rows(
      orm,
      sql`delete from reports where id in (
        select id from reports where resolved_at < ${ago(olderThanMs)} order by resolved_at limit ${LOOKED_AT}::int)`,
    ),
  );

/**
 * Walks through the devices that get pushes, and removes those whose session has ended and those that have not been heard of
 * for long. What was noted for them goes when it is due. Returns where to continue.
 */
export async function removeEndedDevices(
  pool: Pool,
  after: Cursor,
  olderThanMs = DEVICE_MS,
): Promise<Cursor> {
  const [walk] = await pool.run((orm) =>
    rows<{ last: string | null; count: number }>(
      orm,
      sql`with seen as materialized (
        select id from push_devices where id > ${after ?? ""}::text order by id limit ${LOOKED_AT}::int
      ), gone as (
        delete from push_devices d using seen where d.id = seen.id and (d.used_at < ${ago(olderThanMs)} or (
          d.session_id is not null and not exists (select from sessions s
            where s.id = d.session_id and s.revoked_at is null and s.expires_at > clock_timestamp())))
      )
      select max(id) as last, count(*)::int as count from seen`,
    ),
  );
  return walk && walk.count === LOOKED_AT ? walk.last : null;
}

/**
 * Removes keys whose last token has expired long ago. Revoked ones stay for ever: a stolen key that is still in
 * `JWT_PRIVATE_KEY` would be taken for a new one at the next start.
 */
export const removeOldKeys = (pool: Pool, olderThanMs: number): Promise<unknown> =>
  pool.run((orm) =>
    rows(orm, sql`delete from keys where revoked_at is null and retired_at < ${ago(olderThanMs)}`),
  );

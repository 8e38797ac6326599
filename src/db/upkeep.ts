import { sql } from "drizzle-orm";
import { type Clock, tryEvery } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Database, type Pool, rows } from "./database.ts";

/**
 * How often the length of the log is looked at, in milliseconds. In between it grows by up to a page for each message, if
 * there are millions: the first change to a page after a checkpoint writes the whole page to the log.
 */
const INTERVAL_MS = 1_000;
/** At every so many looks, tables are looked at too. */
const TABLES_EVERY = 5;
/** How long one piece of upkeep may take, in milliseconds. */
const LIMIT_MS = 10 * 60_000;
/** A checkpoint is due after this many bytes of log, which bounds the log and the time of a recovery … */
const LOG_MAX = 32 * 1024 * 1024;
/** … or after this many milliseconds, if there are that many bytes of log. */
const CHECKPOINT_MS = 5 * 60_000;
const LOG_MIN = 64 * 1024;
/** A table is due after this many new rows. Each run reads only the pages that have changed since. */
const NEW_ROWS = 20_000;
/** Or if this many rows, and this share of all, are dead: replaced or deleted. */
const DEAD_ROWS = 1_000;
const DEAD_SHARE = 0.2;
/** Or if it has not been frozen for this many transactions, which Postgres numbers with 32 bits. */
const AGE_MAX = 200_000_000;

export interface Upkeep {
  stop(): void;
  /** Pauses it, so that the log is kept. Returns a function that ends the pause. */
  pause(): () => void;
}

/**
 * Does for the embedded database what a Postgres server does in the background: checkpoints, and VACUUM. Commits wait for
 * it, so it does one thing at a time and does it often.
 */
export function keepUp(database: Database, clock: Clock, log: Log): Upkeep {
  if (database.driver !== "pglite") return { stop() {}, pause: () => () => {} };
  let pauses = 0;
  let looks = 0;
  const pool = database.pool({ connections: 1, limitMs: LIMIT_MS });
  const work = async () => {
    if (pauses > 0) return;
    // Tables have turns of their own: under a constant load, a checkpoint may be due at every look.
    if (++looks % TABLES_EVERY === 0 && (await vacuumIfDue(pool))) return;
    await checkpointIfDue(pool);
  };
  const stop = tryEvery(clock, INTERVAL_MS, work, (error) =>
    log.warn(
      { event: "upkeep_failed", fault: faultOf(error) },
      "a checkpoint or VACUUM failed; the next attempt is in a second",
    ),
  );
  return {
    stop() {
      stop();
      void pool.close();
    },
    pause() {
      pauses++;
      return () => void pauses--;
    },
  };
}

/** Writes a checkpoint if the log has become long or old. Returns whether it did. */
export async function checkpointIfDue(
  pool: Pool,
  { most = LOG_MAX, afterMs = CHECKPOINT_MS } = {},
): Promise<boolean> {
  const [last] = await pool.run((orm) =>
    rows<{ bytes: number; ms: number }>(
      orm,
      sql`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as bytes,
          extract(epoch from clock_timestamp() - checkpoint_time)::float8 * 1000 as ms
        from pg_control_checkpoint()`,
    ),
  );
  if (!last || last.bytes < Math.min(most, last.ms > afterMs ? LOG_MIN : most)) return false;
  await pool.run((orm) => rows(orm, sql`checkpoint`));
  return true;
}

/**
 * Vacuums one table, if one is due. Returns its name. New rows are frozen while their pages are in memory, so that no
 * later run has to read the whole table.
 */
export async function vacuumIfDue(
  pool: Pool,
  { newRows = NEW_ROWS, deadRows = DEAD_ROWS, age = AGE_MAX } = {},
): Promise<string | undefined> {
  const [due] = await pool.run((orm) =>
    rows<{ name: string; replaced: boolean }>(
      orm,
      sql`select c.oid::regclass::text as name, s.dead as replaced
        from pg_class c
        left join pg_stat_user_tables u on u.relid = c.oid
        cross join lateral (
          select coalesce(u.n_dead_tup > ${deadRows}::float8 + ${DEAD_SHARE}::float8 * u.n_live_tup, false) as dead,
            coalesce(u.n_ins_since_vacuum > ${newRows}::float8, false) as grown,
            age(c.relfrozenxid) > ${age}::float8 as old
        ) s
        where c.relkind = 'r' and (s.dead or s.grown or s.old)
          and current_setting('default_transaction_read_only') = 'off'
        order by s.dead desc, s.grown desc, c.oid limit 1`,
    ),
  );
  if (!due) return undefined;
  // Without dead rows the indexes need nothing, and statistics hardly change.
  const how = due.replaced ? "analyze" : "index_cleanup off";
  await pool.run((orm) => rows(orm, sql.raw(`vacuum (freeze, truncate off, ${how}) ${due.name}`)));
  return due.name;
}

import { sql } from "drizzle-orm";
import { type Pool, rows } from "../db/database.ts";
import { fromNow } from "../db/time.ts";
import { likePatterns, matching } from "./filters.ts";
import { atMost, integers, lazily, texts } from "./sql.ts";

/** Rooms that one statement compares with their cursors, or returns. */
const COMPARED = 2_000;
const DUE_MAX = 100;

/** A room that a consumer has to itself until the lease ends. */
export interface Leased {
  readonly roomId: number;
  readonly room: string;
  /** Everything up to this version has been handled. */
  readonly after: number;
  /** The room's counter when the lease was taken. */
  readonly counter: number;
  /** Where its next batch ends, if an attempt at it has begun. */
  readonly upto: number | null;
  /** Failures in a row, and how long ago the first of them was, in milliseconds. */
  readonly failures: number;
  readonly failingMs: number;
  readonly lease: string;
}

/** Rooms by name or by number. */
export interface Wanted {
  readonly names: readonly string[];
  readonly ids: readonly number[];
}

export interface Claimed {
  readonly leased: readonly Leased[];
  /** Rooms with more to do, whose lease someone else has. */
  readonly held: readonly number[];
}

export interface Slice {
  /** Rooms that are ahead of their cursors. */
  readonly behind: readonly number[];
  /** The room to continue after; null: these were the last ones. */
  readonly next: number | null;
}

/**
 * How far consumers have come, in SQL with any driver. Commits write nothing for it: what there is to do follows from the
 * rooms' counters. All methods reject if the database does not respond.
 */
export interface CursorStore {
  /**
   * Takes leases of those of some rooms that have more to do, at most `limit`. Rooms that someone else has, or that
   * failed a moment ago, are left out.
   */
  claim(consumer: string, wanted: Wanted, options: { limit: number; leaseMs: number }): Promise<Claimed>;
  /**
   * Moves a cursor, and prolongs the lease or, if `release` is set, ends it. Resolves to false, and changes nothing, if the
   * lease has passed to someone else.
   */
  advance(
    consumer: string,
    leased: Leased,
    upto: number,
    how: { leaseMs: number; release: boolean },
  ): Promise<boolean>;
  /**
   * Fixes the end of the next batch before it is handled, so that a repeat is the same batch, and prolongs the lease. Resolves
   * to false, and changes nothing, if the lease has passed to someone else.
   */
  fix(consumer: string, leased: Leased, upto: number, leaseMs: number): Promise<boolean>;
  /** Ends a lease after a failure. Nobody takes another one before `retryMs`. */
  postpone(consumer: string, leased: Leased, retryMs: number): Promise<void>;
  /** Finds rooms whose lease has ended without a result, and those to try again. `failing`: how many have failed. */
  due(consumer: string): Promise<{ readonly rooms: readonly number[]; readonly failing: number }>;
  /** Lets all rooms that have failed be tried again now. */
  hurry(consumer: string): Promise<void>;
  /**
   * Compares some rooms with their cursors, in the order of their numbers. `patterns`: only rooms whose names one of them
   * allows.
   */
  behind(consumer: string, after: number, patterns?: readonly string[] | null): Promise<Slice>;
  /**
   * Makes a new consumer begin at the present end of each room, in the order of their numbers. Returns where to continue;
   * null: these were the last rooms. Rooms that are created later begin at their beginning.
   */
  begin(consumer: string, after: number, patterns: readonly string[] | null): Promise<number | null>;
  /** Removes some of a consumer's cursors. Resolves to whether there may be more. */
  remove(consumer: string): Promise<boolean>;
  /** Sets all cursors back to the beginning, and ends all leases. */
  restart(consumer: string): Promise<void>;
}

export function createCursorStore(pool: Pool): CursorStore {
  const run = <Row>(statement: ReturnType<typeof sql>) => pool.run((orm) => rows<Row>(orm, statement));

  return {
    async claim(consumer, { names, ids }, { limit, leaseMs }) {
      const lease = crypto.randomUUID();
      const found = await run<Omit<Leased, "lease" | "after"> & { after: number | null; held: boolean }>(sql`
        with lazy as materialized (select ${lazily}), wanted as materialized (
          select r.id, r.name, r.version from unnest(${texts(names)}) as i(name)
          cross join lateral (select * from rooms x where x.name = i.name limit 1) r
          union
          select r.id, r.name, r.version from unnest(${integers(ids)}) as i(id)
          cross join lateral (select * from rooms x where x.id = i.id limit 1) r
        ), behind as materialized (
          select w.*, c.version as after, c.lease is not null and c.due_at > clock_timestamp() as held
          from wanted w left join lateral (
            select * from cursors x where x.consumer = ${consumer}::text and x.room_id = w.id limit 1) c on true
          where coalesce(c.version, 0) <> w.version
        ), fresh as (
          insert into cursors (consumer, room_id, lease, due_at)
          select ${consumer}::text, id, ${lease}::text::uuid, ${fromNow(leaseMs)} from behind where after is null
          order by id ${atMost(limit)}
          on conflict (consumer, room_id) do nothing
          returning room_id, version, upto, failures, failed_at
        ), free as materialized (
          select c.room_id from behind b join cursors c on c.consumer = ${consumer}::text and c.room_id = b.id
          where b.after is not null and (c.due_at is null or c.due_at <= clock_timestamp())
          order by c.room_id ${atMost(limit)} for update of c skip locked
        ), taken as (
          update cursors c set lease = ${lease}::text::uuid, due_at = ${fromNow(leaseMs)} from free
          where c.consumer = ${consumer}::text and c.room_id = free.room_id
          returning c.room_id, c.version, c.upto, c.failures, c.failed_at
        )
        select b.id::float8 as "roomId", b.name as room, b.version::float8 as counter, b.held and t.version is null as held,
          t.version::float8 as after, t.upto::float8 as upto, t.failures::int as failures,
          coalesce(extract(epoch from clock_timestamp() - t.failed_at) * 1000, 0)::float8 as "failingMs"
        from lazy, behind b left join (select * from fresh union all select * from taken) t on t.room_id = b.id`);
      return {
        leased: found.flatMap(({ after, held: _, ...room }) =>
          after === null
            ? []
            : // A cursor beyond the counter belongs to a lost history of the room.
              after > room.counter
              ? [{ ...room, lease, after: 0, upto: null }]
              : [{ ...room, lease, after }],
        ),
        held: found.flatMap(({ roomId, held }) => (held ? [roomId] : [])),
      };
    },

    async advance(consumer, { roomId, lease }, upto, { leaseMs, release }) {
      const moved = await run(sql`
        update cursors set version = ${upto}::bigint, upto = null, failures = 0, failed_at = null,
          lease = ${release ? sql`null` : sql`lease`}, due_at = ${release ? sql`null` : fromNow(leaseMs)}
        from (select ${lazily}) lazy
        where consumer = ${consumer}::text and room_id = ${roomId}::bigint and lease = ${lease}::text::uuid
        returning true as moved`);
      return moved.length > 0;
    },

    async fix(consumer, { roomId, lease }, upto, leaseMs) {
      const fixed = await run(sql`
        update cursors set upto = ${upto}::bigint, due_at = ${fromNow(leaseMs)}
        where consumer = ${consumer}::text and room_id = ${roomId}::bigint and lease = ${lease}::text::uuid
        returning true as fixed`);
      return fixed.length > 0;
    },

    async postpone(consumer, { roomId, lease }, retryMs) {
      await run(sql`
        update cursors set lease = null, due_at = ${fromNow(retryMs)}, failures = failures + 1,
          failed_at = coalesce(failed_at, clock_timestamp())
        where consumer = ${consumer}::text and room_id = ${roomId}::bigint and lease = ${lease}::text::uuid`);
    },

    async due(consumer) {
      const found = await run<{ id: number; due: boolean; failing: number }>(sql`
        select room_id::float8 as id, due_at <= clock_timestamp() as due,
          count(*) filter (where failures > 0) over ()::float8 as failing
        from cursors where consumer = ${consumer}::text and due_at is not null
        order by due_at ${atMost(DUE_MAX)}`);
      return {
        rooms: found.flatMap(({ id, due }) => (due ? [id] : [])),
        failing: found[0]?.failing ?? 0,
      };
    },

    async hurry(consumer) {
      await run(sql`
        update cursors set due_at = clock_timestamp()
        where consumer = ${consumer}::text and due_at > clock_timestamp() and lease is null`);
    },

    async behind(consumer, after, patterns = null) {
      const [slice] = await run<{ last: number | null; count: number; behind: string | null }>(sql`
        select max(r.id)::float8 as last, count(*)::int as count,
          json_agg(r.id) filter (where coalesce(c.version, 0) <> r.version and ${matching(likePatterns(patterns))}
            and (c.due_at is null or c.due_at <= clock_timestamp()))::text as behind
        from (select id, name, version from rooms where id > ${after}::bigint order by id ${atMost(COMPARED)}) r
        left join cursors c on c.consumer = ${consumer}::text and c.room_id = r.id`);
      return {
        behind: JSON.parse(slice?.behind ?? "[]") as number[],
        next: slice?.count === COMPARED ? slice.last : null,
      };
    },

    async begin(consumer, after, patterns) {
      const [slice] = await run<{ last: number | null; count: number }>(sql`
        with seen as materialized (
          select id, name, version from rooms where id > ${after}::bigint order by id ${atMost(COMPARED)}
        ), begun as (
          insert into cursors (consumer, room_id, version)
          select ${consumer}::text, r.id, r.version from seen r where r.version > 0 and ${matching(likePatterns(patterns))}
          on conflict (consumer, room_id) do update set version = excluded.version, upto = null, failures = 0, failed_at = null, due_at = null
          where cursors.lease is null or cursors.due_at <= clock_timestamp()
        )
        select max(id)::float8 as last, count(*)::int as count from seen`);
      return slice?.count === COMPARED ? slice.last : null;
    },

    async remove(consumer) {
      const [gone] = await run<{ count: number }>(sql`
        with gone as (
          delete from cursors where (consumer, room_id) in (
            select consumer, room_id from cursors where consumer = ${consumer}::text ${atMost(COMPARED)}) returning 1)
        select count(*)::int as count from gone`);
      return gone?.count === COMPARED;
    },

    async restart(consumer) {
      await run(sql`
        update cursors set version = 0, upto = null, lease = null, due_at = null, failures = 0, failed_at = null
        where consumer = ${consumer}::text`);
    },
  };
}

import { type SQL, sql } from "drizzle-orm";
import type { EventScope, JournalPage, JournalStore, Place } from "../chat/eventports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import type { Wanted } from "./cursors.ts";
import { FIRST, likePatterns, matching, mayRead, membership } from "./filters.ts";
import { columns, REACTION_BYTES, SIZE } from "./page.ts";
import { messageOf, type StateRow } from "./reading.ts";
import { atMost, integers, lockWithin, texts, unguessed } from "./sql.ts";

/** The name of its cursors, which say up to which version of each room the journal goes. */
export const JOURNAL = "journal";

/** Tells its lock from others. */
const LOCK = 0x10c;
/** How long one node waits for another that appends, in milliseconds. */
const LOCK_MS = 2_000;
/** Rows of the journal that one statement looks at if it leaves some out, and the most messages and bytes that it returns. */
const SCANNED = 2_000;
const MESSAGES = 500;
const BYTES = 256 * 1024;

/** Writes the order in which rooms changed. */
export interface Journal {
  /**
   * Appends what changed in some rooms since they were last in the journal. Resolves to its last row, or null if nothing had
   * changed, and to the number of versions. Rejects if the database does not respond.
   */
  append(rooms: Wanted): Promise<{ readonly seq: number | null; readonly versions: number }>;
}

/**
 * A row must not appear before another with a smaller number, or a reader would miss that one. So a lock makes one transaction
 * after the other append, and the number is taken by a statement that begins with the lock.
 */
export const createJournal = (pool: Pool): Journal => ({
  append: (wanted) =>
    pool.run((orm) =>
      orm.transaction(async (tx) => {
        await rows(tx, sql`select ${lockWithin(LOCK_MS)}`);
        await rows(tx, sql`select pg_advisory_xact_lock(${LOCK}::int, 0)`);
        const [appended] = await rows<{ seq: number | null; versions: number }>(tx, append(wanted));
        return appended ?? { seq: null, versions: 0 };
      }),
    ),
});

/** A cursor beyond the counter belongs to a lost history of the room. */
const append = ({ names, ids }: Wanted) => sql`
  with wanted as materialized (
    select r.id, r.version from unnest(${texts(names)}) as i(name)
    cross join lateral (select * from rooms x where x.name = i.name limit 1) r
    union
    select r.id, r.version from unnest(${integers(ids)}) as i(id)
    cross join lateral (select * from rooms x where x.id = i.id limit 1) r
  ), behind as materialized (
    select w.id, w.version, case when c.version < w.version then c.version else 0 end as after
    from wanted w left join lateral (
      select version from cursors x where x.consumer = ${JOURNAL}::text and x.room_id = w.id limit 1) c on true
    where coalesce(c.version, 0) <> w.version
  ), placed as (
    insert into cursors (consumer, room_id, version) select ${JOURNAL}::text, id, version from behind order by id
    on conflict (consumer, room_id) do update set version = excluded.version
  ), appended as (
    insert into journal (seq, room_id, after, upto)
    select coalesce((select max(seq) from journal), 0) + row_number() over (order by id), id, after, version from behind
    returning seq, upto - after as versions
  )
  select max(seq)::float8 as seq, coalesce(sum(versions), 0)::float8 as versions from appended`;

export function createJournalStore(pool: Pool): JournalStore {
  const run = <Row>(statement: SQL) => runOrRefuse(pool, (orm) => rows<Row>(orm, statement));

  return {
    async read(scope, after) {
      const found = await run<EventRow>(readEvents(scope, after));
      const last = found.at(-1);
      if (!last) throw new Error("the database has no epoch");
      const { epoch, head } = last;
      if (last.id === null) return { epoch, head, events: [], ...edgeOf(last, after) };
      const events = found.map((row) => ({
        room: row.room,
        message: messageOf(row as StateRow),
        place: { seq: row.seq, version: row.version },
      }));
      const edge = last.cut
        ? { end: { seq: last.seq, version: last.version }, more: true }
        : edgeOf(last, after);
      return { epoch, head, events, ...edge };
    },

    async end() {
      const [found] = await run<Place & { epoch: string }>(sql`
        select e.value as epoch, coalesce(j.seq, 0)::float8 as seq, coalesce(j.upto, 0)::float8 as version
        from (select value from meta where name = 'epoch') e
        left join (select seq, upto from journal order by seq desc limit 1) j on true`);
      if (!found) throw new Error("the database has no epoch");
      return { epoch: found.epoch, place: { seq: found.seq, version: found.version } };
    },
  };
}

type EventRow = Omit<StateRow, "id"> & {
  readonly id: number | null;
  readonly room: string;
  readonly seq: number;
  /** Another message follows, which did not fit. */
  readonly cut: boolean;
  readonly epoch: string;
  readonly head: number;
  /** The last row of the journal that was read in whole; null: there is none. */
  readonly edgeSeq: number | null;
  readonly edgeUpto: number | null;
  readonly more: boolean;
};

const edgeOf = ({ edgeSeq, edgeUpto, more }: EventRow, after: Place): Pick<JournalPage, "end" | "more"> => ({
  end: edgeSeq === null || edgeUpto === null ? after : { seq: edgeSeq, version: edgeUpto },
  more,
});

/**
 * Reads the messages of the next rows of the journal. A row's range of versions bounds its messages, so the sum of ranges
 * decides how many rows are looked at, and a long one is read in parts. Everything comes from one snapshot, with what its
 * reader may see. The notice of a deletion is the last of a life that nobody sees any more.
 */
function readEvents({ userId, room, patterns, membersOnly }: EventScope, { seq, version }: Place): SQL {
  const viewer = userId === null ? undefined : { userId, room, membersOnly };
  const conditions = [
    ...(viewer ? [unguessed(mayRead(viewer))] : []),
    ...(room === undefined ? [] : [sql`r.name = ${room}::text`]),
    ...patterns.map((some) => matching(likePatterns(some))),
  ];
  const range = (condition: SQL, order: SQL) => sql`
    (select m.* from messages m where m.room_id = p.room_id and ${condition} order by ${order} ${atMost(MESSAGES + 1)})`;
  return sql`
    with scanned as materialized (
      select seq, room_id, greatest(after, case when seq = ${seq}::bigint then ${version}::bigint else 0 end) as after, upto
      from journal where seq >= ${seq}::bigint order by seq ${atMost(conditions.length > 0 ? SCANNED : MESSAGES + 1)}
    ), chosen as materialized (
      select s.*, r.name as room, r.begins_after, ${viewer ? FIRST : sql`r.begins_after`} as first,
        sum(s.upto - s.after) over (order by s.seq rows unbounded preceding) - (s.upto - s.after) as earlier
      from scanned s cross join lateral (select * from rooms x where x.id = s.room_id limit 1) r
      ${viewer ? membership(viewer.userId) : sql``}
      where s.upto > s.after ${conditions.length > 0 ? sql`and ${sql.join(conditions, sql` and `)}` : sql``}
    ), picked as materialized (
      select * from chosen where earlier < ${MESSAGES}::bigint
    ), edge as (
      select e.seq, e.upto, e.seq < (select max(seq) from journal) as more from (
        select seq, upto from picked where (select count(*) from picked) < (select count(*) from chosen)
        union all
        select seq, upto from scanned where (select count(*) from picked) = (select count(*) from chosen)
      ) e order by e.seq desc limit 1
    ), found as materialized (
      select * from (
        select p.seq, p.room, c.*, row_number() over w as n, lead(true, 1, false) over w as cut, sum(${SIZE} + c.reaction_count * ${sql.raw(String(REACTION_BYTES))}) over w as bytes
        from picked p cross join lateral (
          ${range(
            sql`m.id > greatest(p.after, p.first - 1) and m.id <= p.upto
              and ${unguessed(sql`m.version = m.id and (m.id > p.begins_after or m.notice ->> 'type' = 'deleted')`)}`,
            sql`m.id`,
          )}
          union all
          ${range(
            sql`m.version > p.after and m.version <= p.upto and m.version <> m.id
              and ${unguessed(sql`m.id >= p.first and m.id > p.begins_after`)}`,
            sql`m.version`,
          )}
        ) c window w as (order by p.seq, c.version rows unbounded preceding)
      ) f where f.n <= ${MESSAGES}::int and (f.n = 1 or f.bytes <= ${BYTES}::bigint)
    )
    select e.value as epoch, coalesce((select max(seq) from journal), 0)::float8 as head, edge.seq::float8 as "edgeSeq",
      edge.upto::float8 as "edgeUpto", coalesce(edge.more, false) as more, x.*
    from (select value from meta where name = 'epoch') e left join edge on true
    left join (
      select m.seq::float8 as seq, m.room, m.n, m.cut, ${columns}
      from found m join users u on u.id = m.sender_id
    ) x on true
    order by x.n`;
}

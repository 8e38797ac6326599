import { sql } from "drizzle-orm";
import type { Departures, Joined, Joining, MarkRange, MemberStore, Seat } from "../chat/ports.ts";
import { isSecret } from "../chat/rights.ts";
import type { Rules } from "../chat/room/decide.ts";
import { Refusal } from "../errors.ts";
import { refuseIfAway, rowsHeld, runOrRefuse } from "../db/away.ts";
import { isLocked, type Pool, rows } from "../db/database.ts";
import { backOf, joinAll, type JoinedRow, markOf, versionOf } from "./joins.ts";
import { membershipFrom, type MembershipRow, readMemberships } from "./memberships.ts";
import { integers, lockWithin } from "./sql.ts";

/** How often a join is tried whose room another transaction creates at the same time. */
const ATTEMPTS = 5;
/**
 * How long a batch waits for a row that another transaction holds, and how long one person's order does, in milliseconds.
 * Usually a commit holds it, for a moment.
 */
const BATCH_LOCK_MS = 250;
const ORDER_LOCK_MS = 2_000;
/** How long someone who left a room counts as having just left. Sockets are checked far more often. */
const JUST_LEFT = sql`interval '10 minutes'`;

export function createMemberStore(pool: Pool, { membersOnly = false }: Rules = {}): MemberStore {
  const mayCreate = ({ room, mayCreate }: Joining) => !membersOnly && mayCreate !== false && !isSecret(room);

  return {
    async join(seats) {
      const joined = new Array<Joined | Refusal | undefined>(seats.length);
      const creators = new Map<string, number>();
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const missing = seats.flatMap((seat, index) => (joined[index] ? [] : [{ ...seat, index }]));
        if (attempt > 1 && !missing.some(mayCreate)) break;
        const { found, held } = await unlessHeld(missing, (some) =>
          pool.run((orm) => rows<JoinedRow>(orm, joinAll(some, BATCH_LOCK_MS, membersOnly))),
        );
        for (const { index } of held) joined[index] = rowsHeld();
        for (const { index, lastRead, unread, created, refused } of found)
          joined[index] = refused
            ? new Refusal(refused)
            : {
                lastRead,
                unread,
                ...(created &&
                  creators.getOrInsert(seats[index]?.room ?? "", index) === index && { created }),
              };
      }
      return seats.map((one, index) => {
        const missing = isSecret(one.room) ? "not_found" : membersOnly ? "forbidden" : undefined;
        const found = joined[index] ?? (missing ? new Refusal(missing) : null);
        if (!found && mayCreate(one)) throw new Error("a room that was just created is missing");
        return found;
      });
    },

    memberships: (seats) =>
      runOrRefuse(pool, async (orm) => {
        const found = await rows<MembershipRow>(orm, readMemberships(seats));
        return found.map((row, index) => membershipFrom(seats[index]?.room ?? "", row));
      }),

    async leave({ userId, room }) {
      const left = await runOrRefuse(pool, (orm) =>
        rows(
          orm,
          // The room is locked first, as everywhere.
          sql`with patience as materialized (select ${lockWithin(ORDER_LOCK_MS)}),
            room as materialized (
              select r.id from patience, rooms r where r.name = ${room}::text and r.kind = 'open' for no key update of r),
            gone as (
              update members m set state = 'left', role = 'member', since = clock_timestamp() from room
              where m.user_id = ${userId}::bigint and m.room_id = room.id and m.state = 'in' returning m.room_id
            )
            update rooms r set leavers = r.leavers + 1 from gone where r.id = gone.room_id returning r.id`,
        ),
      );
      return left.length > 0;
    },

    async mark(marks) {
      const indexed = marks.map((mark, index) => ({ ...mark, index }));
      const { found, held } = await unlessHeld(indexed, (some) =>
        pool.run((orm) => rows<{ index: number; before: number; after: number }>(orm, moveMarks(some))),
      );
      const byIndex = new Map(found.map((row) => [row.index, row]));
      const without = new Set(held.map(({ index }) => index));
      return marks.map((_, index) => {
        if (without.has(index)) return rowsHeld();
        const { before, after } = byIndex.get(index) ?? { before: 0, after: 0 };
        return { lastRead: after, moved: after !== before, ...(after < before && { back: true as const }) };
      });
    },

    async departures(userIds) {
      const found = await runOrRefuse(pool, (orm) =>
        rows<{ userId: number; room: string; why: "banned" | "left" }>(orm, readDepartures(userIds)),
      );
      if (found.length === 0) return userIds.map(() => NONE);
      const byUser = Map.groupBy(found, ({ userId }) => userId);
      return userIds.map((userId) => {
        const theirs = byUser.get(userId);
        return theirs ? new Map(theirs.map(({ room, why }) => [room, why])) : NONE;
      });
    },
  };
}

/**
 * Runs a statement for all items. If another transaction holds a row that it needs, runs it for each item by itself, so that
 * only those that need the row fail. These are `held`.
 */
async function unlessHeld<Item, Row>(
  items: readonly Item[],
  run: (items: readonly Item[]) => Promise<Row[]>,
): Promise<{ found: Row[]; held: Item[] }> {
  try {
    return { found: await run(items), held: [] };
  } catch (error) {
    if (!isLocked(error)) return refuseIfAway(error);
    if (items.length === 1) return { found: [], held: [...items] };
    const each = await Promise.all(items.map((item) => unlessHeld([item], run)));
    return { found: each.flatMap(({ found }) => found), held: each.flatMap(({ held }) => held) };
  }
}

/** The departures of nearly everyone. */
const NONE: Departures = new Map();

/**
 * Moves read marks. Locks rows in one order, so that batches of several nodes never deadlock. If another node has moved a mark
 * meanwhile, it is not moved further forward than either of them wants.
 */
const moveMarks = (marks: readonly (Seat & MarkRange & { readonly index: number })[]) => sql`
  with asked as materialized (
    select i.index, i."userId" as user_id, r.id as room_id, least(i.min, r.version) as min, i.max,
      ${lockWithin(BATCH_LOCK_MS)}
    from json_to_recordset(${JSON.stringify(marks)}::text::json)
      as i(index int, "userId" bigint, room text, min bigint, max bigint)
    cross join lateral (select id, version from rooms where name = i.room and posted limit 1) r
  ), known as materialized (
    select a.*, coalesce(${versionOf("a.user_id", "a.room_id")}, 0) as since from asked a
  ), old as materialized (
    select k.*, greatest(k.since, ${markOf("k.user_id", "k.room_id")}) as furthest,
      ${backOf("k.user_id", "k.room_id", "k.since")} as back
    from known k
  ), new as materialized (
    select o.*, coalesce(back, furthest) as before, least(greatest(coalesce(back, furthest), min), max) as after from old o
  ), written as (
    insert into own (user_id, room_id, last_read, back)
    select user_id, room_id, greatest(furthest, after), case when after < furthest then after end
    from new order by user_id, room_id
    on conflict (user_id, room_id) do update set
      last_read = greatest(own.last_read, excluded.last_read),
      back = case
        when excluded.back is not null then excluded.back
        when own.last_read > excluded.last_read and own.back is not null then greatest(own.back, excluded.last_read)
      end
    returning user_id, room_id, coalesce(back, last_read) as after
  )
  select n.index::float8 as index, n.before::float8 as before, w.after::float8 as after
  from new n join written w using (user_id, room_id)`;

/** A ban comes after a departure of the same room, so that it wins. */
const readDepartures = (userIds: readonly number[]) => sql`
  select * from (
    select m.user_id::float8 as "userId", (select name from rooms where id = m.room_id) as room, 'left' as why
    from unnest(${integers(userIds)}) as i(id) cross join lateral (
      select user_id, room_id from members
      where user_id = i.id and state = 'left' and since > clock_timestamp() - ${JUST_LEFT}) m
    union all
    select b.user_id::float8, (select name from rooms where id = b.room_id), 'banned'
    from unnest(${integers(userIds)}) as i(id) cross join lateral (
      select user_id, room_id from bans where user_id = i.id) b
  ) d order by why = 'banned'`;

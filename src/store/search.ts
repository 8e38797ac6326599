import { type SQL, sql } from "drizzle-orm";
import type { Block, Searched, SearchPlace, SearchScope, SearchStore, Times } from "../chat/searchports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import type { Lookup } from "../search/terms.ts";
import { FIRST, likePatterns, matching, mayRead, membership } from "./filters.ts";
import { columns } from "./page.ts";
import { messageOf, type StateRow } from "./reading.ts";
import { blockOf, prefixOf, SEARCH } from "./searchindex.ts";
import { atMost, integers, messageAt, unguessed } from "./sql.ts";

/** The most rooms that one search looks at. */
const ROOMS_MAX = 1_000;
/** The most blocks of one room that one statement looks at. */
const BLOCKS_OF_ROOM = 1_000;
/** The most bytes of texts that one statement returns, unless it is a single message. */
const BYTES = 256 * 1024;
/** What has waited for longer than this is missed by a search, in seconds. */
const BEHIND_S = 5;

export function createSearchStore(pool: Pool): SearchStore {
  const run = <Row>(statement: SQL) => runOrRefuse(pool, (orm) => rows<Row>(orm, statement));

  return {
    async rooms(scope) {
      const found = await run<Searched & { behind: boolean }>(readRooms(scope));
      const rooms = found.slice(0, ROOMS_MAX);
      return { rooms, more: found.length > ROOMS_MAX, behind: rooms.some(({ behind }) => behind) };
    },

    blocks: async (wanted, times, limit) =>
      wanted.length === 0 ? [] : await run<Block>(readBlocks(wanted, times, limit)),

    async hits(scope, blocks, lookups, range) {
      const found = await run<HitRow>(readHits(scope, blocks, lookups, range));
      const last = found.at(-1);
      return {
        hits: found.flatMap((row) => {
          const { room, roomId, at, id } = row;
          return row.seen ? [{ room, roomId, at, id, message: messageOf(row) }] : [];
        }),
        next: last?.more ? { at: last.at, room: last.room, id: last.id } : undefined,
      };
    },
  };
}

interface HitRow extends StateRow {
  readonly room: string;
  readonly roomId: number;
  readonly at: number;
  readonly seen: boolean;
  readonly more: boolean;
}

const micros = (time: SQL) => sql`floor(extract(epoch from ${time}) * 1000000)::float8`;
const timeOf = (at: number) => sql`('epoch'::timestamptz + ${at}::bigint * interval '1 microsecond')`;

/** Only the first message that the index lacks is looked up, by its key. */
const IS_BEHIND = sql`case when r.last_post > coalesce(c.version, 0) then coalesce((
    select x.created_at < clock_timestamp() - ${sql.raw(`interval '${BEHIND_S} seconds'`)} from messages x
    where x.room_id = r.id and x.id > greatest(coalesce(c.version, 0), ${FIRST} - 1) order by x.id limit 1), false) else false end`;

const readRooms = (scope: SearchScope) => {
  const { userId, room, patterns } = scope;
  const chosen =
    room === undefined
      ? sql`members k cross join lateral (select * from rooms x where x.id = k.room_id limit 1) r`
      : sql`rooms r`;
  return sql`
    select r.id::float8 as "roomId", ${FIRST}::float8 as first, ${IS_BEHIND} as behind
    from ${chosen} ${membership(userId)}
    left join lateral (
      select version from cursors x where x.consumer = ${SEARCH}::text and x.room_id = r.id limit 1) c on true
    where ${room === undefined ? sql`k.user_id = ${userId}::bigint and k.state = 'in'` : sql`r.name = ${room}::text`}
      and ${unguessed(mayRead(scope))} and ${matching(likePatterns(patterns))}
    order by r.posted_at desc nulls last, r.id ${atMost(ROOMS_MAX + 1)}`;
};

const readBlocks = (wanted: readonly Searched[], { after, before }: Times, limit: number) => sql`
  select i.room_id::float8 as "roomId", i.first::float8 as first, b.block::float8 as block, ${micros(sql`b.newest`)} as newest
  from unnest(${integers(wanted.map(({ roomId }) => roomId))}, ${integers(wanted.map(({ first }) => first))})
    as i(room_id, first)
  cross join lateral (
    select * from search_blocks x where x.room_id = i.room_id and x.block >= ${blockOf(sql`i.first`)}
      and ${unguessed(sql`x.oldest < ${timeOf(before)} and x.newest >= ${timeOf(after)}`)}
    order by x.block desc ${atMost(BLOCKS_OF_ROOM)}
  ) b
  order by b.newest desc, b.room_id desc, b.block desc ${atMost(limit)}`;

/**
 * Each lookup reads what one block has, and the newest of that are merged: with an order and a limit on all of it, the
 * database would rather read messages by their time than use the index. Texts are read for those that are returned, in
 * the snapshot that says who may see them.
 */
function readHits(
  scope: SearchScope,
  blocks: readonly Block[],
  lookups: readonly Lookup[],
  { after, before, place, limit }: Times & { place: SearchPlace | undefined; limit: number },
) {
  // What is equal in time is in the order of rooms and ids. A room that has gone is as good as none.
  const until = place
    ? sql`(s.at, s.room_id, s.id) < (${timeOf(place.at)},
        coalesce((select id from rooms where name = ${place.room}::text), 0), ${place.id}::bigint)`
    : sql`true`;
  const order = sql.raw("s.at desc, s.room_id desc, s.id desc");
  const query = sql`replace(${templateOf(lookups)}::text, '%', ${prefixOf(sql`i.room_id`, sql`i.block`)})::tsquery`;
  return sql`
    with found as materialized (
      select s.room_id, s.id, s.at, row_number() over w as n, lead(true, 1, false) over w as more
      from unnest(
        ${integers(blocks.map(({ roomId }) => roomId))}, ${integers(blocks.map(({ block }) => block))},
        ${integers(blocks.map(({ first }) => first))}
      ) as i(room_id, block, first)
      cross join lateral (
        select s.room_id, s.id, s.at from search s
        where s.terms @@ ${query} and s.id >= i.first and s.at >= ${timeOf(after)} and s.at < ${timeOf(before)} and ${until}
        order by ${order} ${atMost(limit + 1)}
      ) s
      window w as (order by ${order} rows unbounded preceding)
      order by ${order} ${atMost(limit)}
    )
    select * from (
      select r.name as room, f.room_id::float8 as "roomId", ${micros(sql`f.at`)} as at, f.n, f.more,
        coalesce(${mayRead(scope)} and f.id >= ${FIRST} and m.id is not null and m.deleted_at is null, false) as seen, null as replies, ${columns},
        sum(octet_length(m.content) + coalesce(octet_length(m.data), 0) + coalesce(octet_length(m.files), 0))
          over (order by f.n rows unbounded preceding) as upto
      from found f
      cross join lateral (select * from rooms x where x.id = f.room_id limit 1) r ${membership(scope.userId)}
      left join lateral (${messageAt(sql`f.room_id`, sql`f.id`)}) m on true
      left join lateral (select username, uid, name from users x where x.id = m.sender_id limit 1) u on true
    ) t where n = 1 or upto <= ${sql.raw(String(BYTES))}
    order by n`;
}

/** The terms as a tsquery, in which `%` stands for the prefix of a block. Terms contain neither that nor quotation marks. */
const templateOf = (lookups: readonly Lookup[]): string =>
  lookups.map(({ term, prefix }) => `'%${term}'${prefix ? ":*" : ""}`).join(" & ");

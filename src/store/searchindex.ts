import { type SQL, sql } from "drizzle-orm";
import type { Decision } from "../chat/room/decide.ts";
import { type Database, type Orm, type Pool, rows } from "../db/database.ts";
import { lockIndex } from "../db/indexlock.ts";
import { atMost, integers, lazily, messageAt, unguessed } from "./sql.ts";

/** The name of the consumer that writes the index. Change it with the tokens, and all rooms are indexed again. */
export const SEARCH = "search";

/**
 * How many ids of a room make a block. Each term in the index begins with its room and its block, so a lookup reads what one
 * block has and nothing of other rooms, and goes through the blocks from the newest on, whatever the word and the size
 * of the room.
 */
export const BLOCK = 1024;
export const blockOf = (id: SQL) => sql`(${id} / ${sql.raw(String(BLOCK))})`;
/** What the terms of a block begin with. */
export const prefixOf = (roomId: SQL, block: SQL) =>
  sql`(to_hex(${roomId}) || '.' || to_hex(${block}) || ':')`;

/** What one batch holds at most. Commits on the embedded database wait while it is written. */
const ROWS = 100;
const BYTES = 128 * 1024;

/** A message as the index sees it. */
export interface Indexable {
  readonly id: number;
  readonly version: number;
  readonly senderId: number;
  readonly content: string;
  /** JSON. */
  readonly files: string | null;
  /** It cannot be found: it was deleted, or is a notice. */
  readonly gone: boolean;
}

export interface IndexBatch {
  readonly upto: number;
  readonly size: number;
  readonly messages: readonly Indexable[];
}

/** The terms of a message in a version; null: it cannot be found. */
export interface Entry {
  readonly id: number;
  readonly version: number;
  readonly terms: readonly string[] | null;
}

/** What messages are found by, in SQL with any driver. */
export interface SearchIndex {
  /**
   * Reads what changed in a room after a version, bounded in bytes. From the beginning on, it first removes what stands for no
   * message any more.
   */
  read(roomId: number, after: number): Promise<IndexBatch>;
  /**
   * Writes the terms of messages that are still in these versions; others have changed since, and are to come. Writing them
   * twice changes nothing.
   */
  write(roomId: number, entries: readonly Entry[]): Promise<void>;
  /** Removes all of the index, in parts. */
  clear(): Promise<void>;
}

export function createSearchIndex(pool: Pool & Pick<Database, "driver">): SearchIndex {
  // Each statement of a transaction waits for a turn of the event loop, and commits on the only connection wait for all of
  // them. Nobody else writes meanwhile, so it needs no lock either.
  const isAlone = pool.driver === "pglite";

  return {
    async read(roomId, after) {
      if (after === 0) await removeOrphans(pool, roomId);
      const found = await pool.run((orm) =>
        rows<Omit<Indexable, "id"> & { id: number | null; counter: number; more: boolean }>(
          orm,
          readChanged(roomId, after),
        ),
      );
      const last = found.at(-1);
      const messages = found.flatMap(({ counter: _, more: __, ...message }) =>
        message.id === null ? [] : [message as Indexable],
      );
      return {
        upto: last?.more ? last.version : (last?.counter ?? after),
        size: messages.length,
        messages,
      };
    },

    write: (roomId, entries) =>
      pool.run(async (orm) => {
        const statement = writeEntries(roomId, entries);
        if (isAlone) return void (await rows(orm, statement));
        await orm.transaction(async (tx) => {
          await lockIndex(tx, [roomId]);
          await rows(tx, statement);
        });
      }),

    async clear() {
      for (let gone = 1; gone > 0;) gone = await pool.run((orm) => countOf(orm, removeSome));
      await pool.run((orm) => rows(orm, sql`delete from search_blocks`));
    },
  };
}

/** Rows that one statement looks at or removes: others do not wait long for it. */
const SWEPT = 2_000;

const countOf = async (orm: Orm, statement: SQL): Promise<number> => {
  const [row] = await rows<{ count: number }>(orm, statement);
  return row?.count ?? 0;
};

const removeSome = sql`
  with gone as (
    delete from search where (room_id, id) in (select room_id, id from search order by room_id, id ${atMost(SWEPT)})
    returning 1)
  select count(*)::int as count from gone`;

/** Walks through what the index has of a room. */
async function removeOrphans(pool: Pool, roomId: number): Promise<void> {
  for (let id: number | null = 0; id !== null;) {
    const after: number = id;
    const [walked] = await pool.run((orm) =>
      rows<{ last: number; count: number }>(
        orm,
        sql`with seen as materialized (
            select id from search where room_id = ${roomId}::bigint and id > ${after}::bigint order by id ${atMost(SWEPT)}
          ), gone as (
            delete from search s using seen
            where s.room_id = ${roomId}::bigint and s.id = seen.id and (
              select m.deleted_at is null and m.notice is null
              from (${messageAt(sql`${roomId}::bigint`, sql`seen.id`)}) m
            ) is not true
          )
          select max(id)::float8 as last, count(*)::int as count from seen`,
      ),
    );
    id = walked?.count === SWEPT ? walked.last : null;
  }
}

const SIZE = sql.raw("(octet_length(content) + coalesce(octet_length(files), 0) + 64)");

/** Two index ranges, as for readers: unchanged messages, and changed ones. */
const readChanged = (roomId: number, after: number) => {
  const changed = (condition: SQL, order: SQL) => sql`
    (select m.* from messages m where m.room_id = ${roomId}::bigint and ${condition} order by ${order} ${atMost(ROWS + 1)})`;
  const from = sql`greatest(${after}::bigint, (select begins_after from rooms where id = ${roomId}::bigint))`;
  return sql`
    select r.version::float8 as counter, x.id::float8 as id, x.version::float8 as version, x.sender_id::float8 as "senderId",
      x.content, x.files, x.deleted_at is not null or x.notice is not null as gone, x.more
    from rooms r left join (
      select c.*, row_number() over w as n, lead(true, 1, false) over w as more, sum(${SIZE}) over w as upto
      from (
        ${changed(sql`m.id > ${from} and ${unguessed(sql`m.version = m.id`)}`, sql`m.id`)}
        union all
        ${changed(sql`m.version > ${from} and m.version <> m.id`, sql`m.version`)}
      ) c window w as (order by c.version rows unbounded preceding)
    ) x on x.n <= ${sql.raw(String(ROWS))} and (x.n = 1 or x.upto <= ${sql.raw(String(BYTES))})
    where r.id = ${roomId}::bigint order by x.n`;
};

/**
 * A message that was changed or deleted since it was read is left alone: that change has yet to come. It is not synced: the
 * consumer comes back to what a crash undoes.
 */
const writeEntries = (roomId: number, entries: readonly Entry[]) => sql`
  with lazy as materialized (select ${lazily}), entries as materialized (
    select e.* from lazy,
      json_to_recordset(${JSON.stringify(entries)}::text::json) as e(id bigint, version bigint, terms json)
  ), present as materialized (
    select e.id, m.created_at as at, array_to_tsvector(array(
      select ${prefixOf(sql`${roomId}::bigint`, blockOf(sql`e.id`))} || t.term from json_array_elements_text(e.terms) as t(term)
    )) as terms
    from entries e cross join lateral (${messageAt(sql`${roomId}::bigint`, sql`e.id`)}) m
    where json_typeof(e.terms) = 'array' and m.version = e.version and m.deleted_at is null
      and e.id > (select begins_after from rooms where id = ${roomId}::bigint)
  ), written as (
    insert into search as s (room_id, id, at, terms) select ${roomId}::bigint, id, at, terms from present order by id
    on conflict (room_id, id) do update set at = excluded.at, terms = excluded.terms where s.terms <> excluded.terms
  ), spanned as (
    insert into search_blocks as b (room_id, block, oldest, newest)
    select ${roomId}::bigint, ${blockOf(sql`id`)}, min(at), max(at) from present group by 2 order by 2
    on conflict (room_id, block) do update
      set oldest = least(b.oldest, excluded.oldest), newest = greatest(b.newest, excluded.newest)
      where excluded.oldest < b.oldest or excluded.newest > b.newest
  )
  delete from search s using entries e
  where json_typeof(e.terms) is distinct from 'array' and s.room_id = ${roomId}::bigint and s.id = e.id`;

/** Removes messages that a commit deletes from the index. Other commits run none of these statements. */
export async function writeUnindexed(
  tx: Orm,
  { messages }: Decision,
  roomIds: ReadonlyMap<string, number>,
): Promise<void> {
  const gone = [...messages.values()].filter(({ message }) => message.deletedAt !== null);
  if (gone.length === 0) return;
  const ids = gone.map(({ room }) => roomIds.get(room) ?? 0);
  await lockIndex(tx, ids);
  await rows(
    tx,
    sql`delete from search s using unnest(${integers(ids)}, ${integers(gone.map(({ message }) => message.id))})
        as i(room_id, id) where s.room_id = i.room_id and s.id = i.id`,
  );
}

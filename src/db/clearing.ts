import { sql } from "drizzle-orm";
import { type Pool, rows } from "./database.ts";
import { lockIndex } from "./indexlock.ts";

/** Messages looked at in one transaction, and transactions of one run: others do not wait long for either. */
const BATCH = 1_000;
const BATCHES = 30;

/**
 * Clears the messages of deleted rooms, which nobody can see any more: their texts, their data, their files,
 * their mentions and reactions, the titles and topics in notices, and what all of it is found by. The rows stay, because their keys must
 * not be used again. Each transaction notes how far it came, so that any node can continue. Returns the number of messages that were looked at.
 */
export async function clearDeletedRooms(pool: Pool, batches = BATCHES): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < batches; batch++) {
    if (!(await unindexSome(pool))) break;
    const [done] = await pool.run((orm) => rows<{ messages: number }>(orm, clearSome));
    if (!done) break;
    total += done.messages;
  }
  return total;
}

const NEXT = sql.raw("from rooms where cleared < begins_after order by id limit 1");
const UPTO = sql.raw(`least(cleared + ${BATCH}, begins_after)`);

/**
 * Removes from the index what is cleared next. In a transaction of its own, because commits lock the index after the room.
 * Returns false if there is nothing to clear.
 */
const unindexSome = (pool: Pool): Promise<boolean> =>
  pool.run((orm) =>
    orm.transaction(async (tx) => {
      const [room] = await rows<{ id: number; after: number; upto: number }>(
        tx,
        sql`select id::float8 as id, cleared::float8 as after, ${UPTO}::float8 as upto ${NEXT}`,
      );
      if (!room) return false;
      await lockIndex(tx, [room.id]);
      await rows(
        tx,
        sql`delete from search where room_id = ${room.id}::bigint and id > ${room.after}::bigint and id <= ${room.upto}::bigint`,
      );
      return true;
    }),
  );

/** The room's row is locked last, so that a new life of the room hardly waits. */
const clearSome = sql`
  with room as materialized (
    select id, cleared, ${UPTO} as upto ${NEXT}
  ), emptied as (
    update messages m set content = '', data = null, files = null, reply_to = null, thread = null, also_room = null, reaction_count = 0,
      mentions = null, unreached = null,
      deleted_at = case when m.notice is null then coalesce(m.deleted_at, clock_timestamp()) end,
      notice = m.notice - 'title' - 'topic'
    from room where m.room_id = room.id and m.id > room.cleared and m.id <= room.upto
      and (m.content <> '' or m.data is not null or m.files is not null or m.reply_to is not null or m.thread is not null or m.reaction_count > 0
        or m.mentions is not null or m.unreached is not null
        or m.notice ?| array['title', 'topic'])
  ), doomed as (
    update files f set state = 'doomed', at = clock_timestamp()
    from room where f.room_id = room.id and f.message_id > room.cleared and f.message_id <= room.upto
  ), unsummed as (
    delete from threads t using room where t.room_id = room.id and t.root_id > room.cleared and t.root_id <= room.upto
  ), unfollowed as (
    delete from thread_own o using room
    where o.room_id = room.id and o.root_id > room.cleared and o.root_id <= room.upto
  ), forgotten as (
    delete from mentions x using room
    where x.room_id = room.id and x.message_id > room.cleared and x.message_id <= room.upto
  ), without as (
    delete from reactions x using room
    where x.room_id = room.id and x.message_id > room.cleared and x.message_id <= room.upto
  )
  update rooms r set cleared = room.upto from room where r.id = room.id and r.cleared < room.upto
  returning (room.upto - room.cleared)::float8 as messages`;

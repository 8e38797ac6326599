import { sql } from "drizzle-orm";
import { type Pool, rows } from "./database.ts";

/** Messages looked at in one transaction, and transactions of one run: others do not wait long for either. */
const BATCH = 1_000;
const BATCHES = 30;

/**
 * Clears the messages of deleted rooms, which nobody can see any more: their texts, their data and their reactions, and
 * the titles and topics in notices. The rows stay, because their keys must not be used again. Each transaction notes how
 * far it came, so that any node can continue. Returns the number of messages that were looked at.
 */
export async function clearDeletedRooms(pool: Pool, batches = BATCHES): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < batches; batch++) {
    const [done] = await pool.run((orm) => rows<{ messages: number }>(orm, clearSome));
    if (!done) break;
    total += done.messages;
  }
  return total;
}

/** The room's row is locked last, so that a new life of the room hardly waits. */
const clearSome = sql`
  with room as materialized (
    select id, cleared, least(cleared + ${sql.raw(String(BATCH))}, begins_after) as upto
    from rooms where cleared < begins_after order by id limit 1
  ), emptied as (
    update messages m set content = '', data = null, reply_to = null, reaction_count = 0,
      deleted_at = case when m.notice is null then coalesce(m.deleted_at, clock_timestamp()) end,
      notice = m.notice - 'title' - 'topic'
    from room where m.room_id = room.id and m.id > room.cleared and m.id <= room.upto
      and (m.content <> '' or m.data is not null or m.reply_to is not null or m.reaction_count > 0
        or m.notice ?| array['title', 'topic'])
  ), without as (
    delete from reactions x using room
    where x.room_id = room.id and x.message_id > room.cleared and x.message_id <= room.upto
  )
  update rooms r set cleared = room.upto from room where r.id = room.id and r.cleared < room.upto
  returning (room.upto - room.cleared)::float8 as messages`;

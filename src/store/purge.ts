import { sql } from "drizzle-orm";
import type { PurgeStore } from "../chat/moderationports.ts";
import { writeAudit } from "../db/audit.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { atMost } from "./sql.ts";

/** Rooms looked through in one statement for what someone reacted to. */
const ROOMS = 5_000;

export const createPurgeStore = (pool: Pool): PurgeStore => ({
  async messagesBy(userId, after, limit) {
    // Anyone who has posted in a room is or was a member. The order makes the database read their messages by their key.
    const found = await runOrRefuse(pool, (orm) =>
      rows<{ room: string; roomId: number; id: number; clientId: string }>(
        orm,
        sql`select r.name as room, r.id::float8 as "roomId", x.id::float8 as id, x.client_id::text as "clientId"
          from members m join rooms r on r.id = m.room_id
          cross join lateral (
            select id, client_id from messages
            where room_id = m.room_id and sender_id = ${userId}::bigint and deleted_at is null and notice is null
              and id > r.begins_after
              and (m.room_id > ${after?.roomId ?? 0}::bigint or client_id > ${after?.clientId ?? NO_ID}::text::uuid)
            order by client_id ${atMost(limit)}) x
          where m.user_id = ${userId}::bigint and m.room_id >= ${after?.roomId ?? 0}::bigint
          order by m.room_id, x.client_id ${atMost(limit)}`,
      ),
    );
    return { found, next: found.length < limit ? null : (found.at(-1) ?? null) };
  },

  async reactedBy(userId, after, limit) {
    const found = await runOrRefuse(pool, (orm) =>
      rows<{ room: string | null; id: number; roomId: number }>(
        orm,
        // Every reaction was a change, and changes can be looked up by room and sender.
        sql`with seen as materialized (
            select id, name, begins_after from rooms where id > ${after ?? 0}::bigint order by id ${atMost(ROOMS)}
          ), reacted as (
            select s.name as room, s.id as room_id, x.id from seen s cross join lateral (
              select distinct c.message_id as id from changes c
              where c.room_id = s.id and c.sender_id = ${userId}::bigint and c.kind = 'react'
                and c.message_id > s.begins_after and exists (
                  select from reactions e where e.room_id = s.id and e.message_id = c.message_id and e.user_id = c.sender_id)
              order by id ${atMost(limit)}) x
            order by s.id, x.id ${atMost(limit)}
          )
          select room, room_id::float8 as "roomId", id::float8 as id from reacted
          union all
          select null, max(id)::float8, count(*)::float8 from seen`,
      ),
    );
    const end = found.pop();
    const reacted = found as { room: string; id: number; roomId: number }[];
    // If the page is full, the last room may have more: it is looked at again, without what was removed.
    const last = reacted.at(-1);
    if (last && reacted.length === limit) return { found: reacted, next: last.roomId - 1 };
    return { found: reacted, next: end && end.id === ROOMS ? end.roomId : null };
  },

  recordPurge: (userId, order) =>
    runOrRefuse(pool, (orm) => writeAudit(orm, [{ ...order, action: "user.purge", userId }])),
});

/** Lower than every random id. */
const NO_ID = "00000000-0000-0000-0000-000000000000";

import { sql } from "drizzle-orm";
import type { Orphan, SuccessionStore } from "../chat/moderationports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { atMost } from "./sql.ts";

export const createSuccessionStore = (pool: Pool): SuccessionStore => ({
  orphans: (after, limit) => runOrRefuse(pool, (orm) => rows<Orphan>(orm, orphans(after, limit))),
});

/** Begins with the few people whose accounts are deleted and not erased yet. */
const orphans = (after: Pick<Orphan, "ownerId" | "roomId"> | null, limit: number) => sql`
  select r.name as room, r.id::float8 as "roomId", m.user_id::float8 as "ownerId", h.user_id::float8 as "heirId"
  from users u join members m on m.user_id = u.id and m.state = 'in' and m.role = 'owner'
  join rooms r on r.id = m.room_id and r.kind = 'private' and r.deleted_at is null
  cross join lateral (
    select c.user_id from members c join users p on p.id = c.user_id
    where c.room_id = r.id and c.state = 'in' and p.deleted_at is null and p.erased_at is null
      and not exists (select from bans b where b.user_id = c.user_id and b.room_id = c.room_id)
    order by c.role <> 'moderator', c.since, c.user_id limit 1
  ) h
  where u.deleted_at is not null and u.erased_at is null
    and (m.user_id, r.id) > (${after?.ownerId ?? 0}::bigint, ${after?.roomId ?? 0}::bigint) and not exists (
    select from members o join users p on p.id = o.user_id
    where o.room_id = r.id and o.state = 'in' and o.role = 'owner' and p.deleted_at is null and p.erased_at is null)
  order by m.user_id, r.id ${atMost(limit)}`;

import { type SQL, sql } from "drizzle-orm";
import { type Written, WRITTEN_MAX, type WrittenRange, type WrittenRows } from "../chat/lists.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { likePatterns, matching } from "./filters.ts";
import { atMost, iso } from "./sql.ts";

/** The most bytes of texts on a page, unless it has a single message. */
const PAGE_BYTES = 512 * 1024;
/** About the size of a message besides its text and data, in bytes. */
const MESSAGE_BYTES = 256;
/** One message more than a page has shows whether there are more. */
const ONE_MORE = atMost(WRITTEN_MAX + 1);

/** Reads a page of what someone wrote. */
export async function readWritten(pool: Pool, userId: number, range: WrittenRange): Promise<WrittenRows> {
  const found = await runOrRefuse(pool, (orm) =>
    rows<Written & { readonly more: boolean }>(orm, writtenBy(userId, range)),
  );
  const messages = found.map(({ more: _, ...message }) => message);
  return { messages, more: found.at(-1)?.more ?? false };
}

/**
 * By room and clientId, which is the order of two indexes: each page reads what it returns, and one row of each room in between.
 * Anyone who has posted in a room is or was a member.
 */
const writtenBy = (userId: number, { after, patterns, limit }: WrittenRange): SQL => sql`
  select room, id::float8 as id, ${iso(sql`created_at`)} as timestamp, ${iso(sql`edited_at`)} as "editedAt", content, data, files,
    reply_to::float8 as "replyTo", thread::float8 as thread, client_id::text as "clientId", more
  from (
    select c.*, row_number() over w as n, lead(true, 1, false) over w as more,
      sum(octet_length(c.content) + coalesce(octet_length(c.data), 0) + coalesce(octet_length(c.files), 0) + ${sql.raw(String(MESSAGE_BYTES))}) over w as upto
    from (
      select r.name as room, p.* from members m join rooms r on r.id = m.room_id
      cross join lateral (
        select * from messages x where x.room_id = m.room_id and x.sender_id = ${userId}::bigint
          and x.client_id > case when r.name = ${after?.room ?? ""}::text then ${after?.clientId ?? LEAST}::uuid else ${LEAST}::uuid end
          and x.deleted_at is null and x.notice is null and x.id > r.begins_after
        order by x.client_id ${ONE_MORE}) p
      where m.user_id = ${userId}::bigint
        and m.room_id >= coalesce((select id from rooms where name = ${after?.room ?? ""}::text), 0)
        and r.deleted_at is null and ${matching(likePatterns(patterns))}
      order by m.room_id, p.client_id ${ONE_MORE}
    ) c window w as (order by c.room_id, c.client_id rows unbounded preceding)
  ) t where n <= ${limit}::int and (n = 1 or upto <= ${sql.raw(String(PAGE_BYTES))})
  order by n`;

/** Less than any clientId. */
const LEAST = "00000000-0000-0000-0000-000000000000";

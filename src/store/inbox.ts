import { type SQL, sql } from "drizzle-orm";
import { INBOX_MAX, type InboxEntry, type InboxRange, type InboxRows } from "../chat/lists.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { isOpenTo, likePatterns, matching } from "./filters.ts";
import { columns } from "./page.ts";
import { type StateRow, messageOf } from "./reading.ts";
import { atMost, messageAt } from "./sql.ts";
import { EVERYONE_ROWS, isHeard, READ_TO, threadMark, UNSEEN } from "./unread.ts";

/** The most mentions by name that one page examines: the person may no longer read some of them. */
const LOOK = 1_000;
/** The most bytes of texts on a page, unless it has a single message. */
const PAGE_BYTES = 512 * 1024;
/** About the size of a message besides its text, data and files, in bytes. */
const MESSAGE_BYTES = 512;
const ONE_MORE = atMost(INBOX_MAX + 1);

interface Row extends StateRow, Omit<InboxEntry, "message" | "room"> {
  /** Null if the page is empty. */
  readonly room: string | null;
  readonly at: number;
  readonly key: string;
  readonly more: boolean;
  /** The place of the oldest mention that was examined, if more may follow; else null. */
  readonly edgeAt: number | null;
  readonly edgeKey: string | null;
}

/** Reads a page of the messages that mention someone. */
export async function readInbox(pool: Pool, userId: number, range: InboxRange): Promise<InboxRows> {
  const found = await runOrRefuse(pool, (orm) => rows<Row>(orm, inboxOf(userId, range)));
  const entries = found.flatMap((row): InboxEntry[] => {
    const { room, kind, title, unread } = row;
    return room === null ? [] : [{ room, kind, title, unread, message: messageOf(row) }];
  });
  const last = found.at(-1);
  if (last?.more) return { entries, next: { at: last.at, key: last.key } };
  const { edgeAt, edgeKey } = last ?? { edgeAt: null, edgeKey: null };
  return { entries, next: edgeAt === null || edgeKey === null ? undefined : { at: edgeAt, key: edgeKey } };
}

const microsOf = (time: SQL) => sql`floor(extract(epoch from ${time}) * 1000000)::float8`;

/**
 * Examines the newest mentions by name, and the newest messages to everyone in each room of the person since they became a
 * member. What the person may not read now is left out before the page is cut. If more mentions by name may follow those that
 * were examined, nothing older than them is on the page. `m` is the person's membership in `seen`, and the message in the end.
 */
const inboxOf = (userId: number, { before, patterns, membersOnly, limit }: InboxRange): SQL => {
  const me = sql`${userId}::bigint`;
  const upTo = sql`case when n.thread is null then ${READ_TO} else ${threadMark(me, READ_TO)} end`;
  const older =
    before === null
      ? sql`true`
      : sql`(n.at, n.key) < ('epoch'::timestamptz + ${before.at}::bigint * interval '1 microsecond', ${before.key}::text::uuid)`;
  const isOpen = membersOnly ? sql`false` : sql`r.kind = 'open'`;
  const isListed = sql`r.deleted_at is null and ${isOpenTo(userId)} and ${matching(likePatterns(patterns))}`;
  return sql`with named as materialized (
    select n.* from mentions n where n.user_id = ${me} and ${older} order by n.at desc, n.key desc ${atMost(LOOK)}
  ), edge as materialized (
    select at, key from named order by at desc, key desc limit 1 offset ${sql.raw(String(LOOK - 1))}
  ), seen as (
    select n.room_id, n.message_id, n.at, n.key, n.message_id > ${upTo} as unread from named n
    cross join lateral (select * from rooms x where x.id = n.room_id limit 1) r
    left join lateral (select * from members x where x.user_id = ${me} and x.room_id = n.room_id limit 1) m on true
    left join lateral (select * from own x where x.user_id = ${me} and x.room_id = n.room_id limit 1) o on true
    where ${isListed} and (m.state = 'in' or ${isOpen}) and n.message_id > ${UNSEEN}
      and n.sender_id <> ${me} and ${isHeard(sql`n.sender_id`, me)}
    union all
    select n.room_id, n.message_id, n.at, n.key, n.message_id > ${upTo} from members m join rooms r on r.id = m.room_id
    left join lateral (select * from own x where x.user_id = ${me} and x.room_id = m.room_id limit 1) o on true
    cross join lateral (
      select n.* from mentions n
      where n.user_id = ${EVERYONE_ROWS} and n.room_id = m.room_id and n.message_id > greatest(m.version, ${UNSEEN}) and ${older}
        and n.sender_id <> ${me} and ${isHeard(sql`n.sender_id`, me)}
        and (select true from mentions k where k.user_id = ${me} and k.room_id = n.room_id and k.message_id = n.message_id) is null
      order by n.at desc, n.key desc ${ONE_MORE}
    ) n
    where m.user_id = ${me} and m.state = 'in' and ${isListed}
      and ((select at from edge) is null or (n.at, n.key) > (select at, key from edge))
  ), page as (
    select s.*, row_number() over w as n, lead(true, 1, false) over w as more,
      sum(octet_length(x.content) + coalesce(octet_length(x.data), 0) + coalesce(octet_length(x.files), 0)
        + ${sql.raw(String(MESSAGE_BYTES))}) over w as upto
    from (select * from seen order by at desc, key desc limit ${limit}::int + 1) s
    cross join lateral (${messageAt(sql`s.room_id`, sql`s.message_id`)}) x
    window w as (order by s.at desc, s.key desc rows unbounded preceding)
  )
  select ${microsOf(sql`e.at`)} as "edgeAt", e.key::text as "edgeKey", q.*
  from (values (1)) one left join edge e on true left join (
    select r.name as room, r.kind, r.title, p.unread, ${microsOf(sql`p.at`)} as at, p.key::text as key, p.more,
      p.n::float8 as n, ${columns}
    from page p join rooms r on r.id = p.room_id
    cross join lateral (${messageAt(sql`p.room_id`, sql`p.message_id`)}) m join users u on u.id = m.sender_id
    where p.n <= ${limit}::int and (p.n = 1 or p.upto <= ${sql.raw(String(PAGE_BYTES))})
  ) q on true
  order by q.n`;
};

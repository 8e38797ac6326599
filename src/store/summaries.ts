import { type SQL, sql } from "drizzle-orm";
import { PEOPLE_SHOWN, type RoomSummary } from "../chat/lists.ts";
import { personOf, type PersonRow } from "../person.ts";
import { type PersonColumns, shownOf } from "./replies.ts";
import { atMost, iso, messageAt, type Value } from "./sql.ts";
import { mentionsAfter, READ_TO, unreadAfter, unreadThreads, UNSEEN } from "./unread.ts";

/** Rooms as lists show them. */

/** The most bytes of texts on a page of a list. */
const PAGE_BYTES = 512 * 1024;
/** About the size of a room on a page besides its texts and people, in bytes. */
const ROOM_BYTES = 512;

export interface SummaryRow extends Omit<RoomSummary, "last" | "people">, PersonRow {
  readonly id: number | null;
  readonly content: string;
  /** How many files the newest message has; null: none. */
  readonly files: number | null;
  readonly timestamp: string;
  /** JSON: a list of {@link PersonColumns}; null if the room is not direct. */
  readonly people: string | null;
  readonly more: boolean;
  readonly at: number | null;
}

/** Rooms to summarise, as a relation with `id` and `name`, and the order in which a page has them. */
export interface Chosen {
  readonly rooms: SQL;
  readonly order: SQL;
}

/** Each property by its name: copying all but some of a row takes several times as long, for each room of a page. */
export function summaryOf(row: SummaryRow): RoomSummary {
  const { id, content, files, timestamp, username, people } = row;
  return {
    room: row.room,
    kind: row.kind,
    title: row.title,
    topic: row.topic,
    archived: row.archived,
    history: row.history,
    membersAdd: row.membersAdd,
    receipts: row.receipts,
    version: row.version,
    ...(people !== null && { people: (JSON.parse(people) as PersonColumns[]).map(shownOf) }),
    last:
      id === null
        ? null
        : { id, username, user: personOf(row), content, timestamp, ...(files !== null && { files }) },
    role: row.role,
    joinedAt: row.joinedAt,
    lastRead: row.lastRead,
    unread: row.unread,
    threads: row.threads,
    mentions: row.mentions,
    notify: row.notify,
    hidden: row.hidden,
    pinned: row.pinned,
  };
}

/** Whether the room `r` is hidden from the list of its member `m`; null if it never was. */
export const IS_HIDDEN = sql`(o.hidden_at >= r.last_post and o.hidden_at >= m.version)`;

export const BY_NAME = sql`c.name`;
export const BY_ACTIVITY = sql`c.pinned desc, c.at desc, c.name desc`;

/**
 * The first of the chosen rooms, as many as fit into a page; `more`: another one follows. Every lookup next to a room uses a
 * key and a limit, so a page costs the same for large rooms as for small ones.
 */
export const summaries = (userId: Value<number>, { rooms, order }: Chosen, limit: Value<number>) => sql`
  select c.name as room, c.kind, c.title, c.topic, c.archived, c.history,
    c."membersAdd", c.receipts, c.version::float8 as version, c.role,
    ${iso(sql`c.since`)} as "joinedAt", c.people, c.message_id::float8 as id, u.username, u.uid, u.name, c.content,
    json_array_length(c.files::json) as files,
    ${iso(sql`c.created_at`)} as timestamp, c.mark::float8 as "lastRead",
    case when c.mark is null then 0 else ${unreadAfter(sql`${userId}::bigint`, sql`c.id`, sql`c.mark`)} end as unread,
    case when c.mark is null then 0 else ${unreadThreads(sql`${userId}::bigint`, sql`c.id`, sql`c.unseen`)} end as threads,
    case when c.mark is null then 0
      else ${mentionsAfter(sql`${userId}::bigint`, sql`c.id`, { mark: sql`c.mark`, entered: sql`c.entered`, unseen: sql`c.unseen` })} end as mentions,
    c.notify, c.hidden, c.pinned, floor(extract(epoch from c.at) * 1000000)::float8 as at, c.more
  from (
    select c.id, c.name, r.kind, r.title, r.topic, r.archived_at is not null as archived, r.history,
      r.members_add as "membersAdd", r.receipts, r.version, m.role, m.since,
      m.version as entered, case when m.role is not null then ${READ_TO} end as mark,
      o.notify, coalesce(${IS_HIDDEN}, false) as hidden, o.pinned_at is not null as pinned, p.people,
      ${UNSEEN} as unseen, l.id as message_id, l.sender_id, l.content, l.files, l.created_at,
      row_number() over w as n, lead(true, 1, false) over w as more,
      sum(octet_length(r.title) + octet_length(r.topic) + coalesce(octet_length(l.content), 0)
        + coalesce(octet_length(p.people), 0) + ${sql.raw(String(ROOM_BYTES))}) over w as upto,
      ${order === BY_ACTIVITY ? sql`c.at` : sql`null::timestamptz`} as at
    from (select * from (${rooms}) chosen limit ${limit}::int + 1) c
    cross join lateral (select * from rooms x where x.id = c.id limit 1) r
    left join lateral (
      select * from members x where x.user_id = ${userId}::bigint and x.room_id = c.id and x.state = 'in' limit 1) m on true
    left join lateral (
      select * from own x where x.user_id = ${userId}::bigint and x.room_id = c.id and m.role is not null limit 1) o on true
    left join lateral (
      select * from (${messageAt(sql`c.id`, sql`r.last_post`)}) x where x.id > ${UNSEEN}) l on true
    left join lateral (select ${peopleOf(userId)} as people where r.kind = 'direct') p on true
    window w as (order by ${order} rows unbounded preceding)
  ) c
  left join lateral (select username, uid, name from users x where x.id = c.sender_id limit 1) u on true
  where c.n <= ${limit}::int and (c.n = 1 or c.upto <= ${PAGE_BYTES}::bigint)
  order by c.n`;

/**
 * The people in the room `c` as JSON: others by user id, then the person, who is in all of their direct rooms. Arrays of
 * columns, because the database takes twice as long to build objects.
 */
const peopleOf = (userId: Value<number>) => sql`array_to_json(
  array(
    select ${PERSON} from members k join users u on u.id = k.user_id
    where k.room_id = c.id and k.state = 'in' and k.user_id <> ${userId}::bigint order by k.user_id ${atMost(PEOPLE_SHOWN - 1)}
  ) || array(select ${PERSON} from users u where u.id = ${userId}::bigint))::text`;

/** The {@link PersonColumns} of the user `u`. */
const PERSON = sql`array[u.uid, u.username, nullif(u.name, u.username), u.picture]`;

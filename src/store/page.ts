import { type SQL, sql } from "drizzle-orm";
import { PAGE_MAX } from "../chat/limits.ts";
import type { Bounds, View } from "../chat/ports.ts";
import { NAMES_MAX } from "../chat/room/reactors.ts";
import type { Statement } from "../db/database.ts";
import { PINS_MAX } from "../protocol/membership.ts";
import { mentionsOf } from "./mentioning.ts";
import { namedBy } from "./notices.ts";
import { repliesTo } from "./replies.ts";
import { atMost, integers, iso, messageAt, type Prepared, prepared, unguessed, type Value } from "./sql.ts";

/** The statements that read messages in pages. No statement returns or reads more than a page holds. */

/**
 * The most that one statement reads. Longer pages of history take several, so that other work gets in between, and a
 * connection never holds more than this.
 */
export const READ_ROWS = 500;
export const READ_BYTES = 256 * 1024;
/** What a subscription reads at once. */
export const PAGE: Bounds = { messages: 200, bytes: PAGE_MAX };
/** About the size of a message besides its text, its data and its reactions, in bytes. */
const MESSAGE_BYTES = 256;
/** What someone whom a message mentions counts as before they are read, in bytes. */
const MENTION_BYTES = 128;
/** What a reaction counts as before it is read, in bytes: a page reads a few thousand of them at most. */
export const REACTION_BYTES = 48;

/** The main conversation is read in spans of so many ids, since any number of them may be replies. */
export const SPAN = 2_000;

const roomId = (room: Value<string>) => sql`(select id from rooms where name = ${room}::text)`;

/** The state of the message `m`, whose sender is `u`. */
export const columns = sql`m.id::float8 as id, m.version::float8 as version, u.username, u.uid, u.name, m.client_id::text as "clientId",
  m.content, m.data, m.files, m.reply_to::float8 as "replyTo", m.thread::float8 as root, m.also_room as "alsoRoom", ${iso(sql`m.created_at`)} as timestamp,
  ${iso(sql`m.edited_at`)} as "editedAt", ${iso(sql`m.deleted_at`)} as "deletedAt",
  case when m.version <> m.id and m.deleted_at is null then (
    select json_agg(json_build_object('emoji', x.emoji, 'count', x.count, 'users', x.users, 'ids', x.ids, 'names', x.names)) from (
      select r.emoji, count(*)::int as count, (array_agg(p.username order by r.user_id))[1:${NAMES_MAX}::int] as users,
        (array_agg(p.uid order by r.user_id))[1:${NAMES_MAX}::int] as ids,
        (array_agg(p.name order by r.user_id))[1:${NAMES_MAX}::int] as names
      from reactions r join users p on p.id = r.user_id
      where r.room_id = m.room_id and r.message_id = m.id group by r.emoji
    ) x)::text end as reactions,
  m.notice::text as notice, ${namedBy(sql`m.notice`)} as named, ${mentionsOf} as mentions`;

/**
 * Reads the first of the `found` messages in an order, with their senders, each row with the room's counter and the epoch
 * of the same snapshot. `more`: another message follows. `total`: the bytes up to this message.
 *
 * The size decides twice. A row knows the length of its text and data and the number of its reactions, so the first sum reads neither
 * texts that are stored apart nor reactions. The second one knows how long the reactions are. The first message is returned
 * whatever its size.
 */
const page = (
  room: Value<string>,
  found: SQL,
  order: SQL,
  { messages, bytes }: { readonly messages: Value<number>; readonly bytes: Value<number> },
  replies = NO_REPLIES,
) => sql`
  select e.value as epoch, coalesce(o.version, 0)::float8 as counter, coalesce(o.fence, 0)::float8 as fence, p.*
  from (select value from meta where name = 'epoch') e
  left join (select version, fence from rooms where name = ${room}::text) o on true
  left join (
    select * from (
      select s.*, sum(s.size + coalesce(octet_length(s.reactions), 0)) over (order by s.n rows unbounded preceding)::float8 as total
      from (
        select ${columns}, ${replies} as replies, m.n, m.more, m.size from (
          select * from (
            select c.*, row_number() over w as n, lead(true, 1, false) over w as more, ${SIZE} as size,
              sum(${SIZE} + c.reaction_count * ${sql.raw(String(REACTION_BYTES))}) over w as upto
            from (${found}) c window w as (order by ${order} rows unbounded preceding)
          ) f where f.n <= ${messages}::int and (f.n = 1 or f.upto <= ${bytes}::bigint)
        ) m join users u on u.id = m.sender_id
        offset 0 -- or the reactions would be read twice
      ) s
    ) t where t.n = 1 or t.total <= ${bytes}::bigint
  ) p on true
  order by p.n`;

const NO_REPLIES = sql`null`;

/** A notice counts as many messages as it names people. */
export const SIZE = sql.raw(
  `(octet_length(c.content) + coalesce(octet_length(c.data), 0) + coalesce(octet_length(c.files), 0)
    + ${MENTION_BYTES} * coalesce(c.mentions, 0)
    + ${MESSAGE_BYTES} * (1 + coalesce(jsonb_array_length(c.notice -> 'users'), 0)))`,
);

/** Reads messages that changed after a version, by version. Two index ranges: unchanged messages, and changed ones. */
const changesStatement = () => {
  const { room, edge } = VALUES;
  return page(
    room,
    sql`(select * from messages where room_id = ${roomId(room)} and id > ${edge}::bigint and ${unguessed(sql`version = id`)}
        order by id ${atMost(PAGE.messages + 1)})
      union all
      (select * from messages where room_id = ${roomId(room)} and version > ${edge}::bigint and version <> id
        order by version ${atMost(PAGE.messages + 1)})`,
    sql`c.version`,
    PAGE,
  );
};

export type Range = { readonly after: number } | { readonly before: number };

/** What decides which statement reads messages by id. */
interface Shape extends Readonly<
  Record<"backward" | "notices" | "main" | "threaded" | "summarized", boolean>
> {}

/** Reads messages by id: the first ones after `edge`, oldest first, or the last ones before it, newest first. */
function messagesStatement({ backward, notices, main, threaded, summarized }: Shape): SQL {
  const { room, edge, from, thread, end } = VALUES;
  // A reply whose first message somebody does not see belongs to their main conversation: they have no thread for it.
  const isSeen = sql`${notices ? sql`true` : sql`notice is null`}
    and ${main ? sql`(thread is null or also_room or thread < ${from}::bigint)` : sql`true`}`;
  const seen = sql`${notices && !main ? sql`` : sql`and ${unguessed(isSeen)}`}
    ${threaded ? sql`and thread = ${thread}::bigint` : sql``}`;
  const of = sql`select * from messages where room_id = ${roomId(room)}`;
  const summary = summarized ? repliesTo(sql`m`) : undefined;
  if (!backward) {
    const span = main ? sql`and id <= ${end}::bigint` : sql``;
    const found = sql`${of} and id > ${edge}::bigint ${span} ${seen} order by id ${ONE_MORE}`;
    return page(room, found, sql`c.id`, VALUES, summary);
  }
  const span = main
    ? sql`and id >= least(${edge}::bigint, (select version + 1 from rooms where name = ${room}::text)) - ${SPAN}::bigint`
    : sql``;
  const found = sql`${of} and id < ${edge}::bigint and id >= ${from}::bigint ${span} ${seen} order by id desc ${ONE_MORE}`;
  return page(room, found, sql`c.id desc`, VALUES, summary);
}

const VALUES = {
  room: sql.placeholder("room"),
  edge: sql.placeholder("edge"),
  from: sql.placeholder("from"),
  thread: sql.placeholder("thread"),
  /** Where a span ends that is read forward. */
  end: sql.placeholder("end"),
  messages: sql.placeholder("messages"),
  bytes: sql.placeholder("bytes"),
};
type Assembled = Prepared<keyof typeof VALUES>;

/** Statements by what decides about them: to assemble one takes longer than to run it. */
const statements = new Map<string, Assembled>();
const assembled = (key: string, statement: () => SQL): Assembled =>
  statements.getOrInsertComputed(key, () => prepared(statement()));

const UNUSED = { from: null, thread: null, end: null, messages: null, bytes: null };

export const readChanges = (room: string, after: number) =>
  assembled("changes", changesStatement)({ ...UNUSED, room, edge: after });

export function readMessages(room: string, range: Range, bounds: Bounds, view: View): Statement {
  const { from = 1, notices = true, main = false, thread, replies = false } = view;
  const backward = "before" in range;
  const edge = backward ? range.before : Math.max(range.after, from - 1);
  const shape: Shape = { backward, notices, main, threaded: thread !== undefined, summarized: replies };
  return assembled(Object.values(shape).join(), () => messagesStatement(shape))({
    ...{ room, edge, from, thread: thread ?? null, end: edge + SPAN },
    messages: bounds.messages,
    bytes: bounds.bytes,
  });
}

/** Reads messages by their ids, in their order, without those that were deleted meanwhile. */
export const readPinned = (room: string, ids: readonly number[]) =>
  page(
    room,
    sql`select x.*, i.at from unnest(${integers(ids)}) with ordinality as i(id, at) cross join lateral (
      select * from (${messageAt(roomId(room), sql`i.id`)}) y where y.deleted_at is null) x`,
    sql`c.at`,
    { messages: PINS_MAX, bytes: READ_BYTES },
  );

/** One message more shows whether there are more. */
const ONE_MORE = atMost(READ_ROWS + 1);

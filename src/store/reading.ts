import { type SQL, sql } from "drizzle-orm";
import { PAGE_MAX } from "../chat/limits.ts";
import type { Bounds, HistoryPage, MessageStore, View } from "../chat/ports.ts";
import { inOrder, NAMES_MAX } from "../chat/room/reactors.ts";
import { cutToSize } from "../chat/room/pages.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import type { Message, Reaction } from "../message.ts";
import { mentionsOf, shownMentions } from "./mentioning.ts";
import { repliesOf, repliesTo } from "./replies.ts";
import { type ThreadRow, threadOf } from "./threading.ts";
import { noticeOf, type NoticeRow, namedBy } from "./notices.ts";
import { type PinRow, readPins } from "./pins.ts";
import { personOf, type PersonRow } from "../person.ts";
import { PINS_MAX } from "../protocol/membership.ts";
import { atMost, integers, iso, messageAt, unguessed } from "./sql.ts";

/**
 * The most that one statement reads. Longer pages of history take several, so that other work gets in between, and a
 * connection never holds more than this.
 */
const READ_ROWS = 500;
const READ_BYTES = 256 * 1024;
/** What a subscription reads at once. */
const PAGE: Bounds = { messages: 200, bytes: PAGE_MAX };
/** About the size of a message besides its text, its data and its reactions, in bytes. */
const MESSAGE_BYTES = 256;
/** What someone whom a message mentions counts as before they are read, in bytes. */
const MENTION_BYTES = 128;
/** What a reaction counts as before it is read, in bytes: a page reads a few thousand of them at most. */
export const REACTION_BYTES = 48;

/** A row with the {@link columns} of a message. */
export interface StateRow
  extends
    Omit<Message, "reactions" | "mentions" | "notice" | "user" | "thread" | "replies">,
    NoticeRow,
    PersonRow,
    ThreadRow {
  readonly reactions: string | null;
  readonly mentions: string | null;
  /** Only pages that ask for them have them. */
  readonly replies?: string | null;
}

interface MessageRow extends StateRow {
  readonly epoch: string;
  readonly counter: number;
  readonly fence: number;
  readonly more: boolean;
  readonly total: number;
}

/** What one statement found, in the order in which it reads. */
interface Found extends HistoryPage {
  /** About the size of its messages, in bytes. */
  readonly bytes: number;
  /** It examined all that it may at once. */
  readonly ended?: boolean;
}

type Range = { readonly after: number } | { readonly before: number };

/** Reads the messages of rooms, in pages. No statement returns or reads more than a page holds. */
export function createReading(
  pool: Pool,
): Pick<MessageStore, "changesSince" | "postsSince" | "messages" | "pinned"> {
  async function find(statement: SQL): Promise<Found> {
    const found = await runOrRefuse(pool, (orm) => rows<MessageRow>(orm, statement));
    const last = found.at(-1);
    if (!last) throw new Error("the database has no epoch");
    const { epoch, counter, fence, more, total } = last;
    if (last.id === null) return { epoch, counter, fence, messages: [], more: false, edge: 0, bytes: 0 };
    return { epoch, counter, fence, messages: found.map(messageOf), more, edge: last.id, bytes: total };
  }

  return {
    async changesSince(room, after) {
      return cutToSize(await find(readChanges(room, after)), ({ version }) => version);
    },

    async postsSince(room, after) {
      return cutToSize(await find(readMessages(room, { after }, PAGE, {})), ({ id }) => id);
    },

    async messages(room, range, bounds, view = {}) {
      const backward = "before" in range;
      const read = async (range: Range, step: Bounds): Promise<Found> => {
        const found = await find(readMessages(room, range, step, view));
        return view.main && !found.more ? spanned(found, range, view) : found;
      };
      let found = await read(range, stepOf(bounds));
      const { epoch, counter } = found;
      const messages = [...found.messages];
      let before = bounds;
      let spans = 1;
      while (found.more && !isFull(found, before)) {
        if (found.ended && spans++ === SPANS) break;
        const { edge } = found;
        const left = {
          messages: before.messages - found.messages.length,
          bytes: before.bytes - found.bytes,
        };
        const next = await read(backward ? { before: edge } : { after: edge }, stepOf(left));
        // Its only message does not fit, or belongs to another history.
        if (next.bytes > left.bytes || next.epoch !== epoch) break;
        messages.push(...next.messages);
        found = next;
        before = left;
      }
      const { fence, more, edge } = found;
      return { epoch, counter, fence, messages: backward ? messages.reverse() : messages, more, edge };
    },

    async pinned(room, range) {
      const pins = await runOrRefuse(pool, (orm) => rows<PinRow>(orm, readPins(room, range)));
      const ids = pins.map(({ id }) => id);
      const { epoch, counter, fence, messages, more } = await find(readPinned(room, ids));
      const known = new Map(pins.map((pin) => [pin.id, pin]));
      return {
        epoch,
        counter,
        fence,
        more,
        pins: messages.map((message) => {
          const { version, at, ...by } = known.get(message.id) as PinRow;
          return { message, version, at, by: { username: by.username, user: personOf(by) } };
        }),
      };
    },
  };
}

/** What one statement may read of what a page has left. */
const stepOf = ({ messages, bytes }: Bounds): Bounds => ({
  messages: Math.min(READ_ROWS, messages),
  bytes: Math.min(READ_BYTES, bytes),
});

/** Whether the page, and not the step, left no room for another message. */
const isFull = ({ messages, bytes, ended }: Found, left: Bounds): boolean =>
  messages.length >= left.messages ||
  bytes >= left.bytes ||
  (!ended && left.bytes <= READ_BYTES && messages.length < READ_ROWS);

/** The main conversation is read in spans of so many ids, since any number of them may be replies; a page takes at most so many. */
const SPAN = 2_000;
const SPANS = 5;

/** What a statement found that examined a whole span: the next one may have more. */
function spanned(found: Found, range: Range, { from = 1 }: View): Found {
  if ("after" in range) {
    const edge = Math.max(range.after, from - 1) + SPAN;
    return { ...found, edge, more: edge < found.counter, ended: true };
  }
  const edge = Math.min(range.before, found.counter + 1) - SPAN;
  return { ...found, edge, more: edge > from, ended: true };
}

/** Turns a row of a page into a message. Its reactions and mentions are JSON, or null if there are none. */
export const messageOf = (row: StateRow): Message => ({
  id: row.id,
  version: row.version,
  username: row.username,
  user: personOf(row),
  clientId: row.clientId,
  content: row.content,
  data: row.data,
  replyTo: row.replyTo,
  thread: threadOf(row),
  files: row.files,
  mentions: shownMentions(row.mentions),
  timestamp: row.timestamp,
  editedAt: row.editedAt,
  deletedAt: row.deletedAt,
  reactions:
    row.reactions === null ? [] : inOrder((JSON.parse(row.reactions) as ReactionRow[]).map(reactionOf)),
  notice: noticeOf(row),
  ...(row.replies && { replies: repliesOf(row.replies) }),
});

/** The reactions with one emoji. The lists are parallel. */
interface ReactionRow {
  readonly emoji: string;
  readonly count: number;
  readonly users: readonly string[];
  readonly ids: readonly string[];
  readonly names: readonly (string | null)[];
}

const reactionOf = ({ emoji, count, users, ids, names }: ReactionRow): Reaction => ({
  emoji,
  count,
  users,
  profiles: users.map((username, at) => personOf({ username, uid: ids[at] ?? "", name: names[at] ?? null })),
});

const roomId = (room: string) => sql`(select id from rooms where name = ${room}::text)`;

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
const page = (room: string, found: SQL, order: SQL, { messages, bytes }: Bounds, replies = NO_REPLIES) => sql`
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
const readChanges = (room: string, after: number) =>
  page(
    room,
    sql`(select * from messages where room_id = ${roomId(room)} and id > ${after}::bigint and ${unguessed(sql`version = id`)}
        order by id ${atMost(PAGE.messages + 1)})
      union all
      (select * from messages where room_id = ${roomId(room)} and version > ${after}::bigint and version <> id
        order by version ${atMost(PAGE.messages + 1)})`,
    sql`c.version`,
    PAGE,
  );

/** Reads messages by id: the first ones after `after`, oldest first, or the last ones before `before`, newest first. */
function readMessages(room: string, range: Range, bounds: Bounds, view: View): SQL {
  const { from = 1, notices = true, main = false, thread, replies } = view;
  // A reply whose first message somebody does not see belongs to their main conversation: they have no thread for it.
  const isSeen = sql`${notices ? sql`true` : sql`notice is null`}
    and ${main ? sql`(thread is null or also_room or thread < ${from}::bigint)` : sql`true`}`;
  const seen = sql`${notices && !main ? sql`` : sql`and ${unguessed(isSeen)}`}
    ${thread === undefined ? sql`` : sql`and thread = ${thread}::bigint`}`;
  const of = sql`select * from messages where room_id = ${roomId(room)}`;
  const summary = replies ? repliesTo(sql`m`) : undefined;
  if ("after" in range) {
    const after = Math.max(range.after, from - 1);
    const span = main ? sql`and id <= ${after + SPAN}::bigint` : sql``;
    const found = sql`${of} and id > ${after}::bigint ${span} ${seen} order by id ${ONE_MORE}`;
    return page(room, found, sql`c.id`, bounds, summary);
  }
  const { before } = range;
  const span = main
    ? sql`and id >= least(${before}::bigint, (select version + 1 from rooms where name = ${room}::text)) - ${SPAN}::bigint`
    : sql``;
  const found = sql`${of} and id < ${before}::bigint and id >= ${from}::bigint ${span} ${seen} order by id desc ${ONE_MORE}`;
  return page(room, found, sql`c.id desc`, bounds, summary);
}

/** Reads messages by their ids, in their order, without those that were deleted meanwhile. */
const readPinned = (room: string, ids: readonly number[]) =>
  page(
    room,
    sql`select x.*, i.at from unnest(${integers(ids)}) with ordinality as i(id, at) cross join lateral (
      select * from (${messageAt(roomId(room), sql`i.id`)}) y where y.deleted_at is null) x`,
    sql`c.at`,
    { messages: PINS_MAX, bytes: READ_BYTES },
  );

/** One message more shows whether there are more. */
const ONE_MORE = atMost(READ_ROWS + 1);

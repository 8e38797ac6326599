import { type SQL, sql } from "drizzle-orm";
import type { Decision } from "../chat/room/decide.ts";
import { type Change, type Post, targetOf } from "../chat/change.ts";
import { namedBy, storedNotice } from "./notices.ts";
import { roomColumns } from "./memberships.ts";
import { array, integers, iso, numberArray, texts, times, uuids } from "./sql.ts";

/** Someone whose post may make them a member. */
export interface Newcomer {
  readonly room: string;
  readonly senderId: number;
}

/**
 * Commits new posts in one statement and one round trip. The upsert creates rooms, locks them in one order and advances
 * their counters. `below` is how many posts of the batch follow a post in its room, so `id = version - below`. The
 * newcomers become members of open rooms. If a post was committed before, it violates the unique key and the whole
 * statement fails, so no version is lost.
 *
 * A room is missing from the result, and nothing was posted to it, in three cases. It has other `leavers` than expected:
 * one of its senders may no longer be a member. It has another fence: one of them may no longer post. Or a post replies to
 * what is not there. Leavers and fences are compared with the row as it is once it is locked; whatever else this statement
 * reads may be older.
 */
export function postAll(
  posts: readonly Post[],
  newcomers: readonly Newcomer[],
  leaversOf: (room: string) => number,
  fences: ReadonlyMap<string, number>,
): SQL {
  // One flat template: Drizzle takes longer to assemble nested ones than Postgres to run a small batch.
  const remaining = new Map<string, number>();
  for (const { room } of posts) remaining.set(room, (remaining.get(room) ?? 0) + 1);
  const roomNames = [...remaining.keys()];
  const counts = [...remaining.values()];
  const below = posts.map(({ room }) => {
    const left = (remaining.get(room) ?? 0) - 1;
    remaining.set(room, left);
    return left;
  });
  // Newcomers are members from their own last post on.
  const lastOf = new Map(
    newcomers.length > 0 ? posts.map((post, index) => [senderKey(post), below[index]]) : [],
  );
  const enrolled =
    newcomers.length > 0
      ? sql`, enrolled as (
    insert into members (user_id, room_id, version)
    select e.user_id, m.id, m.version - e.below
    from unnest(
      ${texts(newcomers.map((n) => n.room))}, ${integers(newcomers.map((n) => n.senderId))},
      ${integers(newcomers.map((n) => lastOf.get(senderKey(n)) ?? 0))}
    ) as e(room, user_id, below)
    join moved m on m.name = e.room
    where m.kind = 'open' and ${isNoMember(sql`e.user_id`, sql`m.id`)}
    order by e.user_id, m.id ${REENTER}
  )`
      : NOTHING;
  const replies = posts.filter(isReply);
  const answerable =
    replies.length > 0
      ? sql`and b.room not in (
      select i.room from unnest(${texts(replies.map(({ room }) => room))}, ${integers(replies.map(({ replyTo }) => replyTo))})
        as i(room, id)
      where ${mayBeAnswered(sql`(select id from rooms where name = i.room)`, sql`i.id`)} is null)`
      : NOTHING;
  const known = roomNames.map((room) => fences.get(room) ?? 0);
  // Only a room in which nobody ever lost a right is created by a post.
  const isThere = known.some((fence) => fence > 0)
    ? sql`b.fence = 0 or (select true from rooms q where q.name = b.room)`
    : ALWAYS;
  return sql`with moved as (
    insert into rooms as r (name, version, leavers, fence, last_post, posted_at)
    select b.room, b.n, b.leavers, b.fence, b.n, clock_timestamp()
    from unnest(${array(roomNames)}::text::text[], ${numberArray(counts)}::text::bigint[],
      ${numberArray(roomNames.map(leaversOf))}::text::bigint[], ${numberArray(known)}::text::bigint[]) as b(room, n, leavers, fence)
    where (${isThere}) ${answerable}
    order by b.room collate "C"
    on conflict (name) do update
      set version = r.version + excluded.version, last_post = r.version + excluded.version, posted_at = clock_timestamp()
      where r.leavers = excluded.leavers and r.fence = excluded.fence
    returning r.id, r.name, r.kind, r.version, r.posted_at as at
  ), posted as (
    insert into messages (room_id, id, version, sender_id, client_id, content, data, reply_to, created_at)
    select m.id, m.version - i.below, m.version - i.below, i.sender_id, i.client_id, i.content, i.data, i.reply_to, m.at
    from unnest(
      ${array(posts.map((p) => p.room))}::text::text[], ${numberArray(below)}::text::bigint[],
      ${numberArray(posts.map((p) => p.senderId))}::text::bigint[], ${array(posts.map((p) => p.clientId))}::text::uuid[],
      ${array(posts.map((p) => p.content))}::text::text[], ${array(posts.map((p) => p.data))}::text::text[],
      ${numberArray(posts.map((p) => p.replyTo))}::text::bigint[]
    ) as i(room, below, sender_id, client_id, content, data, reply_to)
    join moved m on m.name = i.room
  )${enrolled}
  select name, version::float8 as version, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
    (select value from meta where name = 'epoch') as epoch
  from moved`;
}

const NOTHING = sql``;
const ALWAYS = sql`true`;

const isReply = (change: Change): boolean => change.kind === "post" && change.replyTo !== null;

/** Null if there is no such message, or if it is a notice. A subquery like this is always a lookup by key. */
const mayBeAnswered = (roomId: SQL, id: SQL) => sql`(
  select true from messages m where m.room_id = ${roomId} and m.id = ${id} and m.notice is null limit 1)`;

export const senderKey = ({ senderId, room }: Newcomer) => `${senderId} ${room}`;

const isNoMember = (userId: SQL, roomId: SQL) =>
  sql`(select k.state from members k where k.user_id = ${userId} and k.room_id = ${roomId}) is distinct from 'in'`;

/** What an insert of a member does if they were one before. */
const REENTER = sql`on conflict (user_id, room_id) do update
  set state = 'in', version = excluded.version, since = clock_timestamp() where members.state <> 'in'`;

/**
 * First step of a careful commit: locks rooms in the same order as {@link postAll}, and creates those that may be new.
 * The counters stay. An upsert locks in order; an update would not.
 */
export const lockRooms = (names: readonly string[], mayBeNew: ReadonlySet<string>) => sql`
  insert into rooms as r (name)
  select b.room from unnest(${texts(names)}, ${integers(names.map((name) => (mayBeNew.has(name) ? 1 : 0)))})
    as b(room, new)
  where b.new = 1 or (select true from rooms q where q.name = b.room)
  order by b.room collate "C"
  on conflict (name) do update set version = r.version
  returning r.name, r.id::float8 as id, ${roomColumns},
    r.leavers::float8 as leavers, ${iso(sql`clock_timestamp()`)} as at,
    (select value from meta where name = 'epoch') as epoch`;

/** In whose key space a change is: a ruling is in both. */
const POST = sql.raw("1");
const RULING = sql.raw("2");
const spaceOf = ({ kind }: Change) => (kind === "post" ? 1 : kind === "member" || kind === "room" ? 2 : 0);

/** The changes of a batch as a relation, each with the id of its locked room. */
const asked = (changes: readonly Change[]) => sql`
  select i.index, i.space = ${POST} as post, i.space = ${RULING} as ruling, r.id as room_id, i.sender_id, i.client_id, i.message_id
  from unnest(
    ${integers(changes.map((_, index) => index))}, ${integers(changes.map(spaceOf))},
    ${texts(changes.map(({ room }) => room))}, ${integers(changes.map((c) => ("senderId" in c ? c.senderId : null)))},
    ${uuids(changes.map(({ clientId }) => clientId))}, ${integers(changes.map((c) => ("id" in c ? c.id : null)))}
  ) as i(index, space, room, sender_id, client_id, message_id)
  cross join lateral (select id from rooms where name = i.room limit 1) r`;

/** Second step: reads the acks that changes already have. `index` is the position of the change in the batch. */
export const readAnswered = (changes: readonly Change[]) => sql`
  with asked as materialized (${asked(changes)})
  select i.index::float8 as index, a.kind, '' as target, a.id::float8 as id, a.id::float8 as version, ${iso(sql`a.at`)} as at
  from asked i cross join lateral (
    select m.id, m.created_at as at, case when m.notice is null then 'post' else 'notice' end as kind from messages m
    where (i.post or i.ruling and m.notice is null) and m.room_id = i.room_id and m.sender_id = i.sender_id and m.client_id = i.client_id limit 1) a
  union all
  select i.index::float8, a.kind, a.target, a.message_id::float8, a.version::float8, ${iso(sql`a.at`)}
  from asked i cross join lateral (
    select c.kind, c.target, c.message_id, c.version, c.at from changes c
    where not i.post and c.room_id = i.room_id and c.sender_id = i.sender_id and c.client_id = i.client_id limit 1) a`;

/**
 * Third step: reads the messages that changes refer to, with each reaction as `[userId, emoji]`. Without names, because a
 * message may have a thousand reactions, and the same people react to many messages.
 */
export const readTargets = (changes: readonly Change[]) => sql`
  with asked as materialized (${asked(changes)})
  select i.index::float8 as index, m.id::float8 as id, m.version::float8 as version, m.sender_id::float8 as "senderId",
    u.username, u.uid, u.name, m.client_id::text as "clientId", m.content, m.data, m.reply_to::float8 as "replyTo",
    ${iso(sql`m.created_at`)} as timestamp, ${iso(sql`m.edited_at`)} as "editedAt", ${iso(sql`m.deleted_at`)} as "deletedAt",
    (select json_agg(json_build_array(x.user_id, x.emoji)) from reactions x
      where x.room_id = m.room_id and x.message_id = m.id)::text as reactors,
    m.notice::text as notice, ${namedBy(sql`m.notice`)} as named
  from (select min(index) as index, room_id, message_id from asked where not post group by room_id, message_id) i
  cross join lateral (select * from messages where room_id = i.room_id and id = i.message_id limit 1) m
  join users u on u.id = m.sender_id`;

/** Reads which messages that posts reply to are there. `index` is the position of the change in the batch. */
export const readReplied = (changes: readonly Change[]) => sql`
  select i.index::float8 as index from unnest(
    ${integers(changes.map((_, index) => index))}, ${texts(changes.map(({ room }) => room))},
    ${integers(changes.map((change) => (change.kind === "post" ? change.replyTo : null)))}
  ) as i(index, room, id)
  where ${mayBeAnswered(sql`(select id from rooms where name = i.room)`, sql`i.id`)}`;

/** Reads the names of the people who reacted. */
export const readNames = (userIds: Iterable<number>) => sql`
  select u.id::float8 as id, u.username, u.uid, u.name from unnest(${integers([...userIds])}) as i(id) join users u on u.id = i.id`;

interface Write {
  readonly decision: Decision;
  readonly roomIds: ReadonlyMap<string, number>;
  /** The net effect on reactions: those to insert, and those to delete. */
  readonly given: readonly ReactionRow[];
  readonly taken: readonly ReactionRow[];
}

export interface ReactionRow {
  readonly room: string;
  readonly id: number;
  readonly userId: number;
  readonly emoji: string;
}

/** Last step: writes the decision. */
export function writeDecision({ decision, roomIds, given, taken }: Write): SQL {
  const { versions, recorded, enrolled } = decision;
  const written = [...decision.messages.values()];
  const idOf = (room: string) => roomIds.get(room) ?? null;
  const names = [...versions.keys()];
  const lastPosts = new Map(
    written.flatMap(({ room, message }) =>
      message.id === message.version && message.notice === null ? [[room, message] as const] : [],
    ),
  );
  const reactionRows = (rows: readonly ReactionRow[]) => sql`unnest(
    ${integers(rows.map(({ room }) => idOf(room)))}, ${integers(rows.map(({ id }) => id))},
    ${integers(rows.map(({ userId }) => userId))}, ${texts(rows.map(({ emoji }) => emoji))}
  ) as i(room_id, message_id, user_id, emoji)`;
  return sql`with moved as (
    update rooms r set version = i.version, last_post = coalesce(i.last_post, r.last_post),
      posted_at = coalesce(i.posted_at, r.posted_at)
    from unnest(${texts(names)}, ${integers([...versions.values()])},
      ${integers(names.map((room) => lastPosts.get(room)?.id ?? null))},
      ${times(names.map((room) => lastPosts.get(room)?.timestamp ?? null))}) as i(name, version, last_post, posted_at)
    where r.name = i.name
  ), written as (
    insert into messages (room_id, id, version, sender_id, client_id, content, data, reply_to, created_at, edited_at, deleted_at,
      reaction_count, notice)
    select i.room_id, i.id, i.version, i.sender_id, i.client_id, i.content, i.data, i.reply_to, i.created_at, i.edited_at,
      i.deleted_at, i.reaction_count, i.notice::jsonb
    from unnest(
      ${integers(written.map(({ room }) => idOf(room)))}, ${integers(written.map(({ message }) => message.id))},
      ${integers(written.map(({ message }) => message.version))}, ${integers(written.map(({ message }) => message.senderId))},
      ${uuids(written.map(({ message }) => message.clientId))}, ${texts(written.map(({ message }) => message.content))},
      ${texts(written.map(({ message }) => message.data))},
      ${integers(written.map(({ message }) => message.replyTo))}, ${times(written.map(({ message }) => message.timestamp))},
      ${times(written.map(({ message }) => message.editedAt))}, ${times(written.map(({ message }) => message.deletedAt))},
      ${integers(written.map(({ message }) => message.reactors.length))},
      ${texts(written.map(({ message }) => storedNotice(message.notice)))}
    ) as i(room_id, id, version, sender_id, client_id, content, data, reply_to, created_at, edited_at, deleted_at,
      reaction_count, notice)
    on conflict (room_id, id) do update set version = excluded.version, content = excluded.content,
      data = excluded.data, edited_at = excluded.edited_at, deleted_at = excluded.deleted_at, reaction_count = excluded.reaction_count
  ), recorded as (
    insert into changes (room_id, sender_id, client_id, kind, target, message_id, version, at)
    select i.room_id, i.sender_id, i.client_id, i.kind, i.target, i.message_id, i.version, i.at
    from unnest(
      ${integers(recorded.map(({ change }) => idOf(change.room)))}, ${integers(recorded.map(({ change }) => change.senderId))},
      ${uuids(recorded.map(({ change }) => change.clientId))}, ${texts(recorded.map(({ change }) => change.kind))},
      ${texts(recorded.map(({ change }) => targetOf(change)))},
      ${integers(recorded.map(({ ack }) => ack.id))}, ${integers(recorded.map(({ ack }) => ack.version))},
      ${times(recorded.map(({ ack }) => ack.timestamp))}
    ) as i(room_id, sender_id, client_id, kind, target, message_id, version, at)
  ), enrolled as (
    insert into members (user_id, room_id, version)
    select e.user_id, e.room_id, e.version from unnest(
      ${integers(enrolled.map(({ userId }) => userId))}, ${integers(enrolled.map(({ room }) => idOf(room)))},
      ${integers(enrolled.map(({ version }) => version))}
    ) as e(user_id, room_id, version)
    where ${isNoMember(sql`e.user_id`, sql`e.room_id`)}
    order by e.user_id, e.room_id ${REENTER}
  ), given as (
    insert into reactions (room_id, message_id, user_id, emoji) select * from ${reactionRows(given)}
  )
  delete from reactions x using ${reactionRows(taken)}
  where x.room_id = i.room_id and x.message_id = i.message_id and x.user_id = i.user_id and x.emoji = i.emoji`;
}

/** Reads the rooms' counters. Rooms that do not exist are missing from the result. */
export const readCounters = (names: readonly string[]) => sql`
  select e.value as epoch, r.name, r.version::float8 as version, r.fence::float8 as fence
  from (select value from meta where name = 'epoch') e
  left join (select q.name, q.version, q.fence from unnest(${texts(names)}) as i(name) join rooms q on q.name = i.name) r on true`;

import { type SQL, sql } from "drizzle-orm";
import type { Decision } from "../chat/room/decide.ts";
import { type Change, subjectOf, targetOf } from "../chat/change.ts";
import { isMain } from "../message.ts";
import { mentionsOf } from "./mentioning.ts";
import { namedBy, storedNotice } from "./notices.ts";
import { roomColumns } from "./memberships.ts";
import { integers, iso, messageAt, texts, times, uuids } from "./sql.ts";

/** Null if there is no such message, or if it is a notice. */
export const mayBeAnswered = (roomId: SQL, id: SQL) => sql`(
  select true from (${messageAt(roomId, id)}) m where m.notice is null)`;

export const isNoMember = (userId: SQL, roomId: SQL) =>
  sql`(select k.state from members k where k.user_id = ${userId} and k.room_id = ${roomId}) is distinct from 'in'`;

/** What an insert of a member does if they were one before. */
export const REENTER = sql`on conflict (user_id, room_id) do update
  set state = 'in', version = excluded.version, since = clock_timestamp() where members.state <> 'in'`;

/**
 * First step of a careful commit: locks rooms in the same order as the statement of new posts, and creates those that may be new.
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
const spaceOf = ({ kind }: Change) =>
  kind === "post" ? 1 : kind === "member" || kind === "room" || kind === "pin" ? 2 : 0;

/** The changes of a batch as a relation, each with the id of its locked room. */
const asked = (changes: readonly Change[]) => sql`
  select i.index, i.space = ${POST} as post, i.space = ${RULING} as ruling, r.id as room_id, i.sender_id, i.client_id, i.message_id
  from unnest(
    ${integers(changes.map((_, index) => index))}, ${integers(changes.map(spaceOf))},
    ${texts(changes.map(({ room }) => room))}, ${integers(changes.map((c) => ("senderId" in c ? c.senderId : null)))},
    ${uuids(changes.map(({ clientId }) => clientId))}, ${integers(changes.map(subjectOf))}
  ) as i(index, space, room, sender_id, client_id, message_id)
  cross join lateral (select id from rooms where name = i.room limit 1) r`;

/** Second step: reads the acks that changes already have. `index` is the position of the change in the batch. */
export const readAnswered = (changes: readonly Change[]) => sql`
  with asked as materialized (${asked(changes)})
  select i.index::float8 as index, a.kind, '' as target, a.id::float8 as id, a.id::float8 as version, ${iso(sql`a.at`)} as at,
    a.unreached
  from asked i cross join lateral (
    select m.id, m.created_at as at, m.unreached, case when m.notice is null then 'post' else 'notice' end as kind from messages m
    where (i.post or i.ruling and m.notice is null) and m.room_id = i.room_id and m.sender_id = i.sender_id and m.client_id = i.client_id limit 1) a
  union all
  select i.index::float8, a.kind, a.target, a.message_id::float8, a.version::float8, ${iso(sql`a.at`)}, a.unreached
  from asked i cross join lateral (
    select c.kind, c.target, c.message_id, c.version, c.at, c.unreached from changes c
    where not i.post and c.room_id = i.room_id and c.sender_id = i.sender_id and c.client_id = i.client_id limit 1) a`;

/**
 * Third step: reads the messages that changes refer to, with each reaction as `[userId, emoji]`. Without names, because a
 * message may have a thousand reactions, and the same people react to many messages.
 */
export const readTargets = (changes: readonly Change[]) => sql`
  with asked as materialized (${asked(changes)})
  select i.index::float8 as index, m.id::float8 as id, m.version::float8 as version, m.sender_id::float8 as "senderId",
    u.username, u.uid, u.name, m.client_id::text as "clientId", m.content, m.data, m.files, m.reply_to::float8 as "replyTo",
    m.thread::float8 as root, m.also_room as "alsoRoom",
    ${iso(sql`m.created_at`)} as timestamp, ${iso(sql`m.edited_at`)} as "editedAt", ${iso(sql`m.deleted_at`)} as "deletedAt",
    (select json_agg(json_build_array(x.user_id, x.emoji)) from reactions x
      where x.room_id = m.room_id and x.message_id = m.id)::text as reactors,
    m.notice::text as notice, ${namedBy(sql`m.notice`)} as named, ${mentionsOf} as mentions
  from (select min(index) as index, room_id, message_id from asked where not post group by room_id, message_id) i
  cross join lateral (${messageAt(sql`i.room_id`, sql`i.message_id`)}) m
  join users u on u.id = m.sender_id`;

/** Reads which messages that posts reply to are there. `index` is the position of the change in the batch. */
export const readReplied = (changes: readonly Change[]) => sql`
  select i.index::float8 as index from unnest(
    ${integers(changes.map((_, index) => index))}, ${texts(changes.map(({ room }) => room))},
    ${integers(changes.map((change) => (change.kind === "post" ? change.replyTo : null)))}
  ) as i(index, room, id)
  where ${mayBeAnswered(sql`(select id from rooms where name = i.room)`, sql`i.id`)}`;

/** Reads the first messages of the threads that posts name. `index` is the position of the change in the batch. */
export const readRoots = (changes: readonly Change[]) => sql`
  select i.index::float8 as index, coalesce(m.thread, m.id)::float8 as id,
    (select sender_id from (${messageAt(sql`m.room_id`, sql`coalesce(m.thread, m.id)`)}) f)::float8 as "senderId"
  from unnest(
    ${integers(changes.map((_, index) => index))}, ${texts(changes.map(({ room }) => room))},
    ${integers(changes.map((change) => (change.kind === "post" ? (change.thread?.root ?? null) : null)))}
  ) as i(index, room, id)
  cross join lateral (${messageAt(sql`(select id from rooms where name = i.room)`, sql`i.id`)}) m
  where m.notice is null`;

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
      message.id === message.version && message.notice === null && isMain(message)
        ? [[room, message] as const]
        : [],
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
    insert into messages (room_id, id, version, sender_id, client_id, content, data, files, reply_to, thread, also_room, created_at,
      edited_at, deleted_at, reaction_count, notice)
    select i.room_id, i.id, i.version, i.sender_id, i.client_id, i.content, i.data, i.files, i.reply_to, i.thread,
      case when i.thread is not null then i.also_room = 1 end, i.created_at, i.edited_at, i.deleted_at, i.reaction_count, i.notice::jsonb
    from unnest(
      ${integers(written.map(({ room }) => idOf(room)))}, ${integers(written.map(({ message }) => message.id))},
      ${integers(written.map(({ message }) => message.version))}, ${integers(written.map(({ message }) => message.senderId))},
      ${uuids(written.map(({ message }) => message.clientId))}, ${texts(written.map(({ message }) => message.content))},
      ${texts(written.map(({ message }) => message.data))}, ${texts(written.map(({ message }) => message.files))},
      ${integers(written.map(({ message }) => message.replyTo))},
      ${integers(written.map(({ message }) => message.thread?.root ?? null))},
      ${integers(written.map(({ message }) => (message.thread?.alsoRoom ? 1 : 0)))}, ${times(written.map(({ message }) => message.timestamp))},
      ${times(written.map(({ message }) => message.editedAt))}, ${times(written.map(({ message }) => message.deletedAt))},
      ${integers(written.map(({ message }) => message.reactors.length))},
      ${texts(written.map(({ message }) => storedNotice(message.notice)))}
    ) as i(room_id, id, version, sender_id, client_id, content, data, files, reply_to, thread, also_room, created_at, edited_at,
      deleted_at, reaction_count, notice)
    on conflict (room_id, id) do update set version = excluded.version, content = excluded.content,
      data = excluded.data, files = excluded.files, edited_at = excluded.edited_at, deleted_at = excluded.deleted_at, reaction_count = excluded.reaction_count,
      unreached = case when excluded.deleted_at is null then messages.unreached end
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

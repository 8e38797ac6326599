import { type SQL, sql } from "drizzle-orm";
import type { Post } from "../chat/change.ts";
import type { Statement } from "../db/database.ts";
import { array, numberArray, type Prepared, prepared } from "./sql.ts";
import { isNoMember, mayBeAnswered, REENTER } from "./statements.ts";

/** Someone whose post may make them a member. */
export interface Newcomer {
  readonly room: string;
  readonly senderId: number;
}

export const senderKey = ({ senderId, room }: Newcomer) => `${senderId} ${room}`;

/** What decides which statement it is. */
interface Shape {
  /** Some senders are to become members. */
  readonly enrols: boolean;
  /** Some posts reply to others. */
  readonly replies: boolean;
  /** Someone lost a right in one of the rooms. */
  readonly fenced: boolean;
}

const VALUES = {
  rooms: sql.placeholder("rooms"),
  counts: sql.placeholder("counts"),
  leavers: sql.placeholder("leavers"),
  fences: sql.placeholder("fences"),
  room: sql.placeholder("room"),
  below: sql.placeholder("below"),
  sender: sql.placeholder("sender"),
  client: sql.placeholder("client"),
  content: sql.placeholder("content"),
  data: sql.placeholder("data"),
  replyTo: sql.placeholder("replyTo"),
  newcomerRoom: sql.placeholder("newcomerRoom"),
  newcomer: sql.placeholder("newcomer"),
  newcomerBelow: sql.placeholder("newcomerBelow"),
  repliedRoom: sql.placeholder("repliedRoom"),
  replied: sql.placeholder("replied"),
};
type Values = Record<keyof typeof VALUES, string>;

const NOTHING = sql``;

const enrolled = sql`, enrolled as (
    insert into members (user_id, room_id, version)
    select e.user_id, m.id, m.version - e.below
    from unnest(${VALUES.newcomerRoom}::text::text[], ${VALUES.newcomer}::text::bigint[], ${VALUES.newcomerBelow}::text::bigint[])
      as e(room, user_id, below)
    join moved m on m.name = e.room
    where m.kind = 'open' and ${isNoMember(sql`e.user_id`, sql`m.id`)}
    order by e.user_id, m.id ${REENTER}
  )`;

const answerable = sql`and b.room not in (
      select i.room from unnest(${VALUES.repliedRoom}::text::text[], ${VALUES.replied}::text::bigint[]) as i(room, id)
      where ${mayBeAnswered(sql`(select id from rooms where name = i.room)`, sql`i.id`)} is null)`;

/** Only a room in which nobody ever lost a right is created by a post. */
const IS_THERE = sql`b.fence = 0 or (select true from rooms q where q.name = b.room)`;

const statementOf = ({ enrols, replies, fenced }: Shape): SQL => sql`with moved as (
    insert into rooms as r (name, version, leavers, fence, last_post, posted_at)
    select b.room, b.n, b.leavers, b.fence, b.n, clock_timestamp()
    from unnest(${VALUES.rooms}::text::text[], ${VALUES.counts}::text::bigint[],
      ${VALUES.leavers}::text::bigint[], ${VALUES.fences}::text::bigint[]) as b(room, n, leavers, fence)
    where (${fenced ? IS_THERE : sql`true`}) ${replies ? answerable : NOTHING}
    order by b.room collate "C"
    on conflict (name) do update
      set version = r.version + excluded.version, last_post = r.version + excluded.version, posted_at = clock_timestamp()
      where r.leavers = excluded.leavers and r.fence = excluded.fence
    returning r.id, r.name, r.kind, r.version, r.posted_at as at
  ), posted as (
    insert into messages (room_id, id, version, sender_id, client_id, content, data, reply_to, created_at)
    select m.id, m.version - i.below, m.version - i.below, i.sender_id, i.client_id, i.content, i.data, i.reply_to, m.at
    from unnest(${VALUES.room}::text::text[], ${VALUES.below}::text::bigint[], ${VALUES.sender}::text::bigint[],
      ${VALUES.client}::text::uuid[], ${VALUES.content}::text::text[], ${VALUES.data}::text::text[],
      ${VALUES.replyTo}::text::bigint[]) as i(room, below, sender_id, client_id, content, data, reply_to)
    join moved m on m.name = i.room
  )${enrols ? enrolled : NOTHING}
  select name, version::float8 as version, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
    (select value from meta where name = 'epoch') as epoch
  from moved`;

const statements = new Map<string, Prepared<keyof Values>>();

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
 *
 * Most of what a message costs the server was once the assembly of this statement, so it is done once for each shape.
 */
export function postAll(
  posts: readonly Post[],
  newcomers: readonly Newcomer[],
  leaversOf: (room: string) => number,
  fences: ReadonlyMap<string, number>,
): Statement {
  const remaining = new Map<string, number>();
  for (const { room } of posts) remaining.set(room, (remaining.get(room) ?? 0) + 1);
  const rooms = [...remaining.keys()];
  const counts = numberArray([...remaining.values()]);
  const below = posts.map(({ room }) => {
    const left = (remaining.get(room) ?? 0) - 1;
    remaining.set(room, left);
    return left;
  });
  const known = rooms.map((room) => fences.get(room) ?? 0);
  const replies = posts.filter(({ replyTo }) => replyTo !== null);
  const shape: Shape = {
    enrols: newcomers.length > 0,
    replies: replies.length > 0,
    fenced: known.some((fence) => fence > 0),
  };
  const statement = statements.getOrInsertComputed(Object.values(shape).join(), () =>
    prepared(statementOf(shape)),
  );
  return statement({
    rooms: array(rooms),
    counts,
    leavers: numberArray(rooms.map(leaversOf)),
    fences: numberArray(known),
    room: array(posts.map((post) => post.room)),
    below: numberArray(below),
    sender: numberArray(posts.map((post) => post.senderId)),
    client: array(posts.map((post) => post.clientId)),
    content: array(posts.map((post) => post.content)),
    data: array(posts.map((post) => post.data)),
    replyTo: numberArray(posts.map((post) => post.replyTo)),
    ...(shape.enrols ? newcomersIn(posts, newcomers, below) : NO_NEWCOMERS),
    repliedRoom: array(replies.map(({ room }) => room)),
    replied: numberArray(replies.map(({ replyTo }) => replyTo)),
  });
}

const NO_NEWCOMERS = { newcomerRoom: "{}", newcomer: "{}", newcomerBelow: "{}" };

/** Newcomers are members from their own last post on. */
function newcomersIn(posts: readonly Post[], newcomers: readonly Newcomer[], below: readonly number[]) {
  const lastOf = new Map(posts.map((post, index) => [senderKey(post), below[index] ?? 0]));
  return {
    newcomerRoom: array(newcomers.map(({ room }) => room)),
    newcomer: numberArray(newcomers.map(({ senderId }) => senderId)),
    newcomerBelow: numberArray(newcomers.map((one) => lastOf.get(senderKey(one)) ?? 0)),
  };
}

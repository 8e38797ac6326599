import { type SQL, sql } from "drizzle-orm";
import { type Pool, rows } from "../db/database.ts";
import { ago, fromNow } from "../db/time.ts";
import { GAP_MS } from "../push/ports.ts";
import type { CursorStore } from "./cursors.ts";
import { atMost, integers, lazily, messageAt } from "./sql.ts";
import { EVERYONE_ROWS, isHeard } from "./unread.ts";

/** The name of the consumer that notes whom to tell of messages. */
export const PUSH = "push";

/** Messages that are older than this are not pushed: nobody was told of them while the server was down. */
const AGE_MS = 10 * 60_000;
/** The newest messages of a room that are looked at, of those that came since the last time. */
const MESSAGES = 100;
/** Members that one statement looks at. */
const MEMBERS = 500;
/** How long a message waits before it is pushed, in milliseconds: someone may be reading it. */
const WAIT_MS = 1_000;

/** What is new in a room. */
export interface PushNews {
  readonly upto: number;
  readonly size: number;
  /** The ids of new messages. */
  readonly posts: readonly number[];
  /** Messages that were deleted: what devices show of them is withdrawn. */
  readonly deleted: readonly number[];
}

/** Finds out whom to tell of messages, in SQL with any driver. */
export interface PushNoter {
  /** Lets rooms with messages from before the first start begin at their end. Does nothing later. */
  begin(cursors: Pick<CursorStore, "begin">): Promise<void>;
  /** Reads what is new in a room: the newest messages, up to its counter, however many there are. */
  read(roomId: number, after: number): Promise<PushNews>;
  /** Notes devices of the next members of a room for its new messages. Resolves to where to continue; null: at the end. */
  note(roomId: number, posts: readonly number[], after: number): Promise<number | null>;
  /** Lets notifications of deleted messages be withdrawn. */
  withdraw(roomId: number, deleted: readonly number[]): Promise<void>;
}

export function createPushNoter(pool: Pool): PushNoter {
  const run = <Row>(statement: SQL) => pool.run((orm) => rows<Row>(orm, statement));

  return {
    async begin(cursors) {
      const [known] = await run(sql`select from cursors where consumer = ${PUSH}::text limit 1`);
      if (known) return;
      for (let after: number | null = 0; after !== null;) after = await cursors.begin(PUSH, after, null);
    },

    async read(roomId, after) {
      const found = await run<{ counter: number; id: number | null; deleted: boolean }>(
        readNews(roomId, after),
      );
      const ids = (deleted: boolean) =>
        found.flatMap((row) => (row.id !== null && row.deleted === deleted ? [row.id] : []));
      const [posts, deleted] = [ids(false), ids(true)];
      return { upto: found[0]?.counter ?? after, size: posts.length + deleted.length, posts, deleted };
    },

    async note(roomId, posts, after) {
      const [slice] = await run<{ last: number | null; count: number }>(noteMembers(roomId, posts, after));
      return slice?.count === MEMBERS ? slice.last : null;
    },

    async withdraw(roomId, deleted) {
      await run(sql`
        with lazy as materialized (select ${lazily}), shown as materialized (
          select p.device_id from lazy, pushes p where p.room_id = ${roomId}::bigint and p.shown_id = any(${integers(deleted)})
          and p.lease is null order by p.device_id for update of p
        )
        update pushes p set due_at = clock_timestamp() from shown s
        where p.device_id = s.device_id and p.room_id = ${roomId}::bigint`);
    },
  };
}

/** Rooms are not read while nobody has a device. */
const readNews = (roomId: number, after: number) => sql`
  select r.version::float8 as counter, x.id::float8 as id, coalesce(x.deleted, false) as deleted
  from rooms r left join lateral (
    (select m.id, false as deleted, m.deleted_at is null and m.notice is null and m.created_at > ${ago(AGE_MS)} as fits
      from messages m where m.room_id = r.id and m.id > greatest(${after}::bigint, r.begins_after)
      order by m.id desc ${atMost(MESSAGES)})
    union all
    (select m.id, true, m.deleted_at > ${ago(AGE_MS)}
      from messages m where m.room_id = r.id and m.version > ${after}::bigint and m.version <> m.id
      order by m.version desc ${atMost(MESSAGES)})
  ) x on x.fits and exists (select from push_devices)
  where r.id = ${roomId}::bigint`;

/** Whether the message `f` mentions the member `s`. Rooms without mentions among the new messages do not look. */
const IS_NAMED = sql`(s.named and exists (select from mentions k where k.room_id = s.room_id and k.message_id = f.id
  and k.user_id in (s.user_id, ${EVERYONE_ROWS})))`;

/** Whether the member `s` wants to hear of the message `f`. */
const IS_WANTED = sql`(f.sender_id <> s.user_id and f.id >= s.from_id and f.id > s.version and s.notify <> 'none'
  and case
    when f.thread is not null and not f.also_room then ${IS_NAMED} or exists (select from thread_own t
      where t.user_id = s.user_id and t.room_id = s.room_id and t.root_id = f.thread and t.following)
    else s.notify = 'all' or s.kind = 'direct' or ${IS_NAMED}
  end and ${isHeard(sql`f.sender_id`, sql`s.user_id`)})`;

const gap = (kind: keyof typeof GAP_MS) => sql.raw(`interval '${GAP_MS[kind]} milliseconds'`);

/**
 * One row for a device and a room. Devices that wait for their next push are passed over, so that a message in a busy room costs
 * little more than to find that out: what is newest then is read when it is sent.
 */
const noteMembers = (roomId: number, posts: readonly number[], after: number) => sql`
  with lazy as materialized (select ${lazily}), about as materialized (
    select r.kind, exists (select from mentions k where k.room_id = r.id and k.message_id = any(${integers(posts)})) as named
    from rooms r where r.id = ${roomId}::bigint
  ), slice as materialized (
    select m.user_id, m.room_id, m.from_id, m.version from members m
    where m.room_id = ${roomId}::bigint and m.state = 'in' and m.user_id > ${after}::bigint
    order by m.user_id ${atMost(MEMBERS)}
  ), seated as materialized (
    select s.*, d.id as device, coalesce(o.notify, 'all') as notify, p.pushed_at, a.kind, a.named
    from about a, slice s join push_devices d on d.user_id = s.user_id
    left join own o on o.user_id = s.user_id and o.room_id = s.room_id
    left join pushes p on p.device_id = d.id and p.room_id = s.room_id
    where p.device_id is null or p.message_id <= p.shown_id or p.lease is not null or a.named or a.kind = 'direct'
  ), fresh as materialized (
    select m.id, m.sender_id, m.thread, m.also_room from unnest(${integers(posts)}) as i(id)
    cross join lateral (${messageAt(sql`${roomId}::bigint`, sql`i.id`)}) m order by m.id desc
  ), due as materialized (
    select w.device, w.room_id, w.id, greatest(${fromNow(WAIT_MS)},
      w.pushed_at + case when w.prompt then ${gap("prompt")} else ${gap("usual")} end) as at
    from (
      select s.*, n.id, s.kind = 'direct' or exists (select from fresh f where ${IS_NAMED}) as prompt
      from lazy, seated s cross join lateral (select f.id from fresh f where ${IS_WANTED} order by ${IS_NAMED} desc, f.id desc limit 1) n
    ) w
  ), noted as (
    insert into pushes as p (device_id, room_id, message_id, due_at)
    select device, room_id, id, at from due order by device
    on conflict (device_id, room_id) do update set
      message_id = excluded.message_id,
      wanted_at = case when p.message_id > p.shown_id then p.wanted_at else clock_timestamp() end,
      due_at = case
        when p.message_id <= p.shown_id and p.lease is null then excluded.due_at
        -- It waits for quiet hours to end, or for another attempt.
        when p.lease is not null or p.failures > 0 or p.due_at > ${fromNow(GAP_MS.usual)} then p.due_at
        else least(p.due_at, excluded.due_at) end
    where excluded.message_id > greatest(p.message_id, p.shown_id)
  )
  select max(user_id)::float8 as last, count(*)::int as count from slice`;

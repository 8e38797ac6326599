import { sql } from "drizzle-orm";
import { type Pool, rows } from "../db/database.ts";
import { fromNow, PRESENT } from "../db/time.ts";
import type { Claimed, Facts, PushQueue } from "../push/ports.ts";
import { atMost, lazily, messageAt } from "./sql.ts";
import { EVERYONE_ROWS, isHeard, READ_TO, unreadAfter, UNSEEN } from "./unread.ts";

/** How long a device's notification of a room is remembered, so that it can be withdrawn, in milliseconds. */
const SHOWN_MS = 2 * 24 * 3600_000;
/** The pause before a withdrawal, in which more may be read, in milliseconds. */
const READ_MS = 1_000;
const OTHERS_MAX = 4;

interface FactsRow extends Omit<Facts, "device" | "quiet" | "grants" | "others" | "message"> {
  readonly n: number;
  readonly deviceId: string;
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
  readonly grants: string | null;
  readonly begins: number | null;
  readonly ends: number;
  readonly zone: string;
  /** JSON: a list of names. */
  readonly others: string | null;
  readonly isNews: boolean;
  readonly messageId: number;
  readonly sender: string;
  readonly content: string;
  readonly files: string | null;
  readonly thread: number | null;
  readonly mentioned: boolean;
}

/** What devices are to be told, in SQL with any driver. A crash may undo what it writes: then a push comes again. */
export function createPushQueue(pool: Pool): PushQueue {
  const run = <Row>(statement: ReturnType<typeof sql>) => pool.run((orm) => rows<Row>(orm, statement));

  return {
    async claim(limit, leaseMs) {
      const lease = crypto.randomUUID();
      const found = await run<Omit<Claimed, "lease">>(sql`
        with lazy as materialized (select ${lazily}), due as materialized (
          select device_id, room_id, extract(epoch from clock_timestamp() - due_at) * 1000 as late
          from pushes where due_at <= ${PRESENT} order by due_at ${atMost(limit)} for update skip locked
        )
        update pushes p set lease = ${lease}::text::uuid, due_at = ${fromNow(leaseMs)}
        from lazy, due where p.device_id = due.device_id and p.room_id = due.room_id
        returning p.device_id as "deviceId", p.room_id::float8 as "roomId", p.message_id::float8 as "messageId",
          p.shown_id::float8 as "shownId", p.failures,
          (extract(epoch from clock_timestamp() - p.wanted_at) * 1000)::float8 as "wantedMs", due.late::float8 as "lateMs"`);
      return found.map((row) => ({ ...row, lease }));
    },

    async facts(claimed) {
      const found = await run<FactsRow>(readFacts(claimed));
      return new Map(found.map((row) => [claimed[row.n] as Claimed, factsOf(row)]));
    },

    async settle(settled) {
      const outcomes = settled.map(([{ deviceId, roomId, messageId, lease }, outcome]) => ({
        ...{ device: deviceId, room: roomId, id: messageId, lease, kind: outcome.kind },
        shown: outcome.kind === "shown" ? outcome.messageId : null,
        ms: outcome.kind === "shown" ? outcome.gapMs : outcome.kind === "later" ? outcome.ms : 0,
        failed: outcome.kind === "later" && outcome.failed,
      }));
      // More may have come since a row was claimed: then there is more to do about it.
      await run(sql`
        with lazy as materialized (select ${lazily}), outcomes as materialized (
          select * from json_to_recordset(${JSON.stringify(outcomes)}::text::json)
            as o(device text, room bigint, id bigint, shown bigint, lease uuid, kind text, ms float8, failed boolean)
        ), mine as materialized (
          select o.*, p.message_id > coalesce(o.shown, o.id) as more from lazy, outcomes o
          join pushes p on p.device_id = o.device and p.room_id = o.room and p.lease = o.lease
          order by p.device_id, p.room_id for update of p
        ), gone as (
          delete from pushes p using mine m
          where p.device_id = m.device and p.room_id = m.room and m.kind = 'done' and not m.more
        )
        update pushes p set lease = null,
          shown_id = case m.kind when 'shown' then m.shown when 'done' then 0 else p.shown_id end,
          pushed_at = case m.kind when 'shown' then clock_timestamp() else p.pushed_at end,
          wanted_at = case m.kind when 'later' then p.wanted_at else clock_timestamp() end,
          failures = case when m.kind <> 'later' then 0 when m.failed then p.failures + 1 else p.failures end,
          due_at = case when m.kind = 'shown' and not m.more then ${fromNow(SHOWN_MS)}
            else clock_timestamp() + m.ms * interval '1 millisecond' end
        from mine m where p.device_id = m.device and p.room_id = m.room and (m.kind <> 'done' or m.more)`);
    },

    async read(marks) {
      await run(sql`
        with lazy as materialized (select ${lazily}), shown as materialized (
          select p.device_id, p.room_id from lazy,
            json_to_recordset(${JSON.stringify(marks)}::text::json) as i("userId" bigint, room text, id bigint)
          cross join lateral (select id from rooms x where x.name = i.room limit 1) r
          join push_devices d on d.user_id = i."userId"
          join pushes p on p.device_id = d.id and p.room_id = r.id
          where p.shown_id between 1 and i.id and p.lease is null and p.due_at > ${fromNow(READ_MS)}
          order by p.device_id, p.room_id for update of p
        )
        update pushes p set due_at = ${fromNow(READ_MS)} from shown s
        where p.device_id = s.device_id and p.room_id = s.room_id`);
    },
  };
}

const nameOf = (user: string) => sql.raw(`coalesce(${user}.name, ${user}.username)`);

/** What the person of the device `d` may see and has not read of the message `x`, whatever was so when it was noted. */
const IS_NEWS = sql`(x.id is not null and m.state = 'in' and b.user_id is null and r.deleted_at is null
  and x.id > ${UNSEEN} and x.deleted_at is null and x.notice is null and x.sender_id <> d.user_id
  and coalesce(o.notify, 'all') <> 'none' and ${isHeard(sql`x.sender_id`, sql`d.user_id`)}
  and x.id > case when x.thread is null or x.also_room then ${READ_TO} else coalesce((
    select t.last_read from thread_own t where t.user_id = d.user_id and t.room_id = r.id and t.root_id = x.thread), ${READ_TO}) end)`;

const IS_NAMED = sql`exists (select from mentions k where k.room_id = r.id and k.message_id = x.id
  and k.user_id in (d.user_id, ${EVERYONE_ROWS}))`;

/** Whether the person wants to hear of every message of the room, and that of the row does not mention them. */
const IS_WIDE = sql`(r.kind = 'direct' or coalesce(o.notify, 'all') = 'all') and not exists (select from mentions k
  where k.room_id = r.id and k.message_id = i.id and k.user_id in (d.user_id, ${EVERYONE_ROWS}))`;

/** The newest messages among which the one to show is. */
const NEWEST_LOOK = 50;
const NEWEST = sql`(select y.id from (
    select * from messages n where n.room_id = r.id and n.id > i.id order by n.id desc ${atMost(NEWEST_LOOK)}) y
  where y.deleted_at is null and y.notice is null and (y.thread is null or y.also_room) and y.sender_id <> d.user_id
    and ${isHeard(sql`y.sender_id`, sql`d.user_id`)} order by y.id desc limit 1)`;

const readFacts = (claimed: readonly Claimed[]) => sql`
  select n.*, n.device as "deviceId", case when n."isNews" then greatest(1, case when n.notify = 'mentions' and n.kind <> 'direct' then 1
      else ${unreadAfter(sql`n.user_id`, sql`n.room_id`, sql`n.mark`)} end) else 0 end as unread,
    case when n."isNews" and n.kind = 'direct' then (
      select json_agg(x.name)::text from (
        select ${nameOf("u")} as name from members m join users u on u.id = m.user_id
        where m.room_id = n.room_id and m.state = 'in' and m.user_id <> n.user_id order by m.user_id ${atMost(OTHERS_MAX)}) x
    ) end as others
  from (
    select i.n, d.id as device, d.endpoint, d.p256dh, d.auth, d.grants, d.page, d.user_id, d.user_id::float8 as "userId",
      q.begins, q.ends, q.zone, r.id as room_id, r.name as room, r.kind, r.title, o.notify, ${READ_TO} as mark,
      coalesce(${IS_NEWS}, false) as "isNews", x.id::float8 as "messageId", ${nameOf("w")} as sender, x.content, x.files,
      case when not x.also_room then x.thread end::float8 as thread, ${IS_NAMED} as mentioned
    from json_to_recordset(${JSON.stringify(
      claimed.map(({ deviceId, roomId, messageId }, n) => ({
        n,
        device: deviceId,
        room: roomId,
        id: messageId,
      })),
    )}::text::json) as i(n int, device text, room bigint, id bigint)
    join push_devices d on d.id = i.device
    join users u on u.id = d.user_id and u.disabled_at is null and u.deleted_at is null
    join rooms r on r.id = i.room
    left join lateral (select * from members where user_id = d.user_id and room_id = r.id limit 1) m on true
    left join lateral (select * from own where user_id = d.user_id and room_id = r.id limit 1) o on true
    left join lateral (select user_id from bans where user_id = d.user_id and room_id = r.id limit 1) b on true
    left join quiet_hours q on q.user_id = d.user_id
    cross join lateral (select greatest(i.id, case when ${IS_WIDE} then ${NEWEST} end) as id) g
    left join lateral (${messageAt(sql`r.id`, sql`g.id`)}) x on true
    left join users w on w.id = x.sender_id
    where d.session_id is null or exists (
      select from sessions s where s.id = d.session_id and s.revoked_at is null and s.expires_at > clock_timestamp())
  ) n`;

function factsOf(row: FactsRow): Facts {
  const { deviceId: id, endpoint, p256dh, auth, begins, ends, zone } = row;
  return {
    device: { id, endpoint, p256dh, auth },
    userId: row.userId,
    grants: row.grants === null ? null : (JSON.parse(row.grants) as Facts["grants"]),
    quiet: begins === null ? null : { begins, ends, zone },
    page: row.page,
    room: row.room,
    kind: row.kind,
    title: row.title,
    others: JSON.parse(row.others ?? "[]") as string[],
    message: row.isNews
      ? {
          id: row.messageId,
          sender: row.sender,
          content: row.content,
          files: (JSON.parse(row.files ?? "[]") as { readonly name: string }[]).map(({ name }) => name),
          thread: row.thread,
          mentioned: row.mentioned,
        }
      : null,
    unread: row.unread,
  };
}

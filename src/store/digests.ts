import { type SQL, sql } from "drizzle-orm";
import { INBOX_MAX } from "../chat/lists.ts";
import { type Pool, rows } from "../db/database.ts";
import { fromNow, PRESENT } from "../db/time.ts";
import type { RoomKind } from "../protocol/membership.ts";
import { isOpenTo } from "./filters.ts";
import { readInbox } from "./inbox.ts";
import { atMost, texts } from "./sql.ts";
import { isHeard, READ_TO, UNSEEN } from "./unread.ts";

/** The most direct conversations, and messages of each, that one look reads. */
const ROOMS_MAX = 20;
const MESSAGES_MAX = 20;
/** The newest messages of a conversation that are examined for them. */
const LOOK = 200;

/** Someone whose unread messages are to be looked for now. */
export interface Candidate {
  readonly userId: number;
  readonly email: string;
  /** By the database's clock, in milliseconds since 1970. */
  readonly now: number;
  /** Messages up to this time are done with. */
  readonly upto: number;
  /** When a session of theirs was last used. A device that is connected uses its session at least once per access token. */
  readonly seenAt: number;
  /** When the last digest was written; 0 if there is none. */
  readonly sentAt: number;
}

/** A message that somebody has not read, and that mentions them or is for them. */
export interface UnreadMessage {
  readonly room: string;
  readonly kind: RoomKind;
  /** The room's title; "" if it has none. */
  readonly title: string;
  readonly id: number;
  /** In milliseconds since 1970. */
  readonly at: number;
  /** What its sender is called. */
  readonly sender: string;
  readonly content: string;
  /** How many files it has. */
  readonly files: number;
}

export interface DigestStore {
  /** Claims people who are due, for `leaseMs`: no other node looks at them meanwhile. */
  claim(limit: number, leaseMs: number): Promise<readonly Candidate[]>;
  /** Says when to look again, counted from now. */
  postpone(userId: number, ms: number): Promise<void>;
  /**
   * Puts a digest into the outbox and moves on what is done with, both or neither. Does nothing if another node has done so
   * since the claim.
   */
  begin(
    candidate: Candidate,
    range: { readonly after: number; readonly upto: number },
    restMs: number,
  ): Promise<void>;
  /**
   * What somebody has not read of that time, and may read now: mentions and direct messages, oldest first, without those of
   * people whom they block, and of rooms of which they want no notifications.
   */
  unread(userId: number, range: { readonly after: number; readonly upto: number }): Promise<UnreadMessage[]>;
}

const millis = (time: SQL) => sql`floor(extract(epoch from ${time}) * 1000)::float8`;
const timeOf = (ms: number) => sql`'epoch'::timestamptz + ${ms}::float8 * interval '1 millisecond'`;

export function createDigestStore(
  pool: Pool,
  { membersOnly }: { readonly membersOnly: boolean },
): DigestStore {
  const run = <Row>(statement: SQL) => pool.run((orm) => rows<Row>(orm, statement));
  return {
    claim: (limit, leaseMs) =>
      run<Candidate>(sql`
        with due as materialized (
          select user_id from digests d where not d.off and d.due_at <= ${PRESENT}
          order by d.due_at ${atMost(limit)} for update skip locked
        ), able as materialized (
          select due.user_id, u.email from due left join users u on u.id = due.user_id and u.verified_at is not null
            and u.email is not null and u.disabled_at is null and u.deleted_at is null
        ), taken as (
          update digests d set due_at = case when a.email is null then ${fromNow(DAY_MS)} else ${fromNow(leaseMs)} end
          from able a where d.user_id = a.user_id
          returning d.user_id, a.email, d.upto, d.sent_at
        )
        select user_id::float8 as "userId", email, ${millis(sql`clock_timestamp()`)} as now, ${millis(sql`upto`)} as upto,
          coalesce(${millis(sql`sent_at`)}, 0) as "sentAt",
          coalesce((select ${millis(sql`max(s.used_at)`)} from sessions s where s.user_id = taken.user_id), 0) as "seenAt"
        from taken where email is not null`),
    async postpone(userId, ms) {
      await run(sql`update digests set due_at = ${fromNow(ms)} where user_id = ${userId}::bigint`);
    },
    async begin({ userId, email, upto: before }, { after, upto }, restMs) {
      await run(sql`
        with moved as (
          update digests set upto = ${timeOf(upto)}, sent_at = clock_timestamp(), due_at = ${fromNow(restMs)}
          where user_id = ${userId}::bigint and not off and ${millis(sql`upto`)} = ${before}::float8
          returning user_id
        )
        insert into mails (id, kind, address, user_id, after, upto)
        select ${Bun.randomUUIDv7()}::text::uuid, 'digest', ${email}::text, user_id, ${timeOf(after)}, ${timeOf(upto)}
        from moved`);
    },
    async unread(userId, range) {
      const [mentions, direct] = await Promise.all([
        mentionsOf(pool, userId, membersOnly),
        run<UnreadMessage>(directOf(userId, range.after)),
      ]);
      const isNew = ({ at }: UnreadMessage) => at > range.after && at <= range.upto;
      const found = new Map(
        [...mentions, ...direct].filter(isNew).map((one) => [`${one.id} ${one.room}`, one]),
      );
      return [...found.values()].sort((a, b) => a.at - b.at);
    },
  };
}

const DAY_MS = 24 * 3600_000;

async function mentionsOf(pool: Pool, userId: number, membersOnly: boolean): Promise<UnreadMessage[]> {
  const { entries } = await readInbox(pool, userId, {
    before: null,
    patterns: null,
    limit: INBOX_MAX,
    membersOnly,
  });
  const unread = entries.filter((entry) => entry.unread && entry.message.deletedAt === null);
  const muted = await mutedAmong(pool, userId, [...new Set(unread.map(({ room }) => room))]);
  return unread
    .filter(({ room }) => !muted.has(room))
    .map(({ room, kind, title, message: { id, timestamp, user, username, content, files } }) => ({
      ...{ room, kind, title, id, content },
      at: Date.parse(timestamp),
      sender: user.name ?? username,
      files: files === null ? 0 : (JSON.parse(files) as unknown[]).length,
    }));
}

/** The rooms of which somebody wants no notifications at all. */
async function mutedAmong(
  pool: Pool,
  userId: number,
  rooms: readonly string[],
): Promise<ReadonlySet<string>> {
  if (rooms.length === 0) return new Set();
  const muted = await pool.run((orm) =>
    rows<{ name: string }>(
      orm,
      sql`select r.name from unnest(${texts(rooms)}) as i(name)
        cross join lateral (select id, name from rooms x where x.name = i.name limit 1) r
        join own o on o.user_id = ${userId}::bigint and o.room_id = r.id and o.notify = 'none'`,
    ),
  );
  return new Set(muted.map(({ name }) => name));
}

/** Messages of direct conversations about which somebody wants to hear, after their read marks. */
const directOf = (userId: number, after: number): SQL => {
  const me = sql`${userId}::bigint`;
  return sql`
    select c.room, c.kind, c.title, n.id::float8 as id, ${millis(sql`n.created_at`)} as at,
      coalesce(u.name, u.username) as sender, n.content, coalesce(json_array_length(n.files::json), 0)::int as files
    from (
      select r.id, r.name as room, r.kind, r.title, ${READ_TO} as read_to
      from members m join rooms r on r.id = m.room_id
      left join lateral (select * from own x where x.user_id = ${me} and x.room_id = m.room_id limit 1) o on true
      where m.user_id = ${me} and m.state = 'in' and r.kind = 'direct' and r.deleted_at is null and ${isOpenTo(userId)}
        and r.posted_at > ${timeOf(after)} and coalesce(o.notify, 'all') = 'all' and r.last_post > ${UNSEEN}
      order by r.posted_at desc ${atMost(ROOMS_MAX)}
    ) c
    cross join lateral (
      select * from (
        select * from messages x where x.room_id = c.id and x.id > c.read_to order by x.id desc ${atMost(LOOK)}
      ) x
      where x.deleted_at is null and x.notice is null and (x.thread is null or x.also_room)
        and x.sender_id <> ${me} and ${isHeard(sql`x.sender_id`, me)} and x.created_at > ${timeOf(after)}
      order by x.id desc ${atMost(MESSAGES_MAX)}
    ) n
    join users u on u.id = n.sender_id`;
};

import { sql } from "drizzle-orm";
import {
  isSecret,
  type Membership,
  membershipOf,
  noRoom,
  type RoomFacts,
  type SeatFacts,
  STRANGER,
} from "../chat/rights.ts";
import type { Seat } from "../chat/ports.ts";

/** What a person keeps being muted until, if that never ends. */
const FOREVER = -1;

type RoomRow = Omit<RoomFacts, "exists">;

interface SeatRow extends Omit<SeatFacts, "state" | "mutedUntil"> {
  readonly state: SeatFacts["state"] | null;
  readonly mutedUntil: number | null;
}

/** A row of {@link readMemberships}: everything is null if there is no such room. */
export interface MembershipRow extends RoomRow, SeatRow {
  readonly roomId: number | null;
}

/** The facts about the room `r`. */
export const roomColumns =
  sql.raw(`r.kind, r.deleted_at is not null as deleted, r.archived_at is not null as archived,
  r.title, r.topic, r.history, r.members_add as "membersAdd", r.receipts, r.begins_after::float8 as "beginsAfter",
  r.version::float8 as version, r.fence::float8 as fence`);

/** The facts about the person `i.user_id` in the room `r`. Their row is `m`, their ban `b`. */
const seatColumns =
  sql.raw(`m.state, m.role, coalesce(m.changed, 0)::float8 as changed, coalesce(m.from_id, 0)::float8 as "fromId",
  case when m.muted_until = 'infinity' then ${FOREVER} else extract(epoch from m.muted_until) * 1000 end::float8 as "mutedUntil",
  b.user_id is not null as banned,
  case when r.kind = 'direct' then coalesce((
    select count(*) = 2 and bool_or((select true from blocks x join members o on o.user_id = x.blocked_id
      where x.user_id = p.user_id and o.room_id = r.id and o.state = 'in' limit 1))
    from members p where p.room_id = r.id and p.state = 'in'), false) else false end as blocked`);

const seatJoins = sql.raw(`
  left join lateral (select * from members where user_id = i.user_id and room_id = r.id limit 1) m on true
  left join lateral (select user_id from bans where user_id = i.user_id and room_id = r.id limit 1) b on true`);

/** Reads people in rooms, in the order of the seats. */
export const readMemberships = (seats: readonly Seat[]) => sql`
  select r.id::float8 as "roomId", ${roomColumns}, ${seatColumns}
  from json_to_recordset(${JSON.stringify(seats.map(({ userId, room }, n) => ({ n, user_id: userId, room })))}::text::json)
    as i(n int, user_id bigint, room text)
  left join lateral (select * from rooms where name = i.room limit 1) r on true ${seatJoins}
  order by i.n`;

export const roomFactsOf = ({
  kind,
  deleted,
  archived,
  title,
  topic,
  history,
  membersAdd,
  receipts,
  beginsAfter,
  version,
  fence,
}: RoomRow): RoomFacts => ({
  kind,
  exists: true,
  deleted,
  archived,
  title,
  topic,
  history,
  membersAdd,
  receipts,
  beginsAfter,
  version,
  fence,
});

export const seatFactsOf = ({
  state,
  role,
  changed,
  fromId,
  mutedUntil,
  banned,
  blocked,
}: SeatRow): SeatFacts =>
  state === null
    ? { ...STRANGER, banned }
    : {
        state,
        role,
        changed,
        fromId,
        mutedUntil: mutedUntil === FOREVER ? Infinity : mutedUntil,
        banned,
        blocked,
      };

export function membershipFrom(room: string, row: MembershipRow): Membership {
  // A row that a refused creation left behind is no room.
  const missing = row.roomId === null || (isSecret(room) && row.version === 0);
  if (missing) return membershipOf(room, noRoom(room), STRANGER);
  return membershipOf(room, roomFactsOf(row), seatFactsOf(row));
}

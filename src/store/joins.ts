import { sql } from "drizzle-orm";
import type { Joining, Reading } from "../chat/ports.ts";
import { lockWithin } from "./sql.ts";
import { unreadAfter } from "./unread.ts";

/** What came of a seat. */
export interface JoinedRow extends Reading {
  readonly index: number;
  readonly created: boolean;
  /** Why this person cannot become a member by themselves, or null. */
  readonly refused: "forbidden" | "not_found" | null;
}

/** What counts as read for a member besides their mark: everything from before they became one. */
export const versionOf = (userId: string, roomId: string) =>
  sql.raw(`(select version from members where user_id = ${userId} and room_id = ${roomId})`);
export const markOf = (userId: string, roomId: string) =>
  sql.raw(`(select last_read from own where user_id = ${userId} and room_id = ${roomId})`);
/** A mark that was moved back before someone left and joined again does not count: it is behind what they began with. */
export const backOf = (userId: string, roomId: string, version: string) =>
  sql.raw(
    `(select back from own where user_id = ${userId} and room_id = ${roomId} and last_read >= ${version})`,
  );

/** A room that the server named is never open: its row may be of a creation that was refused. */
const isOpen = sql.raw("(kind = 'open' and deleted_at is null and name not like '~%')");

/**
 * Creates missing rooms, makes people members of open ones, and reads how far each has read. Locks rows in one order, as
 * every other statement here does. A seat is missing from the result if another transaction was creating its room, was
 * removing it as unused, or was closing it.
 *
 * The row of a room is locked before someone enters it: whoever makes it private, or deletes it, waits for them or they find
 * it closed. Rooms without messages are locked anyway, so that they are not removed from now on. `membersOnly`: nobody becomes
 * a member this way, so neither does someone who was removed a moment ago.
 */
export const joinAll = (
  seats: readonly (Joining & { readonly index: number })[],
  patienceMs: number,
  membersOnly = false,
) => sql`
  with asked as materialized (
    select i.index, i."userId" as user_id, i.room,
      ${!membersOnly}::boolean and coalesce(i."mayCreate", true) and i.room not like '~%' as may_create,
      ${lockWithin(patienceMs)}
    from json_to_recordset(${JSON.stringify(seats)}::text::json)
      as i(index int, "userId" bigint, room text, "mayCreate" boolean)
  ), created as (
    insert into rooms (name)
    select distinct a.room collate "C" from asked a
    where a.may_create and (select true from rooms r where r.name = a.room) is null
    order by 1
    on conflict (name) do nothing returning id, name, version
  ), known as materialized (
    select a.index, a.user_id, a.room, r.id as room_id, r.version, r.posted, r.is_open,
      (select m.state from members m where m.user_id = a.user_id and m.room_id = r.id) as state
    from asked a cross join lateral (
      select id, version, posted, ${!membersOnly}::boolean and ${isOpen} as is_open from rooms where name = a.room limit 1
    ) r
  ), held as materialized (
    select r.id, r.version from (
      select distinct room collate "C" as room from known where state is distinct from 'in' or not posted order by 1
    ) a
    cross join lateral (
      select id, version from rooms where name = a.room and ${!membersOnly}::boolean and ${isOpen} limit 1 for key share
    ) r
  ), seated as materialized (
    select k.index, k.user_id, k.room_id, coalesce(h.version, k.version) as version, false as created
    from known k left join held h on h.id = k.room_id where k.state = 'in' or h.id is not null
    union all
    select a.index, a.user_id, c.id, c.version, a.may_create from asked a join created c on c.name = a.room
  ), joined as (
    insert into members (user_id, room_id, version)
    select distinct s.user_id, s.room_id, s.version from seated s
    where (select m.state from members m where m.user_id = s.user_id and m.room_id = s.room_id) is distinct from 'in'
    order by s.user_id, s.room_id
    on conflict (user_id, room_id) do update
      set state = 'in', version = excluded.version, since = clock_timestamp() where members.state <> 'in'
    returning user_id, room_id, version
  ), placed as (
    select s.index, s.user_id, s.room_id, s.created, coalesce(
      ${backOf("s.user_id", "s.room_id", "s.since")}, greatest(s.since, ${markOf("s.user_id", "s.room_id")})) as last_read
    from (
      select s.*, coalesce(
        (select j.version from joined j where j.user_id = s.user_id and j.room_id = s.room_id),
        ${versionOf("s.user_id", "s.room_id")}, s.version) as since
      from seated s
    ) s
  )
  select p.index::float8 as index, p.last_read::float8 as "lastRead",
    ${unreadAfter(sql`p.user_id`, sql`p.room_id`, sql`p.last_read`)} as unread, p.created, null as refused
  from placed p
  union all
  select k.index::float8, 0, 0, false, case when k.state is null and k.room like '~%' then 'not_found' else 'forbidden' end
  from known k where k.state is distinct from 'in' and not k.is_open`;

import { type SQL, sql } from "drizzle-orm";
import { type Ruling, targetOf } from "../chat/change.ts";
import type { Ordered, Present, Ruled, RulingState } from "../chat/room/rulings.ts";
import type { Link } from "../chat/room/verdict.ts";
import type { Action, Deed } from "../db/audit.ts";
import { type Orm, rows } from "../db/database.ts";
import type { Person } from "../message.ts";
import { PINS_MAX } from "../protocol/membership.ts";
import { person, personJson } from "./notices.ts";
import { isGiven } from "./invitations.ts";
import { atMost, integers, texts } from "./sql.ts";

/** Reading and writing what changes of rooms and members are about, while their rooms are locked. */

/** The most owners and members of a room that are read. */
const OWNERS = atMost(1_000);
const MEMBERS_READ = 250;
const PINS = atMost(PINS_MAX);

/** Everyone whom a ruling names, its sender among them. */
export const namedIn = (ruling: Ruling): number[] =>
  ruling.kind === "member"
    ? [ruling.senderId, ...ruling.users, ...(ruling.heir === undefined ? [] : [ruling.heir])]
    : [ruling.senderId, ...(ruling.kind === "room" ? (ruling.create?.people ?? []) : [])];

/** Whether a ruling changes who may join a room: nobody may be about to. */
export const closesDoors = (ruling: Ruling): boolean =>
  ruling.kind === "room" &&
  (ruling.create !== undefined || ruling.set.kind !== undefined || ruling.set.deleted !== undefined);

/** The pairs of people who get a direct room of their own: a block of one by the other comes before it or after it. */
export const directPairs = (rulings: readonly Ruling[]): (readonly [number, number])[] =>
  rulings.flatMap((ruling) => {
    if (ruling.kind !== "room" || ruling.create?.kind !== "direct") return [];
    const [one, other, ...others] = new Set(ruling.create.people);
    return one === undefined || other === undefined || others.length > 0 ? [] : [[one, other] as const];
  });

/** Waits for those who are joining these rooms. Both hold a lock of the room's row. */
export const closeRooms = (names: readonly string[]) => sql`
  select r.id from (select distinct name collate "C" as name from unnest(${texts(names)}) as i(name) order by 1) i
  cross join lateral (select id from rooms where name = i.name limit 1 for update) r`;

interface FactsRow {
  readonly people: string;
  readonly present: string;
  readonly blocks: string;
  readonly links: string;
  readonly pins: string;
}

export async function readRulingState(tx: Orm, rulings: readonly Ruling[]): Promise<RulingState> {
  const people = [...new Set(rulings.flatMap(namedIn))];
  const names = [...new Set(rulings.map(({ room }) => room))];
  const hashes = rulings.flatMap((ruling) =>
    ruling.kind === "member" && ruling.link !== undefined ? [ruling.link] : [],
  );
  const pinned = [...new Set(rulings.flatMap(({ kind, room }) => (kind === "pin" ? [room] : [])))];
  const [row] = await rows<FactsRow>(tx, readFacts(people, names, hashes, pinned));
  const list = <T>(json: string | undefined) => JSON.parse(json ?? "[]") as T[];
  return {
    people: new Map(list<Person>(row?.people).map((person) => [person.userId, person])),
    present: new Map(
      list<{ room: string; owners: number[]; members: number[] }>(row?.present).map(
        ({ room, owners, members }): [string, Present] => [
          room,
          { owners, members, more: members.length === MEMBERS_READ },
        ],
      ),
    ),
    blocks: new Set(list<[number, number]>(row?.blocks).map(([one, other]) => `${one} ${other}`)),
    pins: new Map(
      list<{ room: string; ids: number[] }>(row?.pins).map(({ room, ids }): [string, number[]] => [
        room,
        ids,
      ]),
    ),
    links: new Map(list<Link & { hash: string }>(row?.links).map((link) => [link.hash, link])),
  };
}

const array = (found: SQL) => sql`(select coalesce(json_agg(x), '[]') from (${found}) f(x))`;

const readFacts = (
  people: readonly number[],
  names: readonly string[],
  hashes: readonly string[],
  pinned: readonly string[],
) => sql`
  select
    ${array(sql`select ${personJson} from unnest(${integers(people)}) as i(id) cross join lateral (${person(sql`i.id`)}) u`)}::text as people,
    ${array(sql`
      select json_build_object('room', r.name,
        'owners', ${array(sql`select user_id from members where room_id = r.id and state = 'in' and role <> 'member'
          and role = 'owner' ${OWNERS}`)},
        'members', ${array(sql`select user_id from members where room_id = r.id and state = 'in' order by user_id
          ${atMost(MEMBERS_READ)}`)})
      from unnest(${texts(names)}) as i(name) cross join lateral (
        select id, name from rooms where name = i.name limit 1) r`)}::text as present,
    ${array(sql`
      select json_build_array(b.user_id, b.blocked_id) from unnest(${integers(people)}) as i(id)
      cross join unnest(${integers(people)}) as o(id)
      cross join lateral (
        select user_id, blocked_id from blocks where user_id = i.id and blocked_id = o.id limit 1) b`)}::text as blocks,
    ${array(sql`
      select json_build_object('hash', i.hash, 'room', (select name from rooms where id = i.room_id),
        'version', i.version, 'expiresAt', extract(epoch from i.expires_at) * 1000,
        'left', i.max_uses - i.uses, 'revoked', not ${isGiven})
      from unnest(${texts(hashes)}) as h(hash) cross join lateral (
        select * from invitations where hash = h.hash limit 1) i`)}::text as links,
    ${array(sql`
      select json_build_object('room', i.name, 'ids', ${array(sql`select message_id from pins where room_id = r.id ${PINS}`)})
      from unnest(${texts(pinned)}) as i(name) cross join lateral (
        select id from rooms where name = i.name limit 1) r`)}::text as pins`;

/** Writes what rulings changed. The counters of the rooms are written before. */
export async function writeRuled(tx: Orm, ruled: Ruled, roomIds: ReadonlyMap<string, number>): Promise<void> {
  if (ruled.rooms.size === 0) return;
  const idOf = (room: string) => roomIds.get(room) ?? null;
  if (ruled.emptied.size > 0)
    await rows(tx, emptyRooms([...ruled.emptied].map(([room, version]) => ({ id: idOf(room), version }))));
  const changed = [...ruled.rooms].map(([name, facts]) => ({
    ...facts,
    id: idOf(name),
    left: ruled.left.has(name) ? 1 : 0,
  }));
  const seats = [...ruled.seats.values()].map(({ userId, room, joined, seat }) => ({
    ...seat,
    userId,
    roomId: idOf(room),
    joined,
    until:
      seat.mutedUntil === null
        ? null
        : seat.mutedUntil === Infinity
          ? "infinity"
          : new Date(seat.mutedUntil).toISOString(),
  }));
  await rows(
    tx,
    sql`with ruled as (
      update rooms r set kind = i.kind, title = i.title, topic = i.topic, history = i.history, members_add = i."membersAdd",
        receipts = i.receipts, begins_after = i."beginsAfter", fence = i.fence, leavers = r.leavers + i.left,
        archived_at = case when i.archived then coalesce(r.archived_at, clock_timestamp()) end,
        deleted_at = case when i.deleted then coalesce(r.deleted_at, clock_timestamp()) end
      from json_to_recordset(${JSON.stringify(changed)}::text::json) as i(id bigint, kind text, title text, topic text,
        history text, "membersAdd" boolean, receipts boolean, "beginsAfter" bigint, fence bigint, "left" bigint,
        archived boolean, deleted boolean)
      where r.id = i.id and r.id = any(${integers(changed.map(({ id }) => id))}) -- or it would read all rooms
    ), seats as materialized (
      select * from json_to_recordset(${JSON.stringify(seats)}::text::json) as i("userId" bigint, "roomId" bigint, state text,
        role text, changed bigint, "fromId" bigint, until timestamptz, banned boolean, joined bigint)
    ), seated as (
      insert into members as m (user_id, room_id, state, role, version, changed, from_id, muted_until)
      select "userId", "roomId", state, role, coalesce(joined, 0), changed, "fromId", until from seats
      where state <> 'none' order by "userId", "roomId"
      on conflict (user_id, room_id) do update set state = excluded.state, role = excluded.role,
        version = case when excluded.version > 0 then excluded.version else m.version end,
        changed = excluded.changed, from_id = excluded.from_id, muted_until = excluded.muted_until,
        since = case when m.state = excluded.state then m.since else clock_timestamp() end
    ), banned as (
      insert into bans (user_id, room_id, version)
      select "userId", "roomId", changed from seats where banned order by 1, 2
      on conflict (user_id, room_id) do nothing
    ), unbanned as (
      delete from bans b using seats i where not i.banned and b.user_id = i."userId" and b.room_id = i."roomId"
    )
    update invitations l set uses = l.uses + i.n
    from (select hash, count(*) as n from unnest(${texts(ruled.redeemed)}) as u(hash) group by hash) i
    where l.hash = i.hash`,
  );
}

/** Takes everyone out of deleted rooms, and takes away their pins and invitations. */
const emptyRooms = (emptied: readonly { id: number | null; version: number }[]) => sql`
  with emptied as materialized (
    select * from unnest(${integers(emptied.map(({ id }) => id))}, ${integers(emptied.map(({ version }) => version))})
      as i(id, version)
  ), gone as (
    update members m set state = 'removed', role = 'member', changed = i.version, since = clock_timestamp()
    from emptied i where m.room_id = i.id and m.state = 'in'
  ), unpinned as (
    delete from pins p using emptied i where p.room_id = i.id
  )
  update invitations l set revoked_at = clock_timestamp() from emptied i
  where l.room_id = i.id and l.revoked_at is null`;

/** What the audit records of rulings. */
export const deedsOfRulings = (ordered: readonly Ordered[], roomIds: ReadonlyMap<string, number>): Deed[] =>
  ordered.flatMap(({ ruling, version, users }) => {
    if (!ruling.order) return [];
    const deed = {
      ...ruling.order,
      action: actionOf(ruling),
      roomId: roomIds.get(ruling.room) as number,
      messageId: version,
      target:
        ruling.kind === "member"
          ? (ruling.role ?? "")
          : ruling.kind === "pin"
            ? targetOf(ruling)
            : Object.keys(ruling.set).join(),
    };
    return ruling.kind !== "member" || users.length === 0
      ? [deed]
      : users.map((userId) => ({ ...deed, userId }));
  });

const ACTIONS = {
  in: "member.add",
  out: "member.remove",
  role: "member.role",
  banned: "user.ban",
  unbanned: "user.unban",
  muted: "user.mute",
  unmuted: "user.unmute",
} as const satisfies Record<string, Action>;

function actionOf(ruling: Ruling): Action {
  if (ruling.kind === "member") return ACTIONS[ruling.set];
  if (ruling.kind === "pin") return "room.change";
  if (ruling.create) return "room.create";
  return ruling.set.deleted ? "room.delete" : "room.change";
}

import { sql } from "drizzle-orm";
import { type ListedMember, type MemberPage, type MemberRange, MEMBERS_MAX } from "../chat/lists.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { atMost, iso } from "./sql.ts";

/** The most members that one page looks at to find those with a name. */
const LOOK = 2_000;

type MemberRow = Omit<ListedMember, "userId" | "name" | "picture" | "mutedUntil" | "lastRead"> & {
  /** Null: the room has no further members. */
  readonly userId: number | null;
  readonly banned: boolean;
  readonly muted: boolean | null;
  readonly lastRead: number | null;
  readonly counter: number;
  readonly fence: number;
} & { readonly [Key in "name" | "picture" | "mutedUntil"]: string | null };

/** Reads a page of a room's members by user id. It costs the same in large rooms as in small ones. */
export async function listMembers(
  pool: Pool,
  room: string,
  { after, limit, q }: MemberRange,
): Promise<MemberPage> {
  const look = q === undefined ? MEMBERS_MAX + 1 : LOOK;
  const read = await runOrRefuse(pool, (orm) => rows<MemberRow>(orm, readMembers(room, after, look)));
  const { counter: version = 0, fence = 0 } = read[0] ?? {};
  const looked = read.flatMap((row) => (row.userId === null ? [] : [{ ...row, userId: row.userId }]));
  // Names are compared in JavaScript, because a database folds only the letters that its locale knows.
  const found = looked.filter(
    ({ banned, username, name }) => !banned && (q === undefined || begins(q, username, name ?? "")),
  );
  const shown = found.slice(0, Math.min(limit, MEMBERS_MAX));
  const furthest = found.length > shown.length ? shown : looked.length === look ? looked : [];
  return { members: shown.map(memberOf), next: furthest.at(-1)?.userId, version, fence };
}

const memberOf = ({
  name,
  picture,
  muted,
  mutedUntil,
  lastRead,
  banned: _,
  counter: __,
  fence: ___,
  ...member
}: MemberRow & { readonly userId: number }): ListedMember => ({
  ...member,
  ...(name !== null && { name }),
  ...(picture !== null && { picture }),
  ...(muted && { mutedUntil }),
  ...(lastRead !== null && { lastRead }),
});

const folded = (text: string) => text.normalize("NFKC").toLowerCase();

/** Whether the username, the name or a further word of the name begins with a text. */
function begins(text: string, username: string, name: string): boolean {
  const wanted = folded(text);
  return [username, name, ...name.split(" ")].some((one) => folded(one).startsWith(wanted));
}

/** Reads on in the order of the index, across the end of the room. Otherwise the planner would sort all of a large room. */
const readMembers = (room: string, after: number, look: number) => sql`
  select r.version::float8 as counter, r.fence::float8 as fence, m.user_id::float8 as "userId", u.uid as id, u.username,
    nullif(u.name, u.username) as name, u.picture, m.role,
    m.muted_until > clock_timestamp() as muted, ${iso(sql`nullif(m.muted_until, 'infinity')`)} as "mutedUntil",
    ${iso(sql`m.since`)} as "joinedAt", m.changed::float8 as version,
    case when r.kind = 'direct' or r.receipts then coalesce(
      (select last_read from own o where o.user_id = m.user_id and o.room_id = r.id), 0)::float8 end as "lastRead",
    (select true from bans b where b.user_id = m.user_id and b.room_id = r.id) is not null as banned
  from rooms r
  left join lateral (
    select * from (
      select * from members k where k.state = 'in' and (k.room_id, k.user_id) > (r.id, ${after}::bigint)
      order by k.room_id, k.user_id ${atMost(look)}
    ) k where k.room_id = r.id
  ) m on true
  left join users u on u.id = m.user_id
  where r.name = ${room}::text and r.deleted_at is null
  order by m.user_id`;

import { type SQL, sql } from "drizzle-orm";
import {
  FENCED,
  type Invitation,
  INVITATIONS_MAX,
  type InvitationStore,
  type Permitted,
} from "../chat/moderationports.ts";
import { writeAudit } from "../db/audit.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { fromNow } from "../db/time.ts";
import { person, shownOf } from "./people.ts";
import { atMost, iso } from "./sql.ts";

interface InvitationRow extends Omit<Invitation, "by"> {
  readonly by: string;
}

const invitationOf = ({ by, ...row }: InvitationRow): Invitation => ({ ...row, by: shownOf(by) });

const shown = sql`i.id::text as id, ${person("u")} as by, ${iso(sql`i.created_at`)} as "createdAt",
  ${iso(sql`i.expires_at`)} as "expiresAt", i.max_uses as "maxUses", i.uses`;

/** The room of a request, if the rights with which it was permitted still stand. */
const place = ({ room, fence }: Permitted): SQL => sql`place as materialized (
  select id, version, begins_after, fence::float8 as fence, fence = ${fence}::bigint as stands
  from rooms where name = ${room}::text
)`;

/** Whether nobody has taken the link `i` back: by revoking it, or by removing or banning whoever created it. */
export const isGiven: SQL = sql`(i.revoked_at is null
  and not exists (select from members m
    where m.user_id = i.created_by and m.room_id = i.room_id and m.state = 'removed')
  and not exists (select from bans b where b.user_id = i.created_by and b.room_id = i.room_id))`;

/** Whether the link `i` to the room `r` works. Those of an earlier life of the room do not. */
const isValid: SQL = sql`${isGiven} and i.expires_at > clock_timestamp()
  and (i.max_uses is null or i.uses < i.max_uses) and i.version >= r.begins_after`;

/** Whether the link `i` comes after another one in a list. */
const follows = (id: string) => sql`(i.created_at, i.id) < (
  select a.created_at, a.id from invitations a where a.id = ${id}::text::uuid and a.room_id = i.room_id)`;

export function createInvitationStore(pool: Pool): InvitationStore {
  return {
    async create(by, { id, hash, ttlMs, maxUses }) {
      const { userId } = by;
      const [found] = await runOrRefuse(pool, (orm) =>
        rows<InvitationRow & { stands: boolean | null }>(
          orm,
          sql`with ${place(by)}, made as (
              insert into invitations as i (id, room_id, hash, created_by, version, expires_at, max_uses)
              select ${id}::text::uuid, r.id, ${hash}::text, ${userId}::bigint, r.version, ${fromNow(ttlMs)},
                ${maxUses}::int
              from place r where r.stands and (
                select count(*) from invitations i where i.room_id = r.id and i.created_by = ${userId}::bigint
                  and i.id <> ${id}::text::uuid and ${isValid}) < ${INVITATIONS_MAX}::int
              on conflict (id) do update set hash = excluded.hash
                where i.created_by = excluded.created_by and i.room_id = excluded.room_id and i.revoked_at is null
              returning *
            )
            select p.stands, x.* from (select 1) one left join (select stands from place) p on true
            left join (select ${shown} from made i join users u on u.id = i.created_by) x on true`,
        ),
      );
      if (!found?.stands) return FENCED;
      return (found.id as string | null) === null ? null : invitationOf(withoutStands(found));
    },

    async invitations(reader, { after, limit }, scope) {
      const found = await runOrRefuse(pool, (orm) =>
        rows<InvitationRow & { stands: boolean | null }>(
          orm,
          sql`with ${place(reader)}
            select p.stands, x.* from (select 1) one left join (select stands from place) p on true
            left join (
              select ${shown}, i.created_at from place r join invitations i on i.room_id = r.id
              join users u on u.id = i.created_by
              where ${isValid} and ${scope === "all" ? sql`true` : sql`i.created_by = ${reader.userId}::bigint`}
                and ${after === undefined ? sql`true` : follows(after)}
              order by i.created_at desc, i.id desc ${atMost(limit + 1)}
            ) x on true order by x.created_at desc, x.id desc`,
        ),
      );
      if (!found[0]?.stands) return FENCED;
      const listed = found.filter(({ id }) => (id as string | null) !== null);
      return {
        entries: listed.slice(0, limit).map((row) => invitationOf(withoutStands(row))),
        more: listed.length > limit,
      };
    },

    revoke: (by, id, scope, order) =>
      runOrRefuse(pool, (orm) =>
        orm.transaction(async (tx) => {
          const [found] = await rows<{ stands: boolean | null; roomId: number | null; creatorId: number }>(
            tx,
            sql`with ${place(by)}, gone as (
                update invitations i set revoked_at = clock_timestamp() from place r
                where r.stands and i.room_id = r.id and i.id = ${id}::text::uuid and ${isValid}
                  and ${scope === "all" ? sql`true` : sql`i.created_by = ${by.userId}::bigint`}
                returning i.room_id, i.created_by
              )
              select (select stands from place) as stands, g.room_id::float8 as "roomId", g.created_by::float8 as "creatorId"
              from (select 1) one left join gone g on true`,
          );
          if (!found?.stands) return FENCED;
          const { roomId, creatorId } = found;
          if (roomId === null) return false;
          if (creatorId !== by.userId)
            await writeAudit(tx, [
              { ...order, action: "invitation.revoke", userId: creatorId, roomId, target: id },
            ]);
          return true;
        }),
      ),

    async roomOf(hash, userId) {
      const [found] = await runOrRefuse(pool, (orm) =>
        rows<{ room: string; leads: boolean }>(
          orm,
          sql`select r.name as room, r.deleted_at is null and (${isValid} or exists (
              select from members m where m.user_id = ${userId}::bigint and m.room_id = r.id and m.state = 'in')) as leads
            from invitations i join rooms r on r.id = i.room_id where i.hash = ${hash}::text`,
        ),
      );
      return found?.leads ? found.room : undefined;
    },
  };
}

/** The row as an invitation, without what else it says. */
const withoutStands = ({ id, by, createdAt, expiresAt, maxUses, uses }: InvitationRow): InvitationRow => ({
  id,
  by,
  createdAt,
  expiresAt,
  maxUses,
  uses,
});

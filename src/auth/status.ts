import { sql } from "drizzle-orm";
import { type Orm, rows } from "../db/database.ts";
import { type Identity, NOWHERE } from "../identity.ts";

export type Who = Pick<Identity, "userId" | "sessionId">;

/** Why access has ended. */
export type EndReason = "session_ended" | "account_disabled";

/** How someone stands. */
export interface Status {
  /** Why their access has ended; null: it has not. */
  readonly reason: EndReason | null;
  /** The rooms that they are banned from. */
  readonly banned: ReadonlySet<string>;
}

/** How nearly everyone stands. */
const WELL: Status = { reason: null, banned: NOWHERE };

interface StatusRow {
  readonly enabled: boolean;
  readonly alive: boolean;
  readonly banned: string | null;
}

/** How each of them stands, in their order; one query. Rooms are looked up one by one: a join might read them all. */
export async function readStatuses(orm: Orm, whos: readonly Who[]): Promise<Status[]> {
  const input = JSON.stringify(
    whos.map(({ userId, sessionId }, at) => ({ at, user: userId, session: sessionId })),
  );
  const found = await rows<StatusRow>(
    orm,
    sql`select u.id is not null and u.disabled_at is null and u.deleted_at is null as enabled,
        i.session is null or (s.id is not null and s.revoked_at is null and s.expires_at > clock_timestamp()) as alive,
        (select json_agg((select name from rooms where id = m.room_id)) from members m
          where m.user_id = i."user" and m.banned_at is not null)::text as banned
      from json_to_recordset(${input}::text::json) as i(at int, "user" bigint, session uuid)
      left join users u on u.id = i."user"
      left join sessions s on s.id = i.session and s.user_id = i."user"
      order by i.at`,
  );
  return found.map(({ enabled, alive, banned }) => {
    if (enabled && alive && banned === null) return WELL;
    return {
      reason: enabled ? (alive ? null : "session_ended") : "account_disabled",
      banned: banned === null ? NOWHERE : new Set(JSON.parse(banned) as string[]),
    };
  });
}

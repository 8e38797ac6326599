import { sql } from "drizzle-orm";
import { type Orm, rows } from "../db/database.ts";
import type { EndReason, Login } from "../identity.ts";

/** Whether a login is alive: `alive`, or why its access has ended. */
export type Status = "alive" | EndReason;

interface StatusRow {
  readonly enabled: boolean;
  readonly alive: boolean;
}

/** Reads the status of each login, in their order, in one query. */
export async function readStatuses(orm: Orm, logins: readonly Login[]): Promise<Status[]> {
  const input = JSON.stringify(
    logins.map(({ userId, sessionId }, at) => ({ at, user: userId, session: sessionId })),
  );
  const found = await rows<StatusRow>(
    orm,
    sql`select u.id is not null and u.disabled_at is null and u.deleted_at is null as enabled,
        i.session is null or (s.id is not null and s.revoked_at is null and s.expires_at > clock_timestamp()) as alive
      from json_to_recordset(${input}::text::json) as i(at int, "user" bigint, session uuid)
      left join users u on u.id = i."user"
      left join sessions s on s.id = i.session and s.user_id = i."user"
      order by i.at`,
  );
  return found.map(({ enabled, alive }) =>
    enabled ? (alive ? "alive" : "session_ended") : "account_disabled",
  );
}

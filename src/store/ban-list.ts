import { sql } from "drizzle-orm";
import { type BanPage, type BanRange, MEMBERS_MAX } from "../chat/lists.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { person, shownOf } from "./people.ts";
import { atMost, iso, messageAt } from "./sql.ts";

interface BanRow {
  /** Null: the room has no further bans. */
  readonly userId: number | null;
  readonly user: string | null;
  readonly by: string | null;
  readonly since: string;
  readonly fence: number;
}

/** Reads a page of a room's bans by user id. It costs the same in rooms with many as in others. */
export async function listBans(pool: Pool, room: string, { after, limit }: BanRange): Promise<BanPage> {
  const most = Math.min(limit, MEMBERS_MAX);
  const read = await runOrRefuse(pool, (orm) => rows<BanRow>(orm, readBans(room, after, most + 1)));
  const found = read.filter(({ userId }) => userId !== null);
  const shown = found.slice(0, most);
  return {
    bans: shown.map(({ user, by, since }) => ({
      user: shownOf(user as string),
      by: by === null ? null : shownOf(by),
      since,
    })),
    next: found.length > most ? (shown.at(-1)?.userId ?? undefined) : undefined,
    fence: read[0]?.fence ?? 0,
  };
}

/** The notice of a ban says who did it. Like the members, the bans are read on in the order of the index. */
const readBans = (room: string, after: number, look: number) => sql`
  select r.fence::float8 as fence, b.user_id::float8 as "userId", ${person("u")} as user, ${person("s")} as by,
    ${iso(sql`b.at`)} as since
  from rooms r
  left join lateral (
    select * from (
      select * from bans k where (k.room_id, k.user_id) > (r.id, ${after}::bigint)
      order by k.room_id, k.user_id ${atMost(look)}
    ) k where k.room_id = r.id
  ) b on true
  left join users u on u.id = b.user_id
  left join lateral (
    select sender_id from (${messageAt(sql`r.id`, sql`b.version`)}) m
    where m.id > r.begins_after and m.notice ->> 'type' = 'banned'
  ) n on true
  left join users s on s.id = n.sender_id
  where r.name = ${room}::text and r.deleted_at is null
  order by b.user_id`;

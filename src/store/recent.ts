import { sql } from "drizzle-orm";
import type { RecentRange } from "../chat/lists.ts";
import type { Statement } from "../db/database.ts";
import { isOpenTo, likePatterns, matching, ONE_MORE } from "./filters.ts";
import { type Prepared, prepared, unguessed } from "./sql.ts";
import { BY_ACTIVITY, IS_HIDDEN, summaries } from "./summaries.ts";
import { UNSEEN } from "./unread.ts";

const VALUES = {
  userId: sql.placeholder("userId"),
  patterns: sql.placeholder("patterns"),
  pinned: sql.placeholder("pinned"),
  at: sql.placeholder("at"),
  room: sql.placeholder("room"),
  limit: sql.placeholder("limit"),
};

/** What decides which statement it is. */
interface Shape {
  readonly isMatched: boolean;
  readonly isContinued: boolean;
  readonly hidden: boolean;
}

const statements = new Map<string, Prepared<keyof typeof VALUES>>();

/** The statement that lists someone's rooms by activity. */
export function recentRooms(userId: number, { before, patterns, hidden, limit }: RecentRange): Statement {
  const shape: Shape = { isMatched: patterns !== null, isContinued: before !== null, hidden };
  const statement = statements.getOrInsertComputed(Object.values(shape).join(), () =>
    prepared(summaries(VALUES.userId, { rooms: recent(shape), order: BY_ACTIVITY }, VALUES.limit)),
  );
  return statement({ userId, patterns: likePatterns(patterns), ...(before ?? NOWHERE), limit });
}

const NOWHERE = { pinned: null, at: null, room: null };

/**
 * Someone's rooms, pinned ones first, each at the time of the newest message that they see, or else of their becoming a
 * member. A hidden room is back once it has a newer message, or once they became a member again.
 */
const recent = ({ isMatched, isContinued, hidden }: Shape) => sql`
  select r.id, r.name, p.pinned, p.at from members m join rooms r on r.id = m.room_id
  left join own o on o.user_id = m.user_id and o.room_id = m.room_id
  cross join lateral (
    select o.pinned_at is not null as pinned,
      case when r.last_post > ${UNSEEN} then coalesce(r.posted_at, m.since) else m.since end as at) p
  where m.user_id = ${VALUES.userId}::bigint and m.state = 'in' and r.deleted_at is null
    and ${isOpenTo(VALUES.userId)} and ${matching(isMatched ? VALUES.patterns : null)}
    and ${hidden ? sql`true` : unguessed(sql`${IS_HIDDEN} is not true`)}
    and ${
      isContinued
        ? sql`(p.pinned, p.at, r.name) < (${VALUES.pinned}::boolean,
            'epoch'::timestamptz + ${VALUES.at}::bigint * interval '1 microsecond', ${VALUES.room}::text)`
        : sql`true`
    }
  order by p.pinned desc, p.at desc, r.name desc ${ONE_MORE}`;

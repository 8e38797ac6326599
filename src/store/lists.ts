import { type SQL, sql } from "drizzle-orm";
import { type Database, isDatabaseAway, rows } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { unreadAfter } from "./member-statements.ts";
import { atMost, iso } from "./statements.ts";

const RETRY_MS = 2_000;
/** Rooms on a page. */
export const ROOMS_MAX = 200;

/** A room as a list of rooms shows it. */
export interface RoomOverview {
  readonly room: string;
  /** The newest message; null where there is none. A deleted one has no content. */
  readonly last: { id: number; username: string; content: string; timestamp: string } | null;
  /** Null for who is no member. */
  readonly lastRead: number | null;
  /** Messages of others after it, up to 100: more than 99 are "99+". */
  readonly unread: number;
}

/** Lists of rooms, by name. */
export interface Overviews {
  /** The rooms that someone has joined or posted to and is not banned from. @throws {Refusal} unavailable. */
  mine(userId: number, page: RoomPage): Promise<RoomOverview[]>;
  /** All rooms that have a message, whoever may enter them. @throws {Refusal} unavailable. */
  all(userId: number, page: RoomPage): Promise<RoomOverview[]>;
  one(userId: number, room: string): Promise<RoomOverview | undefined>;
}

interface RoomPage {
  /** The name that the page comes after; "" for the first page. */
  readonly after: string;
  /** At most one more than {@link ROOMS_MAX}, which tells whether there is more. */
  readonly limit: number;
}

interface OverviewRow extends Omit<RoomOverview, "last"> {
  readonly id: number | null;
  readonly username: string;
  readonly content: string;
  readonly timestamp: string;
}

export function createOverviews(database: Database): Overviews {
  async function read(userId: number, chosen: SQL): Promise<RoomOverview[]> {
    const found = await database
      .run((orm) => rows<OverviewRow>(orm, overviews(userId, chosen)))
      .catch((error) => {
        throw isDatabaseAway(error) ? new Refusal("unavailable", { retryAfterMs: RETRY_MS }) : error;
      });
    return found.map(({ room, lastRead, unread, id, username, content, timestamp }) => ({
      room,
      last: id === null ? null : { id, username, content, timestamp },
      lastRead,
      unread,
    }));
  }

  return {
    mine: (userId, { after, limit }) =>
      read(
        userId,
        sql`select r.id, r.name from members m join rooms r on r.id = m.room_id
          where m.user_id = ${userId}::bigint and m.banned_at is null and r.name > ${after}::text
          order by r.name limit ${limit}::int`,
      ),
    all: (userId, { after, limit }) =>
      read(
        userId,
        sql`select * from (select id, name from rooms where name > ${after}::text and version > 0
          order by name ${atMost(ROOMS_MAX + 1)}) r order by name limit ${limit}::int`,
      ),
    async one(userId, room) {
      const [found] = await read(userId, sql`select id, name from rooms where name = ${room}::text`);
      return found;
    },
  };
}

/** Each look-up beside a room is by key and bounded, so a page costs the same in a large room as in a small one. */
const overviews = (userId: number, chosen: SQL) => sql`
  select c.name as room, m.last_read::float8 as "lastRead", l.id::float8 as id, u.username, l.content,
    ${iso(sql`l.created_at`)} as timestamp,
    case when m.user_id is null then 0 else ${unreadAfter(sql`m.user_id`, sql`c.id`, sql`m.last_read`)} end as unread
  from (${chosen}) c
  left join members m on m.user_id = ${userId}::bigint and m.room_id = c.id
  left join lateral (select * from messages x where x.room_id = c.id order by x.id desc limit 1) l on true
  left join users u on u.id = l.sender_id
  order by c.name`;

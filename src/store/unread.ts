import { type SQL, sql } from "drizzle-orm";
import { UNREAD_MAX } from "../chat/ports.ts";
import { atMost } from "./sql.ts";

/** The most messages examined after a mark, so that no join reads all of a large room. */
const UNREAD_LOOK = 1_000;

/** Counts the messages of others after a mark that are neither deleted nor notices: at most {@link UNREAD_MAX} of the next {@link UNREAD_LOOK}. */
export const unreadAfter = (userId: SQL, roomId: SQL, mark: SQL) => sql`(select count(*) from (
  select 1 from (
    select sender_id, deleted_at, notice from messages where room_id = ${roomId} and id > ${mark} order by id ${atMost(UNREAD_LOOK)}
  ) x where x.deleted_at is null and x.notice is null and x.sender_id <> ${userId} ${atMost(UNREAD_MAX)}) few)::int`;

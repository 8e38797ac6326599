import { type SQL, sql } from "drizzle-orm";
import type { Seat } from "../chat/ports.ts";
import { type Saved, SAVED_PAGE_MAX, type SavedRange, type SavedStore } from "../chat/saved.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { personOf, type PersonRow } from "../person.ts";
import { SAVED_MAX } from "../protocol/limits.ts";
import { isOpenTo, likePatterns, matching } from "./filters.ts";
import { atMost, iso, messageAt } from "./sql.ts";

/** The most bytes of texts on a page, unless it has a single message. */
const PAGE_BYTES = 256 * 1024;
/** About the size of a message besides its text, data and files, in bytes. */
const MESSAGE_BYTES = 256;

interface SaveRow {
  readonly fence: number;
  readonly there: boolean;
  readonly saved: boolean;
}
type SavedRow = Omit<Saved, "user"> & PersonRow & { readonly more: boolean };

export function createSavedStore(pool: Pool, reads: Pool): SavedStore {
  return {
    async save(seat, message) {
      return runOrRefuse(pool, (orm) =>
        orm.transaction(async (tx) => {
          // One at a time for each person, so that their number is exact.
          await rows(tx, sql`select from users where id = ${seat.userId}::bigint for no key update`);
          let [row] = await rows<SaveRow>(tx, save(seat, message));
          if (row?.there && !row.saved && (await forget(tx, seat.userId)) > 0)
            [row] = await rows<SaveRow>(tx, save(seat, message));
          const { fence = 0, there = false, saved = false } = row ?? {};
          return { fence, result: saved ? "saved" : there ? "full" : "missing" } as const;
        }),
      );
    },

    async unsave({ userId, room }, id) {
      await runOrRefuse(pool, (orm) =>
        rows(
          orm,
          sql`delete from saved where user_id = ${userId}::bigint and message_id = ${id}::bigint
            and room_id = (select id from rooms where name = ${room}::text)`,
        ),
      );
    },

    async list(userId, range) {
      const found = await runOrRefuse(reads, (orm) => rows<SavedRow>(orm, list(userId, range)));
      const saved = found.map(({ uid, name, more: _, ...message }): Saved => {
        const { username } = message;
        return { ...message, user: personOf({ uid, name, username }) };
      });
      return { saved, more: found.at(-1)?.more ?? false };
    },

    async idsIn({ userId, room }) {
      const found = await runOrRefuse(pool, (orm) =>
        rows<{ id: number }>(
          orm,
          sql`select message_id::float8 as id from saved where user_id = ${userId}::bigint
            and room_id = (select id from rooms where name = ${room}::text) order by message_id ${atMost(SAVED_MAX)}`,
        ),
      );
      return found.map(({ id }) => id);
    },
  };
}

/** `saved`: it is in the list now, or was before. */
const save = ({ userId, room }: Seat, { id, from }: { readonly id: number; readonly from: number }) => sql`
  with found as materialized (
    select r.id as room_id, m.id as message_id from rooms r
    cross join lateral (${messageAt(sql`r.id`, sql`${id}::bigint`)}) m
    where r.name = ${room}::text and m.id >= ${from}::bigint and m.deleted_at is null and m.notice is null
  ), known as materialized (
    select true as known from saved s join found f on s.room_id = f.room_id and s.message_id = f.message_id
    where s.user_id = ${userId}::bigint
  ), added as (
    insert into saved (user_id, room_id, message_id)
    select ${userId}::bigint, room_id, message_id from found
    where not exists (select from known)
      and (select count(*) from saved where user_id = ${userId}::bigint) < ${SAVED_MAX}::int
    returning true as added
  )
  select coalesce((select fence from rooms where name = ${room}::text), 0)::float8 as fence,
    exists (select from found) as there, exists (select from known) or exists (select from added) as saved`;

/** Removes what nobody sees any more from someone's list: deleted messages, and those of deleted rooms. Returns their number. */
async function forget(tx: Orm, userId: number): Promise<number> {
  const gone = await rows(
    tx,
    sql`delete from saved s using rooms r
      where s.user_id = ${userId}::bigint and r.id = s.room_id and (
        r.deleted_at is not null or s.message_id <= r.begins_after
        or exists (select from (${messageAt(sql`s.room_id`, sql`s.message_id`)}) m where m.deleted_at is not null))
      returning s.id`,
  );
  return gone.length;
}

/** One statement, so that access and messages are those of one moment. */
const list = (userId: number, { before, limit, patterns, membersOnly }: SavedRange): SQL => sql`
  select room, t.id::float8 as id, version::float8 as version, client_id::text as "clientId", content, data, files,
    reply_to::float8 as "replyTo", ${iso(sql`t.created_at`)} as timestamp, ${iso(sql`edited_at`)} as "editedAt",
    ${iso(sql`saved_at`)} as "savedAt", place::float8 as place, u.username, u.uid, u.name, more
  from (
    select c.*, row_number() over w as n, lead(true, 1, false) over w as more,
      sum(octet_length(c.content) + coalesce(octet_length(c.data), 0) + coalesce(octet_length(c.files), 0)
        + ${sql.raw(String(MESSAGE_BYTES))}) over w as upto
    from (
      select r.name as room, s.id as place, s.at as saved_at, m.* from saved s join rooms r on r.id = s.room_id
      left join members k on k.user_id = s.user_id and k.room_id = s.room_id
      cross join lateral (${messageAt(sql`s.room_id`, sql`s.message_id`)}) m
      where s.user_id = ${userId}::bigint and s.id < ${before}::bigint and m.deleted_at is null
        and r.deleted_at is null and m.id > r.begins_after and m.id >= coalesce(k.from_id, 0)
        and (k.state = 'in' or r.kind = 'open' and not ${membersOnly}::boolean)
        and ${isOpenTo(userId)} and ${matching(likePatterns(patterns))}
      order by s.id desc ${atMost(SAVED_PAGE_MAX + 1)}
    ) c window w as (order by c.place desc rows unbounded preceding)
  ) t join users u on u.id = t.sender_id
  where n <= ${limit}::int and (n = 1 or upto <= ${sql.raw(String(PAGE_BYTES))})
  order by n`;

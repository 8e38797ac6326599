import { type SQL, sql } from "drizzle-orm";
import type { Notice, Person } from "../message.ts";

/** A notice as it is stored: people by their ids, so that it keeps nobody's name. */
export interface StoredNotice extends Omit<Notice, "users" | "heir"> {
  readonly users: readonly number[];
  readonly heir?: number | undefined;
}

/** A notice as JSON, and the people whom it names. Both are null for other messages. */
export interface NoticeRow {
  readonly notice: string | null;
  readonly named: string | null;
}

/** A person's names as JSON. */
export const personJson = sql.raw(
  "json_build_object('userId', u.id, 'id', u.uid, 'username', u.username, 'name', u.name)",
);

/** One person. The limit keeps it a lookup by key, whatever the planner believes. */
export const person = (userId: SQL) =>
  sql`select id, uid, username, name from users where id = ${userId} limit 1`;

/** Reads the names of the people in a notice. */
export const namedBy = (notice: SQL) => sql`case when ${notice} is not null then (
  select json_agg(${personJson}) from (
    select value::bigint as id from jsonb_array_elements_text((${notice} -> 'users') || coalesce(${notice} -> 'heir', '[]'))
  ) n cross join lateral (${person(sql`n.id`)}) u)::text end`;

/** Puts people's present names into a notice. */
export function noticeOf({ notice, named }: NoticeRow): Notice | null {
  if (notice === null) return null;
  const people = new Map((JSON.parse(named ?? "[]") as Person[]).map((person) => [person.userId, person]));
  return withNames(JSON.parse(notice) as StoredNotice, people);
}

export function withNames(
  { users, heir, ...notice }: StoredNotice,
  people: ReadonlyMap<number, Person>,
): Notice {
  const named = (userId: number): Person =>
    people.get(userId) ?? { userId, id: "", username: "", name: null };
  return { ...notice, users: users.map(named), ...(heir !== undefined && { heir: named(heir) }) };
}

/** A notice as it is stored, as JSON. */
export function storedNotice(notice: Notice | null): string | null {
  if (notice === null) return null;
  const { users, heir, ...rest } = notice;
  const stored: StoredNotice = {
    ...rest,
    users: users.map(({ userId }) => userId),
    ...(heir && { heir: heir.userId }),
  };
  return JSON.stringify(stored);
}
